import { openAnywhere } from "./anywhere.js";
import { invalidUri } from "./errors.js";
import { MovedStore } from "./moved-store.js";
import type { ByteRange, ListOptions, ObjectInfo, ObjectStore } from "./store.js";

const reaching = new WeakMap<ObjectStore, ObjectStore>();

/**
 * The same store, and beyond it, to be read, every other object that this process can reach: for data files, which a
 * table may refer to wherever they lie. What lies outside is never written and never deleted. What the store refuses
 * for another reason than that it is not its own stays refused.
 */
export function reachingOut(store: ObjectStore): ObjectStore {
  let known = reaching.get(store);
  if (known === undefined) {
    known = store.root === "" ? store : new ReachingOut(store);
    reaching.set(store, known);
  }
  return known;
}

class ReachingOut implements ObjectStore {
  readonly root: string;
  readonly #store: ObjectStore;
  readonly #outside = openAnywhere();

  constructor(store: ObjectStore) {
    this.root = store.root;
    this.#store = store;
  }

  read(uri: string, range?: ByteRange): Promise<Uint8Array> {
    return this.#try(uri, (store) => store.read(uri, range));
  }

  head(uri: string): Promise<ObjectInfo | undefined> {
    return this.#try(uri, (store) => store.head(uri));
  }

  async *stream(uri: string, range?: ByteRange): AsyncIterable<Uint8Array> {
    // Asked for first: of a stream that has begun nothing can be taken back.
    const store = await this.#try(uri, async (each) => (await each.head(uri)) && each);
    yield* (store ?? this.#store).stream(uri, range);
  }

  async *list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo> {
    const first = async (store: ObjectStore) => {
      const objects = store.list(prefix, options)[Symbol.asyncIterator]();
      return { objects, next: await objects.next() };
    };
    const { objects, next } = await this.#try(prefix, first);
    for (let item = next; !item.done; item = await objects.next()) yield item.value;
  }

  localPath(uri: string): string | undefined {
    try {
      return this.#store.localPath(uri);
    } catch (error) {
      if (!this.#isOutside(uri, error)) throw error;
      return this.#outside.localPath(uri);
    }
  }

  put(...put: Parameters<ObjectStore["put"]>): Promise<ObjectInfo> {
    return this.#store.put(...put);
  }

  delete(uris: readonly string[]): Promise<void> {
    return this.#store.delete(uris);
  }

  async #try<T>(uri: string, use: (store: ObjectStore) => Promise<T>): Promise<T> {
    try {
      return await use(this.#store);
    } catch (error) {
      if (!this.#isOutside(uri, error)) throw error;
      return use(this.#outside);
    }
  }

  /** A URI of this store that is malformed is none of another one, and in a copied lake not the original's, however it is spelled. */
  #isOutside(uri: string, error: unknown): boolean {
    if (this.#store instanceof MovedStore && this.#store.locate(uri) !== uri) return false;
    return invalidUri.is(error) && /^[a-z][a-z0-9+.-]*:\//i.test(uri) && !uri.startsWith(`${this.root}/`);
  }
}
