import { xxHash64 } from "../../codecs/index.js";
import { writeThriftStruct } from "../format/thrift.js";
import { i32, struct } from "../format/thrift-values.js";
import { type Values, valueBytes } from "./values.js";

/** Settings of a column's filter. */
export interface BloomFilterOptions {
  /** Share of absent values that the filter takes for present. */
  readonly falsePositives: number;
  readonly maxBytes: number;
}

const BLOCK_BYTES = 32;
/** BloomFilter.md, "Split Block Bloom Filters": the odd numbers that choose the bit in each of a block's eight words. */
const SALT = Int32Array.of(
  0x47b6137b,
  0x44974d91,
  0x8824ad5b,
  0xa2b7289d,
  0x705495c7,
  0x2df1424b,
  0x9efc4947,
  0x5c6bfb31,
);

/**
 * The filter of distinct `values` as it lies in a file: its header (parquet.thrift, BloomFilterHeader) and its bits.
 * `prepareXxHash` has been awaited.
 */
export function bloomFilter(values: Values, options: BloomFilterOptions): Uint8Array {
  const size = filterBytes(values.length, options);
  const blocks = BigInt(size / BLOCK_BYTES);
  const bits = new Int32Array(size / 4);
  for (let i = 0; i < values.length; i++) {
    const hash = xxHash64(valueBytes(values, i));
    const block = Number(((hash >> 32n) * blocks) >> 32n);
    const key = Number(BigInt.asIntN(32, hash));
    for (let word = 0; word < 8; word++) bits[block * 8 + word]! |= 1 << (Math.imul(key, SALT[word]!) >>> 27);
  }
  const empty = struct();
  const header = writeThriftStruct(
    struct([1, i32(size)], [2, struct([1, empty])], [3, struct([1, empty])], [4, struct([1, empty])]).value,
  );
  const out = new Uint8Array(header.length + size);
  out.set(header);
  out.set(new Uint8Array(bits.buffer), header.length);
  return out;
}

/** Bytes that keep the share of false positives for so many distinct values: a power of two, at most `maxBytes`. */
function filterBytes(distinct: number, { falsePositives, maxBytes }: BloomFilterOptions): number {
  const bits = (-8 * distinct) / Math.log(1 - falsePositives ** (1 / 8));
  let size = BLOCK_BYTES;
  while (size * 8 < bits && size * 2 <= maxBytes) size *= 2;
  return size;
}
