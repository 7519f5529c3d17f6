import { failed, notFound } from "../errors.js";
import type { ByteRange, ObjectStore } from "../store.js";
import { byteCount, normalize } from "./intervals.js";

/** Below this size an object is fetched whole: one request costs more time than a mebibyte does. */
const WHOLE_BYTES = 1024 * 1024;
/** Ranges closer than this are fetched as one, for the same reason. */
const GAP_BYTES = 64 * 1024;
/** What goes in one request. */
export const FETCH_BYTES = 8 * 1024 * 1024;

/** The object has another length than was thought. */
export class OtherSize extends Error {
  constructor(readonly size: number) {
    super();
  }
}

/** @throws OtherSize where the object is shorter, or longer, than it was thought to be. */
export async function readRange(
  store: ObjectStore,
  uri: string,
  { start, end }: ByteRange,
  size: number,
): Promise<Uint8Array> {
  // One byte more than there should be at the end tells whether there is one.
  const bytes = await store.read(uri, { start, end: end === size ? end + 1 : end });
  if (bytes.byteLength === end - start) return bytes;
  const info = await store.head(uri);
  if (info === undefined) throw notFound(uri);
  if (info.size !== size) throw new OtherSize(info.size);
  throw failed(uri, `The store gave ${bytes.byteLength} bytes of the range from ${start} to ${end}`);
}

/**
 * What to fetch of an object of `size` bytes where `ranges` are to be read. Its last bytes are always among it: they
 * prove the size, and every reader of a file with a footer wants them.
 */
export function wantedRanges(size: number, ranges: readonly ByteRange[] | undefined): ByteRange[] {
  const whole = [{ start: 0, end: size }];
  if (ranges === undefined || size <= WHOLE_BYTES) return normalize(whole);
  const wanted = normalize(
    [
      ...ranges.map(({ start, end }) => ({ start, end: Math.min(end, size) })),
      { start: size - GAP_BYTES, end: size },
    ],
    GAP_BYTES,
  );
  return byteCount(wanted) > 0.75 * size ? whole : wanted;
}
