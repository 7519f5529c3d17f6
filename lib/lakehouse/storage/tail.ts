import { notFound } from "./errors.js";
import type { ObjectStore } from "./store.js";

/** As much of a store as reading a file takes. */
export type ReadableStore = Pick<ObjectStore, "head" | "read">;

/** The last bytes of an object, and where its end is. */
export interface ObjectTail {
  /** Length of the object in bytes, as the store has it. */
  readonly size: number;
  /** Offset of the first of `bytes`. */
  readonly start: number;
  readonly bytes: Uint8Array;
}

/**
 * Reads the last `length` bytes of an object, or all of one that is shorter.
 *
 * @param recorded the object's length in bytes as somebody wrote it down, which may be wrong: other tools strip and
 *   rewrite files in place. One byte more is asked for than that, so what the store sends proves the length: where it
 *   is right, one request does, and where it is wrong, the store is asked for the end as it is.
 * @throws OBJECT_NOT_FOUND; STORAGE_FAILED
 */
export async function readTail(
  store: ReadableStore,
  uri: string,
  length: number,
  recorded?: number,
): Promise<ObjectTail> {
  if (recorded !== undefined && recorded > 0 && Number.isSafeInteger(recorded + 1)) {
    const start = Math.max(0, recorded - length);
    const bytes = await store.read(uri, { start, end: recorded + 1 });
    if (bytes.length === recorded - start) return { size: recorded, start, bytes };
  }
  const info = await store.head(uri);
  if (info === undefined) throw notFound(uri);
  const start = Math.max(0, info.size - length);
  const bytes = info.size === 0 ? new Uint8Array() : await store.read(uri, { start, end: info.size });
  return { size: start + bytes.length, start, bytes };
}
