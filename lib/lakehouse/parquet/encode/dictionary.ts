import { bitWidth } from "./hybrid.js";
import { type ByteValues, plainSize, type Values, type WordValues } from "./values.js";
import { WordTable } from "./word-table.js";

/** The distinct values of a column chunk in the order in which they came, and the index of each value among them. */
export interface Dictionary {
  readonly keys: Values;
  /** Shared between calls: done with before the next dictionary is built. Longer than there are values. */
  readonly indices: Int32Array;
}

/** Values looked at between two looks at whether the dictionary still pays. */
const STEP = 16_384;
/** When so many of the first step are distinct, so will be most of the others. */
const HOPELESS = 0.95;

let indices = new Int32Array(65_536);

/** The dictionary of `values`; `undefined` where it would be larger than `limit` bytes, or save nothing. */
export function buildDictionary(values: Values, limit: number): Dictionary | undefined {
  if (values.kind === "bits" || values.length === 0) return undefined;
  if (indices.length < values.length) indices = new Int32Array(values.length);
  const keys = values.kind === "words" ? wordKeys(values, limit, indices) : byteKeys(values, limit, indices);
  if (!keys) return undefined;
  const size = plainSize(keys, 0, keys.length);
  const encoded = size + (values.length * bitWidth(keys.length - 1)) / 8;
  return size <= limit && encoded < plainSize(values, 0, values.length) ? { keys, indices } : undefined;
}

/** Distinct byte strings and, for each of the strings given, which of them it is. */
export interface DistinctBytes {
  readonly codes: Int32Array;
  /** In the order in which they came. */
  readonly values: readonly Uint8Array[];
}

/**
 * Numbers byte strings as they come: string i is bytes `offsets[i]` to `offsets[i + 1]`. `undefined` where so many are
 * distinct that it does not pay.
 */
export function distinctBytes(
  bytes: Uint8Array,
  offsets: Int32Array,
  length: number,
): DistinctBytes | undefined {
  const codes = new Int32Array(length);
  const ends = offsets.subarray(1);
  const values: ByteValues = {
    kind: "bytes",
    length,
    bytes,
    starts: offsets,
    ends,
    fixed: 0,
    contiguous: true,
  };
  const keys = byteKeys(values, Number.MAX_SAFE_INTEGER, codes);
  if (!keys) return undefined;
  const distinct = Array.from({ length: keys.length }, (_, key) =>
    keys.bytes.subarray(keys.starts[key], keys.ends[key]),
  );
  return { codes, values: distinct };
}

function hopeless(keys: number, seen: number): boolean {
  return seen >= STEP && keys > seen * HOPELESS;
}

function wordKeys(values: WordValues, limit: number, out: Int32Array): WordValues | undefined {
  const { words, width, length } = values;
  const table = new WordTable();
  for (let from = 0; from < length; from += STEP) {
    const to = Math.min(length, from + STEP);
    table.add(words, width, from, to, out);
    if (table.size * width * 4 > limit || (from === 0 && hopeless(table.size, to))) return undefined;
  }
  const { size, keys } = table;
  if (width === 2) return { kind: "words", length: size, width, words: keys.slice(0, size * 2) };
  const single = new Int32Array(size);
  for (let key = 0; key < size; key++) single[key] = keys[2 * key]!;
  return { kind: "words", length: size, width, words: single };
}

/** The longest value whose bytes and length fit two words. */
const PACKED_BYTES = 7;

function byteKeys(values: ByteValues, limit: number, out: Int32Array): ByteValues | undefined {
  const keys = packedKeys(values, limit, out);
  return keys === "too long" ? hashedKeys(values, limit, out) : keys;
}

/** Short values are looked up as numbers: seven bytes and a length in two words. Gives up at the first long one. */
function packedKeys(values: ByteValues, limit: number, out: Int32Array): ByteValues | "too long" | undefined {
  const { length } = values;
  const table = new WordTable();
  const packed = new Int32Array(2 * Math.min(STEP, length));
  for (let from = 0; from < length; from += STEP) {
    const to = Math.min(length, from + STEP);
    if (!pack(values, from, to, packed)) return "too long";
    table.add(packed, 2, 0, to - from, out.subarray(from));
    if (table.size * 4 > limit || (from === 0 && hopeless(table.size, to))) return undefined;
  }
  const { size, keys } = table;
  const bytes = new Uint8Array(size * PACKED_BYTES);
  const starts = new Int32Array(size);
  const ends = new Int32Array(size);
  let at = 0;
  for (let key = 0; key < size; key++) {
    starts[key] = at;
    const low = keys[2 * key]!;
    const high = keys[2 * key + 1]!;
    const count = high >>> 24;
    for (let byte = 0; byte < count; byte++)
      bytes[at++] = byte < 4 ? low >>> (8 * byte) : high >>> (8 * (byte - 4));
    ends[key] = at;
  }
  return { kind: "bytes", length: size, bytes, starts, ends, fixed: values.fixed, contiguous: true };
}

function pack({ bytes, starts, ends }: ByteValues, from: number, to: number, packed: Int32Array): boolean {
  for (let i = from; i < to; i++) {
    const first = starts[i]!;
    const last = ends[i]!;
    const length = last - first;
    let low = 0;
    let high = 0;
    if (length === 3) low = bytes[first]! | (bytes[first + 1]! << 8) | (bytes[first + 2]! << 16);
    else {
      if (length > PACKED_BYTES) return false;
      for (let byte = 0; byte < length && byte < 4; byte++) low |= bytes[first + byte]! << (8 * byte);
      for (let byte = 4; byte < length; byte++) high |= bytes[first + byte]! << (8 * (byte - 4));
    }
    packed[2 * (i - from)] = low;
    packed[2 * (i - from) + 1] = high | (length << 24);
  }
  return true;
}

/** Slots of a table of long values when it is new; it doubles whenever half of them are taken. */
const FIRST_BITS = 10;
let slotMemory = new Int32Array(1 << FIRST_BITS);

function grown(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}

/** Of each key of a table of long values: the row that it was first seen in, and its hash. */
let keyRows = new Int32Array(512);
let keyHashes = new Int32Array(512);

/** Long values: open addressing by hash; equal hashes are told apart by their bytes. A slot is a number plus one, or 0. */
function hashedKeys(values: ByteValues, limit: number, out: Int32Array): ByteValues | undefined {
  const { bytes, starts, ends, length, fixed } = values;
  let mask = (1 << FIRST_BITS) - 1;
  slotMemory.fill(0, 0, mask + 1);
  let size = 0;
  let total = 0;
  for (let i = 0; i < length; i++) {
    const first = starts[i]!;
    const last = ends[i]!;
    const code = hashBytes(bytes, first, last);
    let slot = code & mask;
    for (;;) {
      const number = slotMemory[slot]!;
      if (number === 0) {
        keyRows[size] = i;
        keyHashes[size] = code;
        out[i] = size++;
        slotMemory[slot] = size;
        total += last - first + 4;
        break;
      }
      const key = keyRows[number - 1]!;
      if (keyHashes[number - 1] === code && equalBytes(bytes, first, last, starts[key]!, ends[key]!)) {
        out[i] = number - 1;
        break;
      }
      slot = (slot + 1) & mask;
    }
    if (total > limit || (i === STEP && hopeless(size, i))) return undefined;
    if (size * 2 > mask) {
      mask = mask * 2 + 1;
      rehash(mask, size);
    }
  }
  const rows = keyRows.subarray(0, size);
  return {
    kind: "bytes",
    length: size,
    bytes,
    starts: rows.map((row) => starts[row]!),
    ends: rows.map((row) => ends[row]!),
    fixed,
    contiguous: false,
  };
}

function rehash(mask: number, size: number): void {
  if (slotMemory.length <= mask) slotMemory = new Int32Array(mask + 1);
  else slotMemory.fill(0, 0, mask + 1);
  while (keyRows.length <= mask >> 1) {
    keyRows = grown(keyRows);
    keyHashes = grown(keyHashes);
  }
  for (let key = 0; key < size; key++) {
    let slot = keyHashes[key]! & mask;
    while (slotMemory[slot] !== 0) slot = (slot + 1) & mask;
    slotMemory[slot] = key + 1;
  }
}

/** FNV-1a taken four bytes at a time, its high bits folded into the low ones that choose the slot. */
function hashBytes(bytes: Uint8Array, first: number, last: number): number {
  let code = 0x811c9dc5;
  let at = first;
  for (; at + 4 <= last; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    code = Math.imul(code ^ word, 0x01000193);
    code ^= code >>> 15;
  }
  for (; at < last; at++) code = Math.imul(code ^ bytes[at]!, 0x01000193);
  code = Math.imul(code ^ (code >>> 15), 0x2c1b3c6d);
  return code ^ (code >>> 13);
}

function equalBytes(bytes: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): boolean {
  if (aEnd - a !== bEnd - b) return false;
  for (let i = 0; i < aEnd - a; i++) if (bytes[a + i] !== bytes[b + i]) return false;
  return true;
}
