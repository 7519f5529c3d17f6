import { createHash } from "node:crypto";
import { type FileHandle, mkdir, mkdtemp, open, readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { LakehouseError } from "../../errors.js";
import { fromFileSystem } from "../failure.js";
import { isLeftOver, ownerPrefix, remove } from "../local/scratch.js";
import { checkRange } from "../range.js";
import type { ByteRange, ObjectStore } from "../store.js";
import { readTail } from "../tail.js";
import { byteCount, normalize, split, subtract } from "./intervals.js";

export interface FileCacheOptions {
  /** Directory of the cache, made where it is missing. Each process has its own part of it. */
  readonly dir: string;
  /** Bytes that the cache may hold on the disk. What is held for use may exceed it for that time. */
  readonly maxBytes: number;
}

export interface FileRequest {
  /** Length of the object in bytes, as its manifest tells: a hint, for the store knows better. */
  readonly size: number;
  /** The bytes that will be read. Default: all. */
  readonly ranges?: readonly ByteRange[];
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
   * @throws OBJECT_NOT_FOUND; STORAGE_FAILED
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

/** Below this size an object is fetched whole: one request costs more time than a mebibyte does. */
const WHOLE_BYTES = 1024 * 1024;
/** Ranges closer than this are fetched as one, for the same reason. */
const GAP_BYTES = 64 * 1024;
const FETCH_BYTES = 8 * 1024 * 1024;
const PARALLEL_FETCHES = 6;

interface Entry {
  readonly file: string;
  /** As recorded, until the first fetch has found the object's end. */
  size: number;
  measured: boolean;
  have: ByteRange[];
  /** Holds that use it. */
  users: number;
  /** The fetches of one file follow one another, so that none is made twice. */
  turn: Promise<void>;
}

/**
 * A read-through cache of immutable objects, for engines that read files from the disk by themselves. A file in it is
 * sparse: it has the object's length, and blocks only where bytes were asked for. An object is known by its URI
 * and size, so it must never change; data files of tables never do.
 *
 * Callers of one process may use it at the same time. When it is full, the files that were used longest ago go.
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
  #directory: Promise<string> | undefined;
  #serial = 0;
  #held = 0;
  #fetched = 0;
  #hit = 0;

  constructor(options: FileCacheOptions) {
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
        const directory = await this.#prepared();
        const entry = this.#entry(directory, uri, request.size);
        if (!used.has(entry) && !released) {
          used.add(entry);
          entry.users++;
        }
        entry.users++; // its own use, should the hold be released meanwhile
        try {
          await this.#fill(store, uri, entry, request);
        } finally {
          entry.users--;
        }
        return entry.file;
      },
      release: () => {
        if (released) return;
        released = true;
        for (const entry of used) entry.users--;
        void this.#evict();
      },
    };
  }

  async close(): Promise<void> {
    const directory = await this.#directory;
    await Promise.allSettled([...this.#entries.values()].map(({ turn }) => turn));
    this.#entries.clear();
    this.#held = 0;
    this.#directory = undefined;
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  }

  async #prepared(): Promise<string> {
    this.#directory ??= prepare(this.#options.dir);
    try {
      return await this.#directory;
    } catch (error) {
      this.#directory = undefined;
      throw fromFileSystem(error, this.#options.dir, "Could not make the cache");
    }
  }

  #entry(directory: string, uri: string, size: number): Entry {
    const name = createHash("sha256").update(`${size} ${uri}`).digest("hex").slice(0, 40);
    const known = this.#entries.get(name);
    const entry = known ?? {
      // Numbered: the file of an evicted entry may be on its way out while its successor comes.
      file: path.join(directory, `${name}-${this.#serial++}${path.extname(uri).slice(0, 16)}`),
      size,
      measured: false,
      have: [],
      users: 0,
      turn: Promise.resolve(),
    };
    this.#entries.delete(name); // and in again, as the last
    this.#entries.set(name, entry);
    return entry;
  }

  async #fill(store: ObjectStore, uri: string, entry: Entry, request: FileRequest): Promise<void> {
    const mine = entry.turn.then(() => this.#fetchMissing(store, uri, entry, request));
    entry.turn = mine.catch(() => undefined);
    await mine;
  }

  async #fetchMissing(store: ObjectStore, uri: string, entry: Entry, request: FileRequest): Promise<void> {
    let wanted = wantedRanges(request.ranges, entry.size);
    let missing = subtract(wanted, entry.have);
    this.#hit += byteCount(wanted) - byteCount(missing);
    if (entry.measured && missing.length === 0) return;
    await this.#evict(byteCount(missing));
    try {
      const handle = await open(entry.file, entry.measured ? "r+" : "w");
      try {
        if (!entry.measured) {
          // The end comes first: it tells how long the object is, and every reader wants it.
          const whole = byteCount(wanted) === entry.size && entry.size <= FETCH_BYTES;
          const tail = await readTail(store, uri, whole ? FETCH_BYTES : GAP_BYTES, entry.size);
          entry.size = tail.size;
          await handle.truncate(tail.size);
          await this.#keep(handle, entry, tail.start, tail.bytes);
          entry.measured = true;
          wanted = wantedRanges(request.ranges, tail.size);
          missing = subtract(wanted, entry.have);
        }
        const queue = split(missing, FETCH_BYTES);
        await Promise.all(
          Array.from({ length: Math.min(PARALLEL_FETCHES, queue.length) }, async () => {
            for (let range = queue.shift(); range !== undefined; range = queue.shift()) {
              await this.#fetch(store, uri, handle, range, entry);
            }
          }),
        );
      } finally {
        await handle.close();
      }
    } catch (error) {
      throw fromFileSystem(error, uri, "Could not write to the cache");
    }
  }

  async #fetch(
    store: ObjectStore,
    uri: string,
    handle: FileHandle,
    range: ByteRange,
    entry: Entry,
  ): Promise<void> {
    const bytes = await store.read(uri, range);
    if (bytes.byteLength !== range.end - range.start) {
      throw new LakehouseError({
        code: "CORRUPT_FILE",
        subject: uri,
        message: `${uri} ends before byte ${range.end}, although it had ${entry.size} bytes before.`,
      });
    }
    await this.#keep(handle, entry, range.start, bytes);
  }

  async #keep(handle: FileHandle, entry: Entry, start: number, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.byteLength; ) {
      at += (await handle.write(bytes, at, bytes.byteLength - at, start + at)).bytesWritten;
    }
    // Range by range, so that what arrived counts even if another one fails.
    const before = byteCount(entry.have);
    entry.have = normalize([...entry.have, { start, end: start + bytes.byteLength }]);
    this.#held += byteCount(entry.have) - before;
    this.#fetched += bytes.byteLength;
  }

  /** Makes room for so many bytes, as far as nobody uses what is there. */
  async #evict(room = 0): Promise<void> {
    for (const [name, entry] of this.#entries) {
      if (this.#held + room <= this.#options.maxBytes) return;
      if (entry.users > 0) continue;
      this.#entries.delete(name);
      this.#held -= byteCount(entry.have);
      await remove(entry.file);
    }
  }
}

function wantedRanges(ranges: readonly ByteRange[] | undefined, size: number): ByteRange[] {
  const whole = [{ start: 0, end: size }];
  if (ranges === undefined || size <= WHOLE_BYTES) return normalize(whole);
  const wanted = normalize(
    ranges.map(({ start, end }) => ({ start, end: Math.min(end, size) })),
    GAP_BYTES,
  );
  return byteCount(wanted) > 0.75 * size ? whole : wanted;
}

/** This process's own directory in the cache. Those of dead processes are removed. */
async function prepare(dir: string): Promise<string> {
  await mkdir(dir, { recursive: true });
  for (const name of await readdir(dir)) {
    const directory = path.join(dir, name);
    if (await isLeftOver(name, stat(directory))) await rm(directory, { recursive: true, force: true });
  }
  return mkdtemp(path.join(dir, `${ownerPrefix()}.`));
}
