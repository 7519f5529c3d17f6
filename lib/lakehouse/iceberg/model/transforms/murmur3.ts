/** 32-bit Murmur3, x86 variant, seed 0 (spec, Appendix B). Results are signed 32-bit. */

const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

function mixBlock(hash: number, block: number): number {
  let k = Math.imul(block, C1);
  k = (k << 15) | (k >>> 17);
  let h = hash ^ Math.imul(k, C2);
  h = (h << 13) | (h >>> 19);
  return (Math.imul(h, 5) + 0xe6546b64) | 0;
}

function finish(hash: number, length: number): number {
  let h = hash ^ length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Hash of `bytes[start, end)`. */
export function hashBytes(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const length = end - start;
  const blocksEnd = start + (length & ~3);
  let h = 0;
  for (let i = start; i < blocksEnd; i += 4) {
    h = mixBlock(h, bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
  }
  let k = 0;
  for (let i = end - 1; i >= blocksEnd; i -= 1) k = (k << 8) | bytes[i]!;
  if (length & 3) {
    k = Math.imul(k, C1);
    k = (k << 15) | (k >>> 17);
    h ^= Math.imul(k, C2);
  }
  return finish(h, length);
}

/** Hash of a 64-bit integer given as its low and high 32 bits: of its 8 little-endian bytes. */
function hashLongParts(low: number, high: number): number {
  return finish(mixBlock(mixBlock(0, low), high), 8);
}

/** Hash of a 64-bit integer. */
export function hashLong(value: bigint): number {
  return hashLongParts(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
}

/** Hash of a 32-bit integer: the same as that of the long, so that promotion keeps buckets. */
export function hashInt(value: number): number {
  return hashLongParts(value, value < 0 ? -1 : 0);
}
