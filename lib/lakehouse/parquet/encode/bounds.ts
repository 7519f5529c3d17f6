import type { LeafColumn } from "./layout.js";
import { type ByteValues, type Values, valueBytes, type WordValues } from "./values.js";

/** The least and the greatest of some values, as their positions; `least` is -1 where there is nothing that orders. */
export interface Extremes {
  readonly least: number;
  readonly greatest: number;
}

/** The bytes of a bound as statistics have them. */
export interface Bound {
  readonly bytes: Uint8Array;
  /** False where it was shortened. */
  readonly exact: boolean;
}

/** Bounds of byte arrays are cut to this length: a bound shall help to skip, not repeat the data. */
const BOUND_BYTES = 64;

/**
 * The extremes of values `from` to `to`, or, with `among`, of those that `among` lists there. NaN is no extreme
 * (parquet.thrift, ColumnOrder).
 */
export function extremes(
  values: Values,
  { order }: LeafColumn,
  from: number,
  to: number,
  among?: Int32Array,
): Extremes {
  if (from >= to) return { least: -1, greatest: -1 };
  if (values.kind === "bytes")
    return byteExtremes(values, order === "decimal-bytes" ? 0x80 : 0, from, to, among);
  if (values.kind === "bits") return numberExtremes(values.bits, from, to, among);
  const { words, width } = values;
  if (order === "float") {
    const floats =
      width === 1
        ? new Float32Array(words.buffer, words.byteOffset, words.length)
        : new Float64Array(words.buffer, words.byteOffset, words.length >> 1);
    return numberExtremes(floats, from, to, among);
  }
  // An unsigned number orders as the signed one with its highest bit turned.
  const flip = order === "unsigned" ? 0x80000000 | 0 : 0;
  return width === 2
    ? longExtremes(values, flip, from, to, among)
    : intExtremes(values, flip, from, to, among);
}

function intExtremes(
  { words }: WordValues,
  flip: number,
  from: number,
  to: number,
  among?: Int32Array,
): Extremes {
  let least = among ? among[from]! : from;
  let greatest = least;
  let low = words[least]! ^ flip;
  let high = low;
  for (let i = from + 1; i < to; i++) {
    const at = among ? among[i]! : i;
    const value = words[at]! ^ flip;
    if (value < low) {
      low = value;
      least = at;
    } else if (value > high) {
      high = value;
      greatest = at;
    }
  }
  return { least, greatest };
}

function longExtremes(
  { words }: WordValues,
  flip: number,
  from: number,
  to: number,
  among?: Int32Array,
): Extremes {
  let least = among ? among[from]! : from;
  let greatest = least;
  let lowHigh = words[2 * least + 1]! ^ flip;
  // The low word is unsigned: turned likewise, it compares as a signed one.
  let lowLow = words[2 * least]! ^ 0x80000000;
  let highHigh = lowHigh;
  let highLow = lowLow;
  for (let i = from + 1; i < to; i++) {
    const at = among ? among[i]! : i;
    const high = words[2 * at + 1]! ^ flip;
    const low = words[2 * at]! ^ 0x80000000;
    if (high < lowHigh || (high === lowHigh && low < lowLow)) {
      lowHigh = high;
      lowLow = low;
      least = at;
    } else if (high > highHigh || (high === highHigh && low > highLow)) {
      highHigh = high;
      highLow = low;
      greatest = at;
    }
  }
  return { least, greatest };
}

function numberExtremes(
  numbers: Uint8Array | Float32Array | Float64Array,
  from: number,
  to: number,
  among?: Int32Array,
): Extremes {
  let least = -1;
  let greatest = -1;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = from; i < to; i++) {
    const at = among ? among[i]! : i;
    const value = numbers[at]!;
    if (value < low || (least < 0 && value === low)) {
      low = value;
      least = at;
    }
    if (value > high || (greatest < 0 && value === high)) {
      high = value;
      greatest = at;
    }
  }
  return { least, greatest };
}

function byteExtremes(
  values: ByteValues,
  flip: number,
  from: number,
  to: number,
  among?: Int32Array,
): Extremes {
  let least = among ? among[from]! : from;
  let greatest = least;
  for (let i = from + 1; i < to; i++) {
    const at = among ? among[i]! : i;
    if (compareBytes(values, flip, at, least) < 0) least = at;
    else if (compareBytes(values, flip, at, greatest) > 0) greatest = at;
  }
  return { least, greatest };
}

function compareBytes({ bytes, starts, ends }: ByteValues, flip: number, a: number, b: number): number {
  let left = starts[a]!;
  let right = starts[b]!;
  const end = left + Math.min(ends[a]! - left, ends[b]! - right);
  // The sign of a decimal is the highest bit of its first byte.
  if (left < end && bytes[left] !== bytes[right]) return (bytes[left]! ^ flip) - (bytes[right]! ^ flip);
  while (left < end && bytes[left] === bytes[right]) {
    left++;
    right++;
  }
  if (left < end) return bytes[left]! - bytes[right]!;
  return ends[a]! - starts[a]! - (ends[b]! - starts[b]!);
}

/** Less than 0, 0, or more than 0, as value `a` is before, with or after value `b`. Neither is NaN. */
export function compareValues(values: Values, leaf: LeafColumn, a: number, b: number): number {
  const pair = Int32Array.of(a, b);
  const { least, greatest } = extremes(values, leaf, 0, 2, pair);
  if (least === greatest) return 0;
  return least === a ? -1 : 1;
}

/** Values that are NaN. */
export function countNaNs(values: Values, { order }: LeafColumn): number {
  if (order !== "float" || values.kind !== "words") return 0;
  const { words, width, length } = values;
  return width === 1
    ? nansIn(new Float32Array(words.buffer, words.byteOffset, length))
    : nansIn(new Float64Array(words.buffer, words.byteOffset, length));
}

function nansIn(numbers: Float32Array | Float64Array): number {
  let count = 0;
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i]!;
    // biome-ignore lint/suspicious/noSelfCompare: only NaN differs from itself, and this is a hot loop.
    if (value !== value) count++;
  }
  return count;
}

/** The value at a position as a bound; `undefined` where no short one lies beyond it. */
export function boundOf(
  values: Values,
  leaf: LeafColumn,
  at: number,
  side: "min" | "max",
): Bound | undefined {
  const whole = valueBytes(values, at);
  if (leaf.order === "float") return { bytes: widenZero(whole, side), exact: true };
  if (leaf.physicalType !== "BYTE_ARRAY" || whole.length <= BOUND_BYTES) return { bytes: whole, exact: true };
  let length = BOUND_BYTES;
  if (leaf.text) while (length > 0 && (whole[length]! & 0xc0) === 0x80) length--;
  const cut = whole.slice(0, length);
  if (side === "min") return { bytes: cut, exact: false };
  const above = leaf.text ? textAbove(cut) : bytesAbove(cut);
  return above && { bytes: above, exact: false };
}

/** A zero becomes the zero of the outward sign, since -0 and 0 compare equal (parquet.thrift, ColumnOrder). */
function widenZero(bytes: Uint8Array, side: "min" | "max"): Uint8Array {
  const last = bytes.length - 1;
  const zero = bytes.every((byte, i) => byte === 0 || (i === last && byte === 0x80));
  if (zero) bytes[last] = side === "min" ? 0x80 : 0;
  return bytes;
}

/** The shortest bytes above everything that begins with `bytes`. */
function bytesAbove(bytes: Uint8Array): Uint8Array | undefined {
  for (let i = bytes.length - 1; i >= 0; i--) {
    if (bytes[i] === 0xff) continue;
    const above = bytes.slice(0, i + 1);
    above[i] = bytes[i]! + 1;
    return above;
  }
  return undefined;
}

/** The same for UTF-8, and UTF-8 again: the last character that has a next one is replaced by it. */
function textAbove(bytes: Uint8Array): Uint8Array | undefined {
  const characters = [...new TextDecoder().decode(bytes)];
  for (let i = characters.length - 1; i >= 0; i--) {
    const point = (characters[i]!.codePointAt(0) as number) + 1;
    const next = point >= 0xd800 && point <= 0xdfff ? 0xe000 : point;
    if (next > 0x10ffff) continue;
    const above = new TextEncoder().encode(characters.slice(0, i).join("") + String.fromCodePoint(next));
    // The next character may take a byte more.
    if (above.length <= BOUND_BYTES) return above;
  }
  return undefined;
}
