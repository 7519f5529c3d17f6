import type { ObjectStore } from "../../storage/index.js";
import type { StoredSegment } from "../segment/layout.js";

/** Below the store's root: no namespace of tables begins with an underscore and this name by chance. */
const FOLDER = "_log";
const DIGITS = 20;

/** The name of the segment of a number, as its writer puts it. */
export function segmentName(sequence: number): string {
  return `${digits(sequence)}.segment`;
}

/** The name of a segment that takes the place of those from one number to another. @param id of this one alone. */
export function mergedName(first: number, last: number, id: string): string {
  return `${digits(first)}-${digits(last)}-${id}.segment`;
}

function digits(sequence: number): string {
  return String(sequence).padStart(DIGITS, "0");
}

/** Where a log's objects lie in a store. */
export class Place {
  readonly root: string;

  constructor(store: ObjectStore) {
    this.root = `${store.root}/${FOLDER}`;
  }

  /** Users, and what they may do. */
  get security(): string {
    return `${this.root}/security.json`;
  }

  /** The last epoch of one that wrote the log alone. */
  get epoch(): string {
    return `${this.root}/epoch.json`;
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

  partition(topicId: string, partition: number): string {
    return `${this.root}/${topicId}/${partition}/`;
  }

  manifest(topicId: string, partition: number): string {
    return `${this.partition(topicId, partition)}manifest.json`;
  }

  segment(topicId: string, partition: number, sequence: number): string {
    return `${this.partition(topicId, partition)}${segmentName(sequence)}`;
  }

  object({ topicId, partition, object }: StoredSegment): string {
    return `${this.partition(topicId, partition)}${object}`;
  }
}
