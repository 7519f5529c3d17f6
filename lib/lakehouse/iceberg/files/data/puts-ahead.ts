import type { ParquetTarget } from "../../../parquet/index.js";
import type { Body, ObjectStore, PutCondition } from "../../../storage/index.js";

/** Larger files, and more of them at a time, are waited for, so that memory stays flat. */
const AHEAD_BYTES = 256 * 1024;
const AHEAD_FILES = 16;

/**
 * Puts of small files that nobody waits for one by one: while the disk or the service takes them, the commit's other
 * files are made and put as well. Whoever names them to others awaits `stored` first.
 */
export class PutsAhead implements ParquetTarget {
  readonly #store: ObjectStore;
  readonly #puts = new Set<Promise<unknown>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async put(uri: string, body: Body, ...how: [PutCondition?, AbortSignal?]): Promise<void> {
    const put = this.#store.put(uri, body, ...how);
    if (!(body instanceof Uint8Array) || body.length > AHEAD_BYTES) {
      await put;
      return;
    }
    const ended: Promise<unknown> = put
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#puts.delete(ended));
    this.#puts.add(ended);
    if (this.#puts.size > AHEAD_FILES) await this.stored();
  }

  /** Resolves when all that was put is in the store, and none is under way. Throws what the first failure was. */
  async stored(): Promise<void> {
    await Promise.all(this.#puts);
    if (this.#failure) throw this.#failure.error;
  }

  /** Deletes files, once no put can bring one back. */
  async delete(uris: readonly string[]): Promise<void> {
    await Promise.all(this.#puts);
    await this.#store.delete(uris);
  }
}
