import type { IcebergType, PrimitiveType, PrimitiveValue } from "../types/types.js";
import { utf8Encode, uuidToBytes } from "../values/bytes.js";
import { unscaledToBytes } from "../values/decimal.js";
import { civilFromDays, floorDiv, MICROS_PER_DAY, NANOS_PER_DAY } from "../values/temporal.js";
import { hashBytes, hashInt, hashLong } from "./murmur3.js";
import { transformResultType } from "./transform.js";
import type { Transform } from "./types.js";

/** Turns a canonical value into its transformed canonical value; null stays null. */
export type TransformFunction = (value: PrimitiveValue | null) => PrimitiveValue | null;

/**
 * The function of a transform on values of `source`. Of an unknown transform it always gives null: nobody may write
 * with it. Throws `INVALID_ARGUMENT` when the transform cannot be applied to the type.
 */
export function transformFunction(transform: Transform, source: IcebergType): TransformFunction {
  // Checks the source type.
  transformResultType(transform, source);
  const apply = nonNullFunction(transform, source as PrimitiveType);
  if (apply === undefined) return () => null;
  return (value) => (value === null ? null : apply(value));
}

function nonNullFunction(
  transform: Transform,
  source: PrimitiveType,
): ((value: PrimitiveValue) => PrimitiveValue) | undefined {
  switch (transform.transform) {
    case "identity":
      return (value) => value;
    case "bucket": {
      const hash = bucketHash(source);
      return (value) => (hash(value) & 0x7fffffff) % transform.numBuckets;
    }
    case "truncate":
      return truncateFunction(source, transform.width);
    case "year":
    case "month":
    case "day":
    case "hour":
      return dateFunction(transform.transform, source);
    case "void":
    case "unknown":
      return undefined;
  }
}

/** The 32-bit hash of values of a type (spec, Appendix B). */
export function bucketHash(type: PrimitiveType): (value: PrimitiveValue) => number {
  switch (type.type) {
    case "int":
    case "date":
      return (value) => hashInt(value as number);
    case "timestamp_ns":
    case "timestamptz_ns":
      return (value) => hashLong(floorDiv(value as bigint, 1000n));
    case "decimal":
      return (value) => hashBytes(unscaledToBytes(value as bigint));
    case "string":
      return (value) => hashBytes(utf8Encode(value as string));
    case "uuid":
      return (value) => hashBytes(uuidToBytes(value as string));
    case "fixed":
    case "binary":
      return (value) => hashBytes(value as Uint8Array);
    default:
      return (value) => hashLong(value as bigint);
  }
}

function truncateFunction(type: PrimitiveType, width: number): (value: PrimitiveValue) => PrimitiveValue {
  switch (type.type) {
    case "int":
      return (value) => truncateInt(value as number, width);
    case "string":
      return (value) => truncateString(value as string, width);
    case "binary":
      return (value) => (value as Uint8Array).subarray(0, width);
    default: {
      const wide = BigInt(width);
      const truncateUnits = (value: PrimitiveValue) => floorDiv(value as bigint, wide) * wide;
      if (type.type === "decimal") return truncateUnits;
      return (value) => BigInt.asIntN(64, truncateUnits(value));
    }
  }
}

/** `v - (v % W)` with a positive remainder; wraps around below the lowest integer as the reference does. */
export function truncateInt(value: number, width: number): number {
  return (value - (((value % width) + width) % width)) | 0;
}

/** The first `length` code points. */
export function truncateString(text: string, length: number): string {
  if (text.length <= length) return text;
  let end = 0;
  for (let points = 0; points < length && end < text.length; points += 1) {
    end += (text.codePointAt(end) as number) > 0xffff ? 2 : 1;
  }
  return text.slice(0, end);
}

/** Years, months, days or hours from the epoch of a count of days. */
function fromDays(unit: "year" | "month" | "day", days: number): number {
  if (unit === "day") return days;
  const { year, month } = civilFromDays(days);
  return unit === "year" ? year - 1970 : (year - 1970) * 12 + month - 1;
}

function dateFunction(
  unit: "year" | "month" | "day" | "hour",
  type: PrimitiveType,
): (value: PrimitiveValue) => PrimitiveValue {
  if (type.type === "date") return (value) => fromDays(unit as "year" | "month" | "day", value as number);
  const perDay =
    type.type === "timestamp_ns" || type.type === "timestamptz_ns" ? NANOS_PER_DAY : MICROS_PER_DAY;
  if (unit === "hour") return (value) => Number(floorDiv(value as bigint, perDay / 24n));
  return (value) => fromDays(unit, Number(floorDiv(value as bigint, perDay)));
}

/** Maps days from the epoch to the ordinal of a date transform; for callers that have days already. */
export function dayOrdinal(unit: "year" | "month" | "day"): (days: number) => number {
  return (days) => fromDays(unit, days);
}
