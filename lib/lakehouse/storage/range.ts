import { invalidArgument } from "../errors.js";
import type { ByteRange } from "./store.js";

/** @throws INVALID_ARGUMENT unless 0 <= start <= end, both whole numbers. */
export function checkRange(uri: string, range: ByteRange | undefined): void {
  if (range === undefined) return;
  const { start, end } = range;
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && end >= start) return;
  throw invalidArgument(
    uri,
    `The byte range [${start}, ${end}) of ${uri} is not one: 0 <= start <= end must hold, in whole bytes.`,
  );
}

/** The range cut to an object of `size` bytes; the whole object where there is none. May be empty. */
export function cutRange(range: ByteRange | undefined, size: number): ByteRange {
  if (range === undefined) return { start: 0, end: size };
  return { start: Math.min(range.start, size), end: Math.min(range.end, size) };
}
