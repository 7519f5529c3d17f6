import { randomUUID } from "node:crypto";
import type { ObjectStore } from "../../../lib/lakehouse/storage/index.js";

/** A store to be tested, and what its maker knows of it. */
export interface Made {
  readonly store: ObjectStore;
  /** Uploads that were begun and neither completed nor aborted; left out where the notion does not exist. */
  openUploads?(): Promise<number>;
  dispose?(): Promise<void>;
}

/** The store under test. It exists from `beforeAll` on. */
export class Subject {
  #made: Made | undefined;

  async make(makeStore: () => Promise<Made>): Promise<void> {
    this.#made = await makeStore();
  }

  async dispose(): Promise<void> {
    await this.#made?.dispose?.();
  }

  get store(): ObjectStore {
    if (this.#made === undefined) throw new Error("The store is used before it is made");
    return this.#made.store;
  }

  /** A fresh place for each test: stores may be shared and may be remote. */
  place(): string {
    return `${this.store.root}/${randomUUID()}`;
  }

  /** 0 where there are no uploads. */
  async openUploads(): Promise<number> {
    return (await this.#made?.openUploads?.()) ?? 0;
  }
}
