import { corruptFile, invalidConfig } from "../../errors.js";
import type { DataFile } from "../../iceberg/index.js";
import { digestOf } from "../../keys.js";
import { verifyParquet } from "../../parquet/index.js";
import { type FileCache, fileUri, type ObjectStore, openAnywhere } from "../../storage/index.js";

const PARALLEL_FETCHES = 8;

/** Paths of one query's files; they stay on the disk until `release`. */
export interface HeldFiles {
  /** Path by file path of the table. */
  readonly paths: ReadonlyMap<string, string>;
  /** Differs where the paths differ: a cached file may come back at another place. */
  readonly signature: string;
  release(): void;
}

/** Brings data files to this machine's disk, where DuckDB reads them. Files that are there already are used in place. */
export class LocalFiles {
  readonly #cache: FileCache | undefined;

  constructor(cache: FileCache | undefined) {
    this.#cache = cache;
  }

  /** @throws LakehouseError INVALID_CONFIG when the store is not local and there is no cache. */
  async hold(store: ObjectStore, files: readonly DataFile[]): Promise<HeldFiles> {
    const paths = new Map<string, string>();
    const remote: DataFile[] = [];
    for (const file of files) {
      const path = store.localPath(file.filePath);
      if (path === undefined) remote.push(file);
      else paths.set(file.filePath, path);
    }
    if (remote.length === 0) return { paths, signature: "", release: () => {} };
    if (!this.#cache) {
      throw invalidConfig(
        store.root,
        `Queries over ${store.root} need a folder to cache its files in.`,
        "Open the query engine with a cache.",
      );
    }
    const hold = this.#cache.hold();
    try {
      let next = 0;
      const work = async () => {
        for (let i = next++; i < remote.length; i = next++) {
          const file = remote[i] as DataFile;
          const path = await hold.file(store, file.filePath, {
            size: Number(file.fileSizeInBytes),
            ...(file.fileFormat === "parquet" && { check: checkOf(file.filePath) }),
          });
          paths.set(file.filePath, path);
        }
      };
      await Promise.all(Array.from({ length: Math.min(PARALLEL_FETCHES, remote.length) }, work));
    } catch (error) {
      hold.release();
      throw error;
    }
    const signature = digestOf(remote.map(({ filePath }) => [filePath, paths.get(filePath)]));
    return { paths, signature, release: () => hold.release() };
  }

  async close(): Promise<void> {
    await this.#cache?.close();
  }
}

/**
 * Holds a fetched file's pages against their checksums, where they have some: few stores give a checksum of what is
 * fetched in pieces, and the engine checks none. Read once and not decoded, it costs a small part of the way here.
 */
function checkOf(uri: string): (path: string) => Promise<void> {
  return async (path) => {
    await readCopy(uri, path, verifyParquet);
  };
}

/**
 * Reads a file that is held: a store elsewhere is not asked again for what lies in the cache.
 *
 * @param path of the file on this machine's disk, as `hold` gave it.
 */
export function readHeld<T>(
  store: ObjectStore,
  uri: string,
  path: string | undefined,
  read: (store: ObjectStore, uri: string) => Promise<T>,
): Promise<T> {
  const isElsewhere = path !== undefined && store.localPath(uri) === undefined;
  return isElsewhere ? readCopy(uri, path, read) : read(store, uri);
}

const disk = openAnywhere();

/** What is wrong with a copy is said of its original. */
async function readCopy<T>(
  uri: string,
  path: string,
  read: (store: ObjectStore, uri: string) => Promise<T>,
): Promise<T> {
  const here = fileUri(path);
  try {
    return await read(disk, here);
  } catch (cause) {
    if (!corruptFile.is(cause)) throw cause;
    throw corruptFile(uri, cause.message.replaceAll(here, uri), undefined, cause);
  }
}
