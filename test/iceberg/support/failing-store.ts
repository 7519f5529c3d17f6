import { LakehouseError } from "../../../lib/lakehouse/errors.js";
import type { ObjectStore } from "../../../lib/lakehouse/storage/index.js";

/**
 * A store on a disk that fills up: the n-th write fails, and so does each after it, until `room` is made. What a
 * stream had written by then is gone, as the store contract has it.
 */
export class FailingStore {
  /** How many writes were begun. */
  writes = 0;
  #left = Number.POSITIVE_INFINITY;
  readonly store: ObjectStore;

  constructor(inner: ObjectStore) {
    const write = (): void => {
      this.writes += 1;
      if (this.writes > this.#left) throw full();
    };
    const self: Partial<ObjectStore> = {
      put: async (...args: Parameters<ObjectStore["put"]>) => {
        write();
        return inner.put(...args);
      },
    };
    this.store = new Proxy(inner, {
      get: (target, key) => {
        const own = Reflect.get(self, key);
        if (own !== undefined) return own;
        const value = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  /** Lets so many more writes through. */
  failAfter(writes: number): void {
    this.#left = this.writes + writes;
  }

  makeRoom(): void {
    this.#left = Number.POSITIVE_INFINITY;
  }
}

function full(): LakehouseError {
  return new LakehouseError("STORAGE_FAILED", "disk", "ENOSPC: no space left on device, write");
}
