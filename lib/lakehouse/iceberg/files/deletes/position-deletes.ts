import { keyOf } from "../../../keys.js";
import type { ObjectStore } from "../../../storage/index.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import { readAvroDeleteColumns } from "./avro-columns.js";
import { referencedDataFile } from "./delete-rules.js";
import { isDeletionVector, readDeletionVector } from "./deletion-vector.js";
import { corruptDeletes, readDeleteColumns } from "./parquet-columns.js";
import { PositionBitmap } from "./position-bitmap.js";
import { FILE_PATH_ID, POS_ID } from "./reserved.js";

/** Deleted positions by the path of their data file. */
export type PositionsByFile = ReadonlyMap<string, PositionBitmap>;

/**
 * Reads a position delete file (spec, "Position Delete Files"). Stored rows are passed over; the order of entries
 * does not matter.
 *
 * @throws OBJECT_NOT_FOUND; CORRUPT_FILE; UNSUPPORTED_FEATURE for files in ORC
 */
export async function readPositionDeletes(
  store: ObjectStore,
  deleteFile: DataFile,
): Promise<PositionsByFile> {
  const byFile = new Map<string, PositionBitmap>();
  // Where the entry in the manifest names the one data file, the path of each row tells nothing more.
  const only = referencedDataFile(deleteFile);
  let path: unknown = only;
  let bitmap = new PositionBitmap();
  if (only !== undefined) byFile.set(only, bitmap);
  const pos = { id: POS_ID, name: "pos" };
  const columns = only === undefined ? [pos, { id: FILE_PATH_ID, name: "file_path" }] : [pos];
  const batches =
    deleteFile.fileFormat === "avro"
      ? readAvroDeleteColumns(store, deleteFile, columns)
      : readDeleteColumns(store, deleteFile, columns);
  for await (const [positions, paths] of batches) {
    for (let i = 0; i < positions!.length; i++) {
      // Entries are sorted by path, so this is one lookup for each data file.
      if (paths !== undefined && paths[i] !== path) {
        path = paths[i];
        if (typeof path !== "string") throw corruptDeletes(deleteFile.filePath, "a file_path is missing");
        bitmap = byFile.get(path) ?? new PositionBitmap();
        byFile.set(path, bitmap);
      }
      const position = Number(positions![i]);
      if (!Number.isSafeInteger(position) || position < 0) {
        throw corruptDeletes(deleteFile.filePath, `it deletes the row at position ${positions![i]}`);
      }
      bitmap.add(position);
    }
  }
  return byFile;
}

/** Delete files held at once, by their size in the store. Bitmaps are smaller than what they are read from. */
const CACHE_BYTES = 256n * 1024n * 1024n;

/**
 * Gives the deleted positions of data files. A position delete file may hold deletes of many data files, so each
 * is read once and kept, up to a bound; a deletion vector belongs to one data file and is read when asked for.
 *
 * @example
 * const reader = new PositionDeleteReader(store);
 * for (const { dataFile, deleteFiles } of tasks) {
 *   const deleted = await reader.positions(dataFile, deleteFiles);
 * }
 */
export class PositionDeleteReader {
  readonly #store: ObjectStore;
  /** By path and what the entry says of it, the latest used last. */
  readonly #cache = new Map<string, { readonly size: bigint; readonly deletes: Promise<PositionsByFile> }>();
  #cachedBytes = 0n;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /**
   * The positions of `dataFile` that `deleteFiles` delete: the union of its deletion vector and position delete
   * files; equality delete files are passed over. The bitmap is the caller's own: adding to it changes nothing
   * else, so it is also what a new deletion vector starts from.
   *
   * @param deleteFiles those that apply to the data file, as `DeleteIndex` gives them
   */
  async positions(dataFile: DataFile, deleteFiles: readonly DataFile[]): Promise<PositionBitmap> {
    const found = await Promise.all(
      deleteFiles
        .filter(({ content }) => content === "position-deletes")
        .map(async (file) => {
          if (isDeletionVector(file)) return readDeletionVector(this.#store, file);
          return (await this.#read(file)).get(dataFile.filePath);
        }),
    );
    const union = new PositionBitmap();
    for (const bitmap of found) if (bitmap !== undefined) union.addAll(bitmap);
    return union;
  }

  #read(file: DataFile): Promise<PositionsByFile> {
    const { filePath, fileSizeInBytes: size } = file;
    const key = keyOf([filePath, referencedDataFile(file)]);
    const entry = this.#cache.get(key) ?? { size, deletes: readPositionDeletes(this.#store, file) };
    if (!this.#cache.delete(key)) {
      this.#cachedBytes += size;
      entry.deletes.catch(() => this.#drop(key));
    }
    this.#cache.set(key, entry);
    for (const oldest of this.#cache.keys()) {
      if (this.#cachedBytes <= CACHE_BYTES || oldest === key) break;
      this.#drop(oldest);
    }
    return entry.deletes;
  }

  #drop(key: string): void {
    this.#cachedBytes -= this.#cache.get(key)?.size ?? 0n;
    this.#cache.delete(key);
  }
}
