import { writeVarint } from "./hybrid.js";
import { findMatches } from "./matches.js";

/** A raw Snappy block (google/snappy, format_description.txt). */
export function compressSnappy(input: Uint8Array): Uint8Array {
  const out = new Uint8Array(32 + input.length + Math.ceil(input.length / 6));
  let at = writeVarint(input.length, out, 0);
  const end = findMatches(input, (from, literalEnd, distance, length) => {
    at = writeLiteral(input, from, literalEnd, out, at);
    at = writeCopies(distance, length, out, at);
  });
  at = writeLiteral(input, end, input.length, out, at);
  return out.slice(0, at);
}

function writeLiteral(input: Uint8Array, from: number, to: number, out: Uint8Array, start: number): number {
  if (from === to) return start;
  const length = to - from - 1;
  let at = start;
  if (length < 60) out[at++] = length << 2;
  else {
    const bytes = length < 0x100 ? 1 : length < 0x10000 ? 2 : length < 0x1000000 ? 3 : 4;
    out[at++] = (59 + bytes) << 2;
    for (let byte = 0; byte < bytes; byte++) out[at++] = length >>> (8 * byte);
  }
  out.set(input.subarray(from, to), at);
  return at + to - from;
}

/** Copies of at most 64 bytes, each with a distance of two bytes. */
function writeCopies(distance: number, length: number, out: Uint8Array, start: number): number {
  let at = start;
  for (let rest = length; rest > 0; ) {
    const part = Math.min(rest, 64);
    out[at++] = ((part - 1) << 2) | 2;
    out[at++] = distance;
    out[at++] = distance >>> 8;
    rest -= part;
  }
  return at;
}
