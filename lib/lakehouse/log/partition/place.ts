import type { ObjectStore } from "../../storage/index.js";

/** Below the store's root: no namespace of tables begins with an underscore and this name by chance. */
const FOLDER = "_log";
const DIGITS = 20;

/** Where a log's objects lie in a store. */
export class Place {
  readonly root: string;

  constructor(store: ObjectStore) {
    this.root = `${store.root}/${FOLDER}`;
  }

  topic(topicId: string): string {
    return `${this.root}/${topicId}/topic.json`;
  }

  /** That it lies there says that the topic is deleted, whatever else is still there. */
  deleted(topicId: string): string {
    return `${this.root}/${topicId}/deleted`;
  }

  folder(topicId: string): string {
    return `${this.root}/${topicId}/`;
  }

  segment(topicId: string, partition: number, sequence: number): string {
    return `${this.root}/${topicId}/${partition}/${String(sequence).padStart(DIGITS, "0")}.segment`;
  }
}
