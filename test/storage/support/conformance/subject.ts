import { randomUUID } from "node:crypto";
import type { ObjectStore } from "../../../../lib/lakehouse/storage/index.js";

/** A store to be tested, and what its maker knows of it. */
export interface Made {
  readonly store: ObjectStore;
  /** Puts an object into what is below the store: a cheaper way to put many, where there is one. */
  putBeneath?(uri: string, body: Uint8Array): Promise<unknown>;
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

  /** Puts an object in the cheapest way, for tests in which it is not the put that matters. */
  async putBeneath(uri: string, body: Uint8Array): Promise<void> {
    await (this.#made?.putBeneath?.(uri, body) ?? this.store.put(uri, body));
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
