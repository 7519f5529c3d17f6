import { isPrimitiveType } from "../types/type-text.js";
import type { IcebergType, PrimitiveKind, PrimitiveValue } from "../types/types.js";

/**
 * Order of two canonical values of one type. Total:
 * - strings by code point, which is the order of their UTF-8 bytes (JavaScript's own order goes by UTF-16 unit and
 *   differs beyond U+FFFF);
 * - binary unsigned, byte by byte; uuid as its bytes;
 * - floating point with -0 equal to 0, and NaN equal to itself and above everything, as SQL engines sort.
 */
export type Comparator = (a: PrimitiveValue, b: PrimitiveValue) => number;

export function comparatorOf(type: IcebergType): Comparator {
  return isPrimitiveType(type) ? COMPARATORS[type.type] : compareNatural;
}

function compareNatural(a: PrimitiveValue, b: PrimitiveValue): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const COMPARATORS: Readonly<Record<PrimitiveKind, Comparator>> = {
  boolean: compareNatural,
  int: compareNatural,
  long: compareNatural,
  float: compareFloats as Comparator,
  double: compareFloats as Comparator,
  decimal: compareNatural,
  date: compareNatural,
  time: compareNatural,
  timestamp: compareNatural,
  timestamptz: compareNatural,
  timestamp_ns: compareNatural,
  timestamptz_ns: compareNatural,
  string: compareStrings as Comparator,
  uuid: compareNatural,
  fixed: compareBytes as Comparator,
  binary: compareBytes as Comparator,
  unknown: compareNatural,
  variant: compareBytes as Comparator,
  geometry: compareBytes as Comparator,
  geography: compareBytes as Comparator,
};

export function compareFloats(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return 0;
  // At least one is NaN.
  return Number.isNaN(a) ? (Number.isNaN(b) ? 0 : 1) : -1;
}

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    // Surrogates (D800 to DFFF) stand for code points above those of E000 to FFFF.
    const xSurrogate = x >= 0xd800 && x <= 0xdfff;
    const ySurrogate = y >= 0xd800 && y <= 0xdfff;
    if (xSurrogate !== ySurrogate) return xSurrogate ? 1 : -1;
    return x < y ? -1 : 1;
  }
  return a.length - b.length;
}

/** Values in order, without duplicates. */
export function sortDistinct(type: IcebergType, values: readonly PrimitiveValue[]): PrimitiveValue[] {
  const compare = comparatorOf(type);
  const sorted = [...values].sort(compare);
  return sorted.filter((value, i) => i === 0 || compare(sorted[i - 1]!, value) !== 0);
}

/** A `Map` or `Set` key that is equal for equal canonical values. */
export function valueKey(value: PrimitiveValue | null): string | number | bigint | boolean | null {
  if (value instanceof Uint8Array)
    return `\u0001${Buffer.from(value.buffer, value.byteOffset, value.length).toString("latin1")}`;
  return value;
}
