import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import path from "node:path";
import { type LakehouseError, unsupported } from "../errors.js";
import { failed, notFound } from "./errors.js";
import { fromFileSystem, isMissing } from "./failure.js";
import { openStore, type StoreOptions } from "./open.js";
import { checkRange, cutRange } from "./range.js";
import type { ByteRange, ListOptions, ObjectInfo, ObjectStore } from "./store.js";
import { compareUtf8, fileUri, pathOfFile } from "./uri.js";

const CHUNK_BYTES = 256 * 1024;

/**
 * Every object that this process can reach, to be read: files by path or `file:` URI in any of its forms, relative
 * ones below the working directory, and objects of every S3 bucket. For tables whose metadata names places that no
 * one store covers. Symbolic links are followed; nothing can be written (UNSUPPORTED_FEATURE).
 */
export function openAnywhere(options: StoreOptions = {}): ObjectStore {
  return new Anywhere(options);
}

class Anywhere implements ObjectStore {
  /** No URI is outside. */
  readonly root = "";
  readonly #options: StoreOptions;
  readonly #remotes = new Map<string, ObjectStore>();

  constructor(options: StoreOptions) {
    this.#options = options;
  }

  /** The store of a remote URI; `undefined` for files of this machine. */
  #remote(uri: string): ObjectStore | undefined {
    const root = /^[a-z][a-z0-9+.-]+:\/\/[^/]*/i.exec(uri)?.[0];
    if (root === undefined || /^file:/i.test(root)) return undefined;
    let store = this.#remotes.get(root);
    if (store === undefined) {
      store = openStore(root, this.#options);
      this.#remotes.set(root, store);
    }
    return store;
  }

  async read(uri: string, range?: ByteRange): Promise<Uint8Array> {
    const remote = this.#remote(uri);
    if (remote !== undefined) return remote.read(uri, range);
    checkRange(uri, range);
    return withFile(uri, async (handle, size) => {
      const { start, end } = cutRange(range, size);
      return readAt(uri, handle, start, end - start);
    });
  }

  stream(uri: string, range?: ByteRange): AsyncIterable<Uint8Array> {
    return this.#remote(uri)?.stream(uri, range) ?? this.#streamFile(uri, range);
  }

  async *#streamFile(uri: string, range?: ByteRange): AsyncGenerator<Uint8Array, void, undefined> {
    checkRange(uri, range);
    const { handle, size } = await openFile(uri);
    try {
      const { start, end } = cutRange(range, size);
      for (let at = start; at < end; at += CHUNK_BYTES) {
        yield await readAt(uri, handle, at, Math.min(CHUNK_BYTES, end - at));
      }
    } catch (error) {
      throw fromFileSystem(error, uri, "Could not read the file");
    } finally {
      await handle.close();
    }
  }

  async head(uri: string): Promise<ObjectInfo | undefined> {
    const remote = this.#remote(uri);
    if (remote !== undefined) return remote.head(uri);
    try {
      const stats = await stat(pathOfFile(uri));
      if (!stats.isFile()) return undefined;
      const etag = [stats.size, Math.round(stats.mtimeMs * 1000), stats.ino].join("-");
      return { uri, size: stats.size, etag, lastModified: stats.mtime };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw fromFileSystem(error, uri, "Could not look at the file");
    }
  }

  list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    return this.#remote(prefix)?.list(prefix, options) ?? this.#listFiles(prefix, options);
  }

  async *#listFiles(
    prefix: string,
    { flat = false }: ListOptions,
  ): AsyncGenerator<ObjectInfo, void, undefined> {
    const file = pathOfFile(prefix);
    const folder = prefix.endsWith("/") ? file : path.dirname(file);
    const start = prefix.endsWith("/") ? `${file}/` : file;
    const names = await readdir(folder, { recursive: !flat }).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw fromFileSystem(error, prefix, "Could not list the folder");
    });
    const uris = names.map((name) => path.join(folder, name)).filter((name) => name.startsWith(start));
    for (const uri of uris.map(fileUri).sort(compareUtf8)) {
      const info = await this.head(uri);
      if (info !== undefined) yield info;
    }
  }

  localPath(uri: string): string | undefined {
    const remote = this.#remote(uri);
    return remote === undefined ? pathOfFile(uri) : remote.localPath(uri);
  }

  put(uri: string): Promise<ObjectInfo> {
    return Promise.reject(readOnly(uri));
  }

  async delete(uris: readonly string[]): Promise<void> {
    if (uris[0] !== undefined) throw readOnly(uris[0]);
  }
}

async function openFile(uri: string): Promise<{ handle: FileHandle; size: number }> {
  try {
    const handle = await open(pathOfFile(uri), "r");
    const stats = await handle.stat();
    if (stats.isFile()) return { handle, size: stats.size };
    await handle.close();
  } catch (error) {
    throw isMissing(error) ? notFound(uri, error) : fromFileSystem(error, uri, "Could not read the file");
  }
  throw notFound(uri);
}

async function withFile<T>(uri: string, use: (handle: FileHandle, size: number) => Promise<T>): Promise<T> {
  const { handle, size } = await openFile(uri);
  try {
    return await use(handle, size);
  } catch (error) {
    throw fromFileSystem(error, uri, "Could not read the file");
  } finally {
    await handle.close();
  }
}

/** @throws STORAGE_FAILED where the file was cut since its length was asked. */
async function readAt(uri: string, handle: FileHandle, start: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, start + filled);
    if (bytesRead === 0) throw failed(uri, `The file was cut to ${start + filled} bytes while it was read`);
    filled += bytesRead;
  }
  return bytes;
}

function readOnly(uri: string): LakehouseError {
  return unsupported(
    uri,
    `${uri} was opened to be read, not to be written.`,
    "Open a store on the folder or bucket to write there.",
  );
}
