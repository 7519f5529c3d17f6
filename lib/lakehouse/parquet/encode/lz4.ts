import { findMatches } from "./matches.js";

const SHORTEST_MATCH = 4;

/** A raw LZ4 block (lz4/lz4, lz4_Block_format.md): Parquet's LZ4_RAW. */
export function compressLz4(input: Uint8Array): Uint8Array {
  const out = new Uint8Array(16 + input.length + Math.ceil(input.length / 255));
  let at = 0;
  const end = findMatches(input, (from, literalEnd, distance, length) => {
    const rest = length - SHORTEST_MATCH;
    at = writeLiterals(input, from, literalEnd, Math.min(15, rest), out, at);
    out[at++] = distance;
    out[at++] = distance >>> 8;
    if (rest >= 15) at = writeLength(rest - 15, out, at);
  });
  // The last sequence has literals only, also where there are none.
  at = writeLiterals(input, end, input.length, 0, out, at);
  return out.slice(0, at);
}

/** The token, whose low half is about the match that follows, and the literals. */
function writeLiterals(
  input: Uint8Array,
  from: number,
  to: number,
  matchToken: number,
  out: Uint8Array,
  start: number,
): number {
  const count = to - from;
  let at = start;
  out[at++] = (Math.min(15, count) << 4) | matchToken;
  if (count >= 15) at = writeLength(count - 15, out, at);
  out.set(input.subarray(from, to), at);
  return at + count;
}

function writeLength(length: number, out: Uint8Array, start: number): number {
  let at = start;
  let rest = length;
  for (; rest >= 255; rest -= 255) out[at++] = 255;
  out[at++] = rest;
  return at;
}
