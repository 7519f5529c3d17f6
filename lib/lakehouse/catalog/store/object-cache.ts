import { corruptFile } from "../../errors.js";
import type { Hash } from "../model/hash.js";
import type { Backend } from "./backend.js";
import { type ReplacedLocations, withReplacedLocations } from "./replaced-locations.js";
import { type StoredObject, sha256 } from "./stored-object.js";

interface Cached {
  readonly value: unknown;
  readonly size: number;
}

/**
 * Reads objects through a cache of decoded ones. Objects are immutable, so that an entry never goes stale; the
 * least recently used go first when the cache is full. Bytes are checked against their hash when they are read.
 */
export class ObjectCache {
  readonly #backend: Backend;
  readonly #limit: number;
  readonly #known: ReadonlyMap<Hash, unknown>;
  readonly #replaced: ReplacedLocations;
  readonly #staged = new Map<Hash, { readonly value: unknown; holders: number }>();
  readonly #entries = new Map<Hash, Cached>();
  #size = 0;

  /**
   * @param limit in bytes of encoded objects; the decoded ones take about three times that.
   * @param known objects that exist without having been stored.
   * @param replaced locations that stand for others in what is decoded.
   */
  constructor(
    backend: Backend,
    limit: number,
    known: readonly StoredObject[] = [],
    replaced: ReplacedLocations = new Map(),
  ) {
    this.#backend = backend;
    this.#replaced = replaced;
    this.#limit = limit;
    this.#known = new Map(known.map(({ hash, bytes }) => [hash, parse(hash, bytes)]));
  }

  /** One decoded object. Errors: `CORRUPT_FILE` when it is missing or its bytes are not the ones named. */
  async get<T>(hash: Hash): Promise<T> {
    return (await this.find<T>(hash)) ?? missing(hash);
  }

  /** One decoded object, `undefined` when it is not there. */
  async find<T>(hash: Hash): Promise<T | undefined> {
    const cached = this.peek<T>(hash);
    if (cached !== undefined) return cached;
    const [bytes] = await this.#backend.get([hash]);
    return bytes === undefined ? undefined : (this.#decode(hash, bytes) as T);
  }

  /** Many at once, in one round trip for those that are not cached. */
  async getMany<T>(hashes: readonly Hash[]): Promise<T[]> {
    const absent = [...new Set(hashes.filter((hash) => !this.#isLocal(hash)))];
    const fetched = new Map<Hash, unknown>();
    if (absent.length > 0) {
      const bytes = await this.#backend.get(absent);
      absent.forEach((hash, index) => {
        const found = bytes[index];
        fetched.set(hash, found === undefined ? missing(hash) : this.#decode(hash, found));
      });
    }
    return hashes.map((hash) => (fetched.get(hash) ?? this.peek(hash) ?? missing(hash)) as T);
  }

  /** The decoded object where the cache has it: no waiting, for the walk down a tree that was read before. */
  peek<T>(hash: Hash): T | undefined {
    const entry = this.#entries.get(hash);
    if (entry === undefined) return (this.#staged.get(hash)?.value ?? this.#known.get(hash)) as T | undefined;
    this.#entries.delete(hash);
    this.#entries.set(hash, entry);
    return entry.value as T;
  }

  /** Remembers objects that were just stored. */
  remember(objects: readonly StoredObject[]): void {
    for (const { hash, bytes } of objects) {
      if (!this.#entries.has(hash)) this.#insert(hash, parse(hash, bytes), bytes.length);
    }
  }

  /** Makes objects readable that are not stored yet, until the function that it returns is called. */
  stage(objects: readonly StoredObject[]): () => void {
    for (const { hash, bytes } of objects) {
      const staged = this.#staged.get(hash) ?? { value: parse(hash, bytes), holders: 0 };
      staged.holders += 1;
      this.#staged.set(hash, staged);
    }
    return () => {
      for (const { hash } of objects) {
        const staged = this.#staged.get(hash);
        if (staged !== undefined && --staged.holders === 0) this.#staged.delete(hash);
      }
    };
  }

  /** Drops objects that were deleted. */
  forget(hashes: readonly Hash[]): void {
    for (const hash of hashes) {
      this.#size -= this.#entries.get(hash)?.size ?? 0;
      this.#entries.delete(hash);
    }
  }

  /** Drops all: what is closed answers nothing from memory either. */
  clear(): void {
    this.#entries.clear();
    this.#size = 0;
  }

  #isLocal(hash: Hash): boolean {
    return this.#entries.has(hash) || this.#staged.has(hash) || this.#known.has(hash);
  }

  #decode(hash: Hash, bytes: Uint8Array): unknown {
    if (sha256(bytes) !== hash) {
      throw corruptFile(
        hash,
        `The catalog object ${hash} does not hold the bytes that its name says.`,
        "Restore the catalog from a backup.",
      );
    }
    const value = withReplacedLocations(parse(hash, bytes), this.#replaced);
    this.#insert(hash, value, bytes.length);
    return value;
  }

  #insert(hash: Hash, value: unknown, size: number): void {
    this.#entries.set(hash, { value, size });
    this.#size += size;
    for (const [oldest, entry] of this.#entries) {
      if (this.#size <= this.#limit || oldest === hash) break;
      this.#entries.delete(oldest);
      this.#size -= entry.size;
    }
  }
}

function parse(hash: Hash, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8"));
  } catch (cause) {
    throw corruptFile(hash, `The catalog object ${hash} is not readable.`, undefined, cause);
  }
}

function missing(hash: Hash): never {
  throw corruptFile(
    hash,
    `The catalog object ${hash} is missing.`,
    "It was deleted outside the catalog, or garbage collection ran with too short a grace period.",
  );
}
