import { closeSync, constants, fstatSync, openSync, renameSync } from "node:fs";
import path from "node:path";
import type { LakehouseError } from "../../errors.js";
import { BodyFailure } from "../body.js";
import { failed, notFound, notWritten, unusable } from "../errors.js";
import { fromFileSystem, isMissing } from "../failure.js";
import { checkRange, cutRange } from "../range.js";
import type { Body, ByteRange, ListOptions, ObjectInfo, ObjectStore, PutCondition } from "../store.js";
import { canonicalFileUri, fileUri, keyBelow, prefixBelow, RESERVED_NAME } from "../uri.js";
import { Directories } from "./directories.js";
import { describe } from "./info.js";
import { Layout } from "./layout.js";
import { listFiles } from "./list.js";
import { StoreLock } from "./lock.js";
import { LINK_TRIES, Publisher } from "./publish.js";
import { readInto } from "./read-into.js";
import { remove, removeNow, Scratch } from "./scratch.js";

export interface LocalStoreOptions {
  /**
   * Whether a put waits until the object is on the disk (fsync of the file and of its directory), so that it
   * survives a power cut. Default true: a catalog commit must not outlive the metadata that it points to.
   * Without it a put still survives the death of the process.
   */
  readonly durable?: boolean | undefined;
}

const CHUNK_BYTES = 256 * 1024;

/** NONBLOCK: opening a named pipe must not wait for its other end. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Objects as files below one directory. Works between processes: any number of them may read and write one
 * directory at a time, on one machine.
 *
 * - A put writes a temporary file, then gives it its name in one step: link(2) for a new object, rename(2)
 *   under the store's lock for a replaced one. So a conditional put is atomic against every other put and delete,
 *   and an object that is being read stays as it was.
 * - The etag is the file's size, modification time in nanoseconds, and inode. A put makes a new inode and a later
 *   time than the object that it replaces, so it changes with the bytes. Programs that edit files in place, past
 *   this class, and restore the time, deceive it.
 * - A URI is the root and the key, character for character, without percent-encoding. Below the root no symbolic
 *   link is followed. Directories are no objects; those that a delete empties go with it. Where a key continues below
 *   another object's, as S3 allows, that object's file is elsewhere: see {@link Layout}.
 *
 * @example
 * const store = new LocalStore(".lake/warehouse");
 * await store.put(`${store.root}/a.json`, new TextEncoder().encode("{}"), { ifAbsent: true });
 */
export class LocalStore implements ObjectStore {
  readonly root: string;
  readonly #directory: string;
  readonly #durable: boolean;
  readonly #directories: Directories;
  readonly #scratch: Scratch;
  readonly #lock: StoreLock;
  readonly #layout: Layout;
  readonly #publisher: Publisher;

  /** @param directory path of the root directory, or its `file://` URI; it is made when first written to. */
  constructor(directory: string, options: LocalStoreOptions = {}) {
    const uri = canonicalFileUri(directory);
    const isUri = /^file:/i.test(uri);
    const plain = isUri ? uri.replace(/^file:(\/\/)?/i, "") : directory;
    if (isUri && !path.isAbsolute(plain)) {
      throw unusable(
        directory,
        "it is not file:/// and an absolute path",
        "Write file:///path, or a path alone.",
      );
    }
    this.#directory = path.resolve(plain);
    if (this.#directory === path.parse(this.#directory).root) {
      throw unusable(directory, "a store's root cannot be the root of the file system");
    }
    this.root = fileUri(this.#directory);
    this.#durable = options.durable ?? true;
    const reserved = path.join(this.#directory, RESERVED_NAME);
    this.#scratch = new Scratch(path.join(reserved, "tmp"));
    this.#lock = new StoreLock(reserved);
    this.#layout = new Layout(this.#directory, reserved);
    this.#directories = new Directories(this.#directory, this.#durable);
    this.#publisher = new Publisher({
      directories: this.#directories,
      scratch: this.#scratch,
      lock: this.#lock,
      layout: this.#layout,
    });
  }

  async read(uri: string, range?: ByteRange): Promise<Uint8Array> {
    checkRange(uri, range);
    const { fd, size } = this.#open(uri);
    try {
      const { start, end } = cutRange(range, size);
      const bytes = new Uint8Array(end - start);
      const length = await readInto(fd, bytes, start);
      if (length < bytes.byteLength) throw cutShort(uri, start + length, size);
      return bytes;
    } catch (error) {
      throw fromFileSystem(error, uri, "Could not read the object");
    } finally {
      closeSync(fd);
    }
  }

  async *stream(uri: string, range?: ByteRange): AsyncGenerator<Uint8Array, void, undefined> {
    checkRange(uri, range);
    const { fd, size } = this.#open(uri);
    try {
      const { start, end } = cutRange(range, size);
      for (let at = start; at < end; ) {
        // A fresh array each time: the consumer may keep what it got.
        const bytes = new Uint8Array(Math.min(CHUNK_BYTES, end - at));
        const length = await readInto(fd, bytes, at);
        if (length < bytes.byteLength) throw cutShort(uri, at + length, size);
        yield bytes;
        at += length;
      }
    } catch (error) {
      throw fromFileSystem(error, uri, "Could not read the object");
    } finally {
      closeSync(fd);
    }
  }

  async put(uri: string, body: Body, condition?: PutCondition): Promise<ObjectInfo> {
    const target = this.#target(uri);
    try {
      const ifAbsent = condition !== undefined && "ifAbsent" in condition;
      // Cheaper to know before the body is written; the link below is what decides.
      if (ifAbsent && (await this.head(uri))) throw notWritten(uri, "it exists already");
      const temp = await this.#scratch.write(body, this.#durable);
      try {
        return await this.#publisher.publish(uri, temp, target, condition);
      } finally {
        removeNow(temp.path);
      }
    } catch (error) {
      if (error instanceof BodyFailure) throw error.cause;
      if (isMissing(error)) {
        if (condition !== undefined && "ifEtag" in condition) {
          throw notWritten(uri, "there is no such object any more", error);
        }
        // A directory of ours goes each time before it is used, or the written file is gone: no object is missing.
        throw failed(uri, "Could not write the object, somebody removes the store's files", error);
      }
      throw fromFileSystem(error, uri, "Could not write the object");
    }
  }

  async head(uri: string): Promise<ObjectInfo | undefined> {
    const target = this.#target(uri);
    try {
      this.#directories.check(path.dirname(target), uri);
      const stats = this.#layout.find(target)?.stats;
      return stats?.isFile() ? describe(canonicalFileUri(uri), stats) : undefined;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw fromFileSystem(error, uri, "Could not look at the object");
    }
  }

  async *list(
    prefix: string,
    { flat = false }: ListOptions = {},
  ): AsyncGenerator<ObjectInfo, void, undefined> {
    const key = prefixBelow(this.root, canonicalFileUri(prefix));
    const slash = key.lastIndexOf("/");
    const from = slash < 0 ? this.#directory : path.join(this.#directory, key.slice(0, slash));
    try {
      this.#directories.check(from, prefix);
      const find = (target: string) => this.#layout.find(target)?.stats;
      for await (const listed of listFiles(from, key.slice(slash + 1), find, flat)) {
        yield describe(`file://${listed.path}`, listed.stats);
      }
    } catch (error) {
      if (isMissing(error)) return;
      throw fromFileSystem(error, prefix, "Could not list the directory");
    }
  }

  async delete(uris: readonly string[]): Promise<void> {
    const targets = [...new Set(uris)].map((uri) => ({ uri, target: this.#target(uri) }));
    const emptied = new Set<string>();
    for (const { uri, target } of targets) {
      try {
        this.#directories.check(path.dirname(target), uri);
        await this.#scratch.prepare();
        const trash = this.#scratch.name();
        const moved = await this.#lock.run(() => {
          this.#layout.endMove(target);
          const found = this.#layout.find(target);
          if (!found?.stats.isFile()) return undefined;
          renameSync(found.file, trash);
          return found.file;
        });
        if (moved === undefined) continue;
        await remove(trash); // outside the lock: freeing a large file takes its time
        emptied.add(path.dirname(moved));
      } catch (error) {
        if (isMissing(error)) continue;
        throw fromFileSystem(error, uri, "Could not delete the object");
      }
    }
    for (const directory of emptied) await this.#directories.removeEmpty(directory);
  }

  localPath(uri: string): string {
    const target = this.#target(uri);
    return this.#layout.find(target)?.file ?? target;
  }

  async ensureFolder(uri: string): Promise<void> {
    const target = this.#target(uri);
    try {
      await this.#directories.ensure(target, uri);
    } catch (error) {
      throw fromFileSystem(error, uri, "Could not make the folder");
    }
  }

  #open(uri: string): { fd: number; size: number } {
    const target = this.#target(uri);
    let file: string | undefined = target;
    for (let attempt = 1; file !== undefined; attempt++) {
      let missing: unknown;
      try {
        this.#directories.check(path.dirname(target), uri);
        const fd = openSync(file, READ_FLAGS);
        const stats = fstatSync(fd);
        if (stats.isFile()) return { fd, size: stats.size };
        closeSync(fd);
      } catch (error) {
        if (!isMissing(error)) throw fromFileSystem(error, uri, "Could not open the object");
        missing = error;
      }
      // It may lie elsewhere, or be on its way there.
      const found = this.#layout.find(target);
      if (!found?.stats.isFile() || attempt === LINK_TRIES) throw notFound(uri, missing);
      file = found.file;
    }
    throw notFound(uri);
  }

  /** @throws INVALID_URI */
  #target(uri: string): string {
    return this.#layout.target(keyBelow(this.root, canonicalFileUri(uri)));
  }
}

/** Objects are never written in place: somebody cut the file, past this class. */
function cutShort(uri: string, at: number, size: number): LakehouseError {
  return failed(uri, `The object was cut from ${size} to ${at} bytes while it was read`);
}
