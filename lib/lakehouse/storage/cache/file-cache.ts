import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import path from "node:path";
import { crc32 } from "../../codecs/index.js";
import { corruptFile } from "../../errors.js";
import { identityOf } from "../../keys.js";
import { failed } from "../errors.js";
import { isDiskFull, systemCode } from "../failure.js";
import { remove } from "../local/scratch.js";
import { cacheLookups } from "../metrics.js";
import { checkRange } from "../range.js";
import type { ByteRange, ObjectStore } from "../store.js";
import { FETCH_BYTES, OtherSize, readRange, wantedRanges } from "./fetch.js";
import { byteCount, normalize, split, subtract } from "./intervals.js";
import { checkCacheOptions, type FileCacheOptions } from "./options.js";
import { type OwnedFolder, ownFolder } from "./owned-folder.js";
import { type Piece, reseal, type Seal, sealOf } from "./sealed-file.js";

export interface FileRequest {
  /**
   * Length of the object in bytes, as its manifest tells. The object's own length decides: where it is another one, the
   * file has that.
   */
  readonly size: number;
  /** The bytes that will be read. Default: all. */
  readonly ranges?: readonly ByteRange[] | undefined;
  /**
   * Looks at a whole object when it was fetched. Where it throws CORRUPT_FILE, the object is fetched once more, since it
   * may have been damaged on its way; a second time, the error is the caller's.
   */
  readonly check?: ((file: string) => Promise<void>) | undefined;
}

export interface FileCache {
  /** Begins a use of files: what it gets stays on the disk until it is released. */
  hold(): FileHold;
  readonly stats: FileCacheStats;
  /** Removes this process's files. Wait for all uses first. */
  close(): Promise<void>;
}

export interface FileHold {
  /**
   * The path of a local file that has the object's length and, at least in the ranges, its bytes; what was not asked
   * for reads as zeros. For a store on this machine's disk it is the object itself.
   *
   * @throws OBJECT_NOT_FOUND; STORAGE_FAILED, whose subject is the cache's directory where the cache is what failed
   */
  file(store: ObjectStore, uri: string, request: FileRequest): Promise<string>;
  /** Ends the use. Its files may be evicted from now on. */
  release(): void;
}

export interface FileCacheStats {
  /** Bytes on the disk now. */
  readonly bytesHeld: number;
  /** Bytes read from stores since the cache was opened. */
  readonly bytesFetched: number;
  /** Bytes that were asked for and were there already. */
  readonly bytesHit: number;
}

const PARALLEL_FETCHES = 6;

/** Tries to have a file in the cache that stays as it was written. */
const CACHE_TRIES = 3;
const VERIFY_AFTER_MS = 10 * 60 * 1000;

interface Entry {
  readonly name: string;
  readonly file: string;
  /** Length of the object. */
  size: number;
  /** What is there, in no order, without overlap. */
  pieces: Piece[];
  seal?: Seal | undefined;
  /** Holds that use it. */
  users: number;
  /** The fetches of one file follow one another, so that none is made twice. */
  turn: Promise<void>;
  /** No longer in the cache: its file goes with its last user. */
  retired: boolean;
}

/**
 * A read-through cache of immutable objects, for engines that read files from the disk by themselves. A file in it is
 * sparse: it has the object's length, and blocks only where bytes were asked for. An object is known by its store, URI
 * and size, so it must never change; data files of tables never do.
 *
 * Each fetched piece has a checksum. A file that was changed, cut or removed since is noticed when it is next asked
 * for, and fetched anew under another name; so is one whose bytes decayed without a trace, within `verifyAfterMs`. What
 * changes between that moment and the engine's read is not noticed.
 *
 * Callers of one process may use it at the same time. When it or its disk is full, the files that were used longest ago
 * go.
 *
 * @example
 * const cache = openFileCache({ dir: ".lake/cache", maxBytes: 10 * 2 ** 30 });
 * const hold = cache.hold();
 * try {
 *   const path = await hold.file(store, dataFile.filePath, { size, ranges: [footer, column] });
 *   // … an engine reads path
 * } finally {
 *   hold.release();
 * }
 */
export function openFileCache(options: FileCacheOptions): FileCache {
  return new SparseFileCache(options);
}

class SparseFileCache implements FileCache {
  readonly #options: FileCacheOptions;
  /** In the order of their last use. */
  readonly #entries = new Map<string, Entry>();
  /** Lengths of objects that are not what was thought, by the names of their entries. */
  readonly #sizes = new Map<string, number>();
  #folder: Promise<OwnedFolder> | undefined;
  #serial = 0;
  #held = 0;
  #fetched = 0;
  #hit = 0;

  constructor(options: FileCacheOptions) {
    checkCacheOptions(options);
    this.#options = options;
  }

  get stats(): FileCacheStats {
    return { bytesHeld: this.#held, bytesFetched: this.#fetched, bytesHit: this.#hit };
  }

  hold(): FileHold {
    const used = new Set<Entry>();
    let released = false;
    return {
      file: async (store, uri, request) => {
        for (const range of request.ranges ?? []) checkRange(uri, range);
        const local = store.localPath(uri);
        if (local !== undefined) return local;
        const entry = await this.#get(store, uri, request);
        if (!used.has(entry) && !released) {
          used.add(entry);
          entry.users++;
        }
        this.#leave(entry);
        return entry.file;
      },
      release: () => {
        if (released) return;
        released = true;
        for (const entry of used) this.#leave(entry);
        void this.#evict();
      },
    };
  }

  async close(): Promise<void> {
    const folder = await this.#folder;
    await Promise.allSettled([...this.#entries.values()].map(({ turn }) => turn));
    this.#entries.clear();
    this.#held = 0;
    this.#folder = undefined;
    await folder?.release();
  }

  /** An entry with what is asked for, used once more. */
  async #get(store: ObjectStore, uri: string, request: FileRequest): Promise<Entry> {
    let wasDamaged = false;
    for (let attempt = 1; attempt <= CACHE_TRIES; attempt++) {
      const entry = await this.#entry(store, uri, request.size);
      entry.users++;
      try {
        if (await this.#fill(store, uri, entry, request)) return entry;
        this.#retire(entry);
      } catch (error) {
        const isDamaged = corruptFile.is(error);
        if (isDamaged || error instanceof OtherSize) this.#retire(entry);
        if (error instanceof OtherSize) this.#sizes.set(entry.name, error.size);
        else if (!isDamaged || wasDamaged) {
          this.#leave(entry);
          throw error;
        }
        wasDamaged ||= isDamaged;
      }
      this.#leave(entry);
    }
    throw failed(this.#options.dir, `The cache did not keep ${uri} as it was written`);
  }

  async #entry(store: ObjectStore, uri: string, size: number): Promise<Entry> {
    const name = nameOf(store, uri, size);
    const folder = await this.#prepared();
    const entry = this.#entries.get(name) ?? {
      name,
      // Numbered: the file of an evicted entry may be on its way out while its successor comes.
      file: path.join(folder, `${name}-${this.#serial++}${path.extname(uri).slice(0, 16)}`),
      size: this.#sizes.get(name) ?? size,
      pieces: [],
      users: 0,
      turn: Promise.resolve(),
      retired: false,
    };
    this.#entries.delete(name); // and in again, as the last
    this.#entries.set(name, entry);
    return entry;
  }

  async #prepared(): Promise<string> {
    this.#folder ??= ownFolder(this.#options.dir);
    try {
      return (await this.#folder).path;
    } catch (error) {
      this.#folder = undefined;
      throw this.#failed("Could not make the cache", error);
    }
  }

  /** False where the entry's file is not what was written, so that another one must be made. */
  async #fill(store: ObjectStore, uri: string, entry: Entry, request: FileRequest): Promise<boolean> {
    const mine = entry.turn.then(async () => {
      if (entry.retired || !(await this.#isIntact(entry))) return false;
      return this.#fetchMissing(store, uri, entry, request);
    });
    entry.turn = mine.then(
      () => undefined,
      () => undefined,
    );
    return mine;
  }

  async #isIntact(entry: Entry): Promise<boolean> {
    if (entry.pieces.length === 0) return true;
    try {
      const maxAge = this.#options.verifyAfterMs ?? VERIFY_AFTER_MS;
      const seal = await reseal(entry.file, entry.size, entry.pieces, entry.seal, maxAge);
      if (seal === undefined) return false;
      entry.seal = seal;
      return true;
    } catch (error) {
      throw this.#failed("Could not read the cache", error);
    }
  }

  async #fetchMissing(store: ObjectStore, uri: string, entry: Entry, request: FileRequest): Promise<boolean> {
    const wanted = wantedRanges(entry.size, request.ranges);
    const missing = subtract(wanted, normalize(entry.pieces));
    const count = byteCount(missing);
    const bytesHit = byteCount(wanted) - count;
    this.#hit += bytesHit;
    if (cacheLookups.hasSubscribers) cacheLookups.publish({ uri, bytesHit, bytesMissed: count });
    if (count === 0 && entry.pieces.length > 0) return true;
    await this.#evict(count);
    const isFirst = entry.pieces.length === 0;
    let handle: FileHandle;
    try {
      handle = await this.#roomy(() => open(entry.file, isFirst ? "w" : "r+"));
    } catch (error) {
      if (systemCode(error) !== "ENOENT") throw this.#failed("Could not write to the cache", error);
      // Somebody removed the folder, or the file a moment ago.
      const folder = this.#folder;
      this.#folder = undefined;
      await (await folder)?.release();
      return false;
    }
    try {
      const isWhole = count === entry.size;
      if (isWhole && entry.size <= FETCH_BYTES) await this.#fetchWhole(store, uri, handle, entry);
      else await this.#fetchRanges(store, uri, handle, entry, missing);
      entry.seal = await sealOf(handle);
      if (isFirst && isWhole) await request.check?.(entry.file);
      return true;
    } finally {
      await handle.close();
      if (entry.pieces.length === 0) await remove(entry.file); // so that a disk that was full is not still
    }
  }

  /** In one request and without a range, since a store checks only whole objects against its checksum. */
  async #fetchWhole(store: ObjectStore, uri: string, handle: FileHandle, entry: Entry): Promise<void> {
    const bytes = await store.read(uri);
    entry.size = bytes.byteLength;
    await this.#keep(handle, entry, bytes, 0);
  }

  async #fetchRanges(
    store: ObjectStore,
    uri: string,
    handle: FileHandle,
    entry: Entry,
    missing: readonly ByteRange[],
  ): Promise<void> {
    await this.#roomy(() => handle.truncate(entry.size)).catch((error: unknown) => {
      throw this.#failed("Could not write to the cache", error);
    });
    const queue = split(missing, FETCH_BYTES);
    const work = Array.from({ length: Math.min(PARALLEL_FETCHES, queue.length) }, async () => {
      for (let range = queue.shift(); range !== undefined; range = queue.shift()) {
        await this.#keep(handle, entry, await readRange(store, uri, range, entry.size), range.start);
      }
    });
    // All of them, also after a failure: none may write to a file that is closed.
    const outcomes = await Promise.allSettled(work);
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  }

  /** Writes what was fetched. Piece by piece, so that what arrived counts even if another one fails. */
  async #keep(handle: FileHandle, entry: Entry, bytes: Uint8Array, start: number): Promise<void> {
    const crc = crc32(bytes);
    try {
      for (let at = 0; at < bytes.byteLength; ) {
        const left = bytes.byteLength - at;
        at += (await this.#roomy(() => handle.write(bytes, at, left, start + at))).bytesWritten;
      }
    } catch (error) {
      throw this.#failed("Could not write to the cache", error);
    }
    this.#fetched += bytes.byteLength;
    entry.pieces.push({ start, end: start + bytes.byteLength, crc });
    if (!entry.retired) this.#held += bytes.byteLength;
  }

  /** Runs what needs room on the disk. Where the disk is full, what nobody uses is evicted, and it is tried again. */
  async #roomy<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!isDiskFull(error) || !(await this.#evict(Number.POSITIVE_INFINITY))) throw error;
      }
    }
  }

  /** Makes room for so many bytes, as far as nobody uses what is there. True where something went. */
  async #evict(room = 0): Promise<boolean> {
    let evicted = false;
    for (const entry of this.#entries.values()) {
      if (this.#held + room <= this.#options.maxBytes) break;
      if (entry.users > 0) continue;
      evicted ||= entry.pieces.length > 0;
      this.#forget(entry);
      await remove(entry.file);
    }
    return evicted;
  }

  #leave(entry: Entry): void {
    entry.users--;
    if (entry.retired && entry.users === 0) void remove(entry.file);
  }

  /** Takes an entry out of the cache whose file cannot be used any more. Those who use it keep it until they are done. */
  #retire(entry: Entry): void {
    if (this.#entries.get(entry.name) === entry) this.#forget(entry);
    entry.retired = true;
  }

  #forget(entry: Entry): void {
    this.#entries.delete(entry.name);
    this.#held -= byteCount(entry.pieces);
  }

  #failed(what: string, cause: unknown): unknown {
    if (systemCode(cause) === undefined) return cause;
    const { dir } = this.#options;
    const full = isDiskFull(cause);
    const remedy = full
      ? "Free some space, or move the cache to another disk."
      : "Check the directory, or move the cache to another one.";
    return failed(dir, full ? `${what}, its disk is full` : what, cause, remedy);
  }
}

function nameOf(store: ObjectStore, uri: string, size: number): string {
  return createHash("sha256")
    .update(`${identityOf(store)} ${size} ${uri}`)
    .digest("hex")
    .slice(0, 40);
}
