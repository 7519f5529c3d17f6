import { closed } from "../../../errors.js";
import {
  type ObjectStore,
  objectNotFound,
  preconditionFailed,
  storageFailed,
  storeNow,
} from "../../../storage/index.js";
import type { Hash } from "../../model/hash.js";
import type { Backend, RefMove, StoredObjectInfo } from "../backend.js";
import type { StoredObject } from "../stored-object.js";
import { beforeMove } from "./before-move.js";

/** How many requests go out at once. */
const CONCURRENCY = 16;

/** How often a ref is read again when it moves during the read. */
const READ_ATTEMPTS = 5;

/**
 * A catalog with no server: objects and refs are objects of a store, and refs move by its conditional puts
 * (If-Match and If-None-Match on S3). Below `root`: `objects/ab/cdef…` and `refs/<name, percent-encoded>`.
 *
 * A put that answers "precondition failed" may have been applied by an earlier attempt of the same request whose
 * answer was lost. So that answer counts as success where the ref holds what was to be put.
 */
export class ObjectStoreBackend implements Backend {
  readonly #store: ObjectStore;
  readonly #root: string;
  #isClosed = false;
  /** What this process put last under each ref: while it is still there, moving it again takes one request. */
  readonly #lastPut = new Map<string, { readonly value: string; readonly etag: string }>();

  /** @param root URI below which the catalog lies, without a trailing slash. */
  constructor(store: ObjectStore, root: string) {
    this.#store = store;
    this.#root = root;
  }

  get place(): string {
    return this.#root;
  }

  async get(hashes: readonly Hash[]): Promise<(Uint8Array | undefined)[]> {
    const found: (Uint8Array | undefined)[] = new Array(hashes.length);
    await inParallel(hashes, async (hash, index) => {
      found[index] = await this.#read(this.#objectUri(hash));
    });
    return found;
  }

  async put(objects: readonly StoredObject[]): Promise<void> {
    this.#checkOpen();
    // Without condition: the bytes are the same whoever wrote them, and writing again renews their age.
    await inParallel(objects, async ({ hash, bytes }) => {
      await this.#store.put(this.#objectUri(hash), bytes);
    });
  }

  async getRef(name: string): Promise<string | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        const bytes = await this.#read(this.#refUri(name));
        return bytes === undefined ? undefined : decodeValue(bytes);
      } catch (error) {
        // A store gives up a read whose object is replaced half way. Refs are replaced all the time.
        if (attempt === READ_ATTEMPTS || !storageFailed.is(error)) throw error;
      }
    }
  }

  async listRefs(prefix = ""): Promise<{ name: string; value: string }[]> {
    this.#checkOpen();
    const base = `${this.#root}/refs/`;
    const names: string[] = [];
    for await (const { uri } of this.#store.list(base)) {
      const name = decodeName(uri.slice(base.length));
      if (name.startsWith(prefix)) names.push(name);
    }
    const refs: { name: string; value: string }[] = [];
    await inParallel(names, async (name) => {
      const value = await this.getRef(name);
      if (value !== undefined) refs.push({ name, value });
    });
    return refs.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async moveRef({ name, expected, next }: RefMove, objects: readonly StoredObject[]): Promise<boolean> {
    const uri = this.#refUri(name);
    const etag = await beforeMove(async () => {
      await this.put(objects);
      return this.#etagOf(name, expected);
    });
    if (etag === "moved") return false;
    const condition = etag === undefined ? ({ ifAbsent: true } as const) : { ifEtag: etag };
    this.#lastPut.delete(name);
    try {
      const info = await this.#store.put(uri, Buffer.from(next ?? "", "utf8"), condition);
      if (next !== undefined) this.#lastPut.set(name, { value: next, etag: info.etag });
      return true;
    } catch (error) {
      if (!preconditionFailed.is(error)) throw error;
      return next !== undefined && (await this.getRef(name)) === next;
    }
  }

  /** The tag under which the ref holds `expected`; `undefined` where there is no object. */
  async #etagOf(name: string, expected: string | undefined): Promise<string | undefined> {
    const last = this.#lastPut.get(name);
    if (last !== undefined && last.value === expected) return last.etag;
    // The tag is read before the value: were the ref moved between the two, the value would be newer than the
    // tag, and the put would fail rather than overwrite it.
    const etag = (await this.#store.head(this.#refUri(name)))?.etag;
    const found = etag === undefined ? undefined : await this.getRef(name);
    return found === expected ? etag : "moved";
  }

  async *scan(): AsyncGenerator<StoredObjectInfo> {
    this.#checkOpen();
    const base = `${this.#root}/objects/`;
    for await (const { uri, size, lastModified } of this.#store.list(base)) {
      yield { hash: uri.slice(base.length).replace("/", ""), size, storedAt: lastModified };
    }
  }

  async deleteObjects(hashes: readonly Hash[]): Promise<void> {
    this.#checkOpen();
    await this.#store.delete(hashes.map((hash) => this.#objectUri(hash)));
  }

  async now(): Promise<Date> {
    this.#checkOpen();
    return storeNow(this.#store, `${this.#root}/clock`);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  #checkOpen(): void {
    if (this.#isClosed) throw closed("catalog");
  }

  async #read(uri: string): Promise<Uint8Array | undefined> {
    this.#checkOpen();
    try {
      return await this.#store.read(uri);
    } catch (error) {
      if (objectNotFound.is(error)) return undefined;
      throw error;
    }
  }

  #objectUri(hash: Hash): string {
    return `${this.#root}/objects/${hash.slice(0, 2)}/${hash.slice(2)}`;
  }

  #refUri(name: string): string {
    return `${this.#root}/refs/${encodeName(name)}`;
  }
}

/** An empty body stands for a ref that is gone: object stores have no conditional delete that all of them keep. */
function decodeValue(bytes: Uint8Array): string | undefined {
  return bytes.length === 0 ? undefined : Buffer.from(bytes).toString("utf8");
}

/** A ref's name as one path element, with nothing that a URI or a file system reads in its own way. */
function encodeName(name: string): string {
  return encodeURIComponent(name).replaceAll("%", "=").replaceAll(".", "=2E");
}

function decodeName(encoded: string): string {
  return decodeURIComponent(encoded.replaceAll("=", "%"));
}

async function inParallel<T>(
  items: readonly T[],
  run: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      await run(items[index] as T, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, items.length) }, worker));
}
