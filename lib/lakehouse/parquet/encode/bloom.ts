import { xxHash64 } from "../../codecs/index.js";
import { writeThriftStruct } from "../format/thrift.js";
import { i32, struct } from "../format/thrift-values.js";
import { countNaNs } from "./bounds.js";
import type { LeafColumn } from "./layout.js";
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
export function bloomFilter(values: Values, leaf: LeafColumn, options: BloomFilterOptions): Uint8Array {
  const size = filterBytes(values.length, options);
  const blocks = BigInt(size / BLOCK_BYTES);
  const bits = new Int32Array(size / 4);
  const put = (bytes: Uint8Array): void => {
    const hash = xxHash64(bytes);
    const block = Number(((hash >> 32n) * blocks) >> 32n);
    const key = Number(BigInt.asIntN(32, hash));
    for (let word = 0; word < 8; word++) bits[block * 8 + word]! |= 1 << (Math.imul(key, SALT[word]!) >>> 27);
  };
  for (let i = 0; i < values.length; i++) put(valueBytes(values, i));
  for (const bytes of otherForms(values, leaf)) put(bytes);
  const empty = struct();
  const header = writeThriftStruct(
    struct([1, i32(size)], [2, struct([1, empty])], [3, struct([1, empty])], [4, struct([1, empty])]).value,
  );
  const out = new Uint8Array(header.length + size);
  out.set(header);
  out.set(new Uint8Array(bits.buffer), header.length);
  return out;
}

/**
 * The forms under which engines look for floats that are equal to some of the values, and have other bytes: the filter
 * knows bytes alone, but 0 is -0, and for SQL one NaN is another.
 */
function otherForms(values: Values, leaf: LeafColumn): readonly Uint8Array[] {
  if (leaf.order !== "float" || values.kind !== "words") return [];
  const { words, width, length } = values;
  const form =
    width === 1 ? (value: number) => Float32Array.of(value) : (value: number) => Float64Array.of(value);
  const numbers =
    width === 1
      ? new Float32Array(words.buffer, words.byteOffset, length)
      : new Float64Array(words.buffer, words.byteOffset, length);
  const others = [
    ...(numbers.includes(0) ? [0, -0] : []),
    ...(countNaNs(values, leaf) > 0 ? [Number.NaN] : []),
  ];
  return others.map((value) => new Uint8Array(form(value).buffer));
}

/** Bytes that keep the share of false positives for so many distinct values: a power of two, at most `maxBytes`. */
function filterBytes(distinct: number, { falsePositives, maxBytes }: BloomFilterOptions): number {
  const bits = (-8 * distinct) / Math.log(1 - falsePositives ** (1 / 8));
  let size = BLOCK_BYTES;
  while (size * 8 < bits && size * 2 <= maxBytes) size *= 2;
  return size;
}
