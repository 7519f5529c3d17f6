import type { LeafColumn } from "./layout.js";
import type { LeafStream } from "./shred.js";

/**
 * The values of a leaf column that are there, end to end, in one of three forms. 64-bit values are two words each,
 * the low one first: their hot loops then need no bigint.
 */
export type Values = BitValues | WordValues | ByteValues;

export interface BitValues {
  readonly kind: "bits";
  readonly length: number;
  /** 0 or 1 each. */
  readonly bits: Uint8Array;
}

export interface WordValues {
  readonly kind: "words";
  readonly length: number;
  /** Words of a value: 1 or 2. */
  readonly width: number;
  readonly words: Int32Array;
}

export interface ByteValues {
  readonly kind: "bytes";
  readonly length: number;
  readonly bytes: Uint8Array;
  /** Value i is bytes starts[i] to ends[i]. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Length of every value; 0 where they differ. */
  readonly fixed: number;
  /** True where each value begins where the one before ends. */
  readonly contiguous: boolean;
}

/** Takes the values of a leaf out of Arrow's buffers: as they lie where they can, gathered where nulls stand between. */
export function leafValues(leaf: LeafColumn, { column, positions }: LeafStream): Values {
  const raw = column.values ?? new Uint8Array(0);
  const length = positions ? positions.length : column.length;
  switch (leaf.storage) {
    case "bits":
      return bitValues(raw, length, positions);
    case "words":
      return { kind: "words", length, width: 1, words: pick(int32(raw), 1, length, positions) };
    case "double-words":
      return { kind: "words", length, width: 2, words: pick(int32(raw), 2, length, positions) };
    case "int8":
      return widened(new Int8Array(raw.buffer, raw.byteOffset, raw.length), length, positions);
    case "uint8":
      return widened(raw, length, positions);
    case "int16":
      return widened(new Int16Array(raw.buffer, raw.byteOffset, raw.length >> 1), length, positions);
    case "uint16":
      return widened(new Uint16Array(raw.buffer, raw.byteOffset, raw.length >> 1), length, positions);
    case "text": {
      const offsets = column.offsets ?? new Int32Array(1);
      const starts = positions ? pick(offsets, 1, length, positions) : offsets;
      const ends = offsets.subarray(1);
      return {
        kind: "bytes",
        length,
        bytes: raw,
        starts,
        ends: positions ? pick(ends, 1, length, positions) : ends,
        fixed: 0,
        contiguous: !positions,
      };
    }
    case "fixed":
      return fixedValues(raw, leaf.typeLength, length, positions);
    case "decimal":
      return decimalValues(leaf, int32(raw), length, positions);
  }
}

function bitValues(raw: Uint8Array, length: number, positions: Int32Array | undefined): BitValues {
  const bits = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const row = positions ? positions[i]! : i;
    bits[i] = (raw[row >> 3]! >> (row & 7)) & 1;
  }
  return { kind: "bits", length, bits };
}

function pick(
  words: Int32Array,
  width: number,
  length: number,
  positions: Int32Array | undefined,
): Int32Array {
  if (!positions) return words;
  const out = new Int32Array(length * width);
  if (width === 1) for (let i = 0; i < length; i++) out[i] = words[positions[i]!]!;
  else
    for (let i = 0; i < length; i++) {
      out[2 * i] = words[2 * positions[i]!]!;
      out[2 * i + 1] = words[2 * positions[i]! + 1]!;
    }
  return out;
}

function widened(
  source: Int8Array | Uint8Array | Int16Array | Uint16Array,
  length: number,
  positions: Int32Array | undefined,
): WordValues {
  const words = new Int32Array(length);
  for (let i = 0; i < length; i++) words[i] = source[positions ? positions[i]! : i]!;
  return { kind: "words", length, width: 1, words };
}

function fixedValues(
  bytes: Uint8Array,
  fixed: number,
  length: number,
  positions: Int32Array | undefined,
): ByteValues {
  const starts = new Int32Array(length);
  const ends = new Int32Array(length);
  for (let i = 0; i < length; i++) {
    starts[i] = (positions ? positions[i]! : i) * fixed;
    ends[i] = starts[i]! + fixed;
  }
  return { kind: "bytes", length, bytes, starts, ends, fixed, contiguous: !positions };
}

/** Arrow's decimals are 16 bytes, least significant first; Parquet's are integers, or bytes the other way round. */
function decimalValues(
  leaf: LeafColumn,
  words: Int32Array,
  length: number,
  positions: Int32Array | undefined,
): Values {
  const width = leaf.physicalType === "INT32" ? 1 : 2;
  if (leaf.physicalType !== "FIXED_LEN_BYTE_ARRAY") {
    const out = new Int32Array(length * width);
    for (let i = 0; i < length; i++) {
      const at = 4 * (positions ? positions[i]! : i);
      for (let word = 0; word < width; word++) out[i * width + word] = words[at + word]!;
    }
    return { kind: "words", length, width, words: out };
  }
  const fixed = leaf.typeLength;
  const source = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  const bytes = new Uint8Array(length * fixed);
  for (let i = 0; i < length; i++) {
    const at = 16 * (positions ? positions[i]! : i);
    for (let byte = 0; byte < fixed; byte++) bytes[i * fixed + byte] = source[at + fixed - 1 - byte]!;
  }
  return fixedValues(bytes, fixed, length, undefined);
}

function int32(bytes: Uint8Array): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
}

/** Bytes that values `from` to `to` take in the PLAIN encoding. */
export function plainSize(values: Values, from: number, to: number): number {
  switch (values.kind) {
    case "bits":
      return (to - from + 7) >> 3;
    case "words":
      return (to - from) * values.width * 4;
    case "bytes": {
      let size = values.fixed > 0 ? 0 : 4 * (to - from);
      if (values.contiguous) return from === to ? 0 : size + values.ends[to - 1]! - values.starts[from]!;
      for (let i = from; i < to; i++) size += values.ends[i]! - values.starts[i]!;
      return size;
    }
  }
}

/** Values this short are copied byte by byte: the call of a bulk copy costs more. */
const SHORT_BYTES = 32;

/** Writes values in the PLAIN encoding (Encodings.md) and returns where they end. */
export function writePlain(values: Values, from: number, to: number, out: Uint8Array, start: number): number {
  let at = start;
  switch (values.kind) {
    case "bits":
      out.fill(0, at, at + ((to - from + 7) >> 3));
      for (let i = from; i < to; i++) out[at + ((i - from) >> 3)]! |= values.bits[i]! << ((i - from) & 7);
      return at + ((to - from + 7) >> 3);
    case "words": {
      const { words, width } = values;
      const size = (to - from) * width * 4;
      out.set(new Uint8Array(words.buffer, words.byteOffset + from * width * 4, size), at);
      return at + size;
    }
    case "bytes": {
      const { bytes, starts, ends, fixed } = values;
      for (let i = from; i < to; i++) {
        const first = starts[i]!;
        const last = ends[i]!;
        const length = last - first;
        if (fixed === 0) {
          out[at] = length;
          out[at + 1] = length >>> 8;
          out[at + 2] = length >>> 16;
          out[at + 3] = length >>> 24;
          at += 4;
        }
        if (length <= SHORT_BYTES) for (let byte = first; byte < last; byte++) out[at++] = bytes[byte]!;
        else {
          out.set(bytes.subarray(first, last), at);
          at += length;
        }
      }
      return at;
    }
  }
}

/** One value as statistics and bloom filters have it: the PLAIN encoding without a length. */
export function valueBytes(values: Values, i: number): Uint8Array {
  switch (values.kind) {
    case "bits":
      return values.bits.slice(i, i + 1);
    case "words": {
      const { words, width } = values;
      return new Uint8Array(words.slice(i * width, (i + 1) * width).buffer);
    }
    case "bytes":
      return values.bytes.slice(values.starts[i]!, values.ends[i]!);
  }
}
