import { typeToString } from "../types/type-text.js";
import type { PrimitiveType, PrimitiveValue } from "../types/types.js";
import { bytesToHex, isWellFormed, parseUuid, uuidFromBytes } from "./bytes.js";
import { parseDecimal } from "./decimal.js";
import { parseDate, parseTime, parseTimestamp } from "./temporal.js";

const INT_MAX = 0x7fffffff;
const MS_PER_DAY = 86_400_000;

/**
 * The canonical form of a value as programs write it, or `undefined` when it does not fit the type without loss.
 *
 * Accepted: whole `number` or `bigint` for int and long; `number` for float and double, rounded to the nearest float
 * where there is one; `"12.30"`, a `number` or a whole `bigint` for decimal (`10n` is ten, not ten units);
 * `"2001-01-01"`, a `Date` at midnight UTC or days for date; text that UTF-8 has bytes for, which half a surrogate
 * pair is not; `"22:31:08"` or microseconds as `bigint` for time; ISO text, a `Date` (its UTC instant) or micro- or nanoseconds as
 * `bigint` for timestamps, where text for `timestamptz` must carry an offset and text for `timestamp` must not; text
 * or 16 bytes for uuid; `Uint8Array` for fixed and binary, WKB in one for geometry and geography.
 */
export function canonicalValue(type: PrimitiveType, value: unknown): PrimitiveValue | undefined {
  switch (type.type) {
    case "boolean":
      return typeof value === "boolean" ? value : undefined;
    case "int": {
      const whole = wholeNumber(value);
      return whole !== undefined && whole >= -INT_MAX - 1 && whole <= INT_MAX ? Number(whole) : undefined;
    }
    case "long":
      return int64(wholeNumber(value));
    case "float":
      return typeof value === "number" ? nearestFloat(value) : exactNumber(value, Math.fround);
    case "double":
      return typeof value === "number" ? value : exactNumber(value, Number);
    case "decimal":
      return decimal(type.precision, type.scale, value);
    case "date":
      if (typeof value === "string") return parseDate(value);
      if (value instanceof Date) return wholeDay(value);
      return typeof value === "number" && Number.isInteger(value) && Math.abs(value) <= INT_MAX
        ? value
        : undefined;
    case "time": {
      const micros = typeof value === "string" ? parseTime(value) : value;
      return typeof micros === "bigint" && micros >= 0n && micros < 86_400_000_000n ? micros : undefined;
    }
    case "timestamp":
    case "timestamptz":
      if (typeof value === "string") return parseTimestamp(value, "micros", type.type === "timestamptz");
      if (value instanceof Date) return validTime(value, (ms) => BigInt(ms) * 1000n);
      return typeof value === "bigint" ? int64(value) : undefined;
    case "timestamp_ns":
    case "timestamptz_ns":
      if (typeof value === "string") return parseTimestamp(value, "nanos", type.type === "timestamptz_ns");
      if (value instanceof Date) return int64(validTime(value, (ms) => BigInt(ms) * 1_000_000n));
      return typeof value === "bigint" ? int64(value) : undefined;
    case "string":
      return typeof value === "string" && isWellFormed(value) ? value : undefined;
    case "uuid":
      if (typeof value === "string") return parseUuid(value);
      return value instanceof Uint8Array && value.length === 16 ? uuidFromBytes(value) : undefined;
    case "fixed":
      return value instanceof Uint8Array && value.length === type.length ? value : undefined;
    case "binary":
    case "variant":
    case "geometry":
    case "geography":
      return value instanceof Uint8Array ? value : undefined;
    case "unknown":
      return undefined;
  }
}

function wholeNumber(value: unknown): bigint | undefined {
  if (typeof value === "bigint") return value;
  return typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : undefined;
}

function int64(value: bigint | undefined): bigint | undefined {
  return value !== undefined && BigInt.asIntN(64, value) === value ? value : undefined;
}

/** The float that a double is rounded to; `undefined` where it has none: beyond the largest, or so small that it became 0. */
export function nearestFloat(value: number): number | undefined {
  const float = Math.fround(value);
  if (Number.isFinite(value) && !Number.isFinite(float)) return undefined;
  return float === 0 && value !== 0 ? undefined : float;
}

/** A bigint as a floating-point number, where that is the same integer. */
function exactNumber(value: unknown, round: (value: number) => number): number | undefined {
  if (typeof value !== "bigint" || !Number.isSafeInteger(Number(value))) return undefined;
  const number = round(Number(value));
  return BigInt(number) === value ? number : undefined;
}

/** Days from the epoch. A time of day would be lost: midnight elsewhere is another day in UTC. */
function wholeDay(date: Date): number | undefined {
  return validTime(date, (ms) => (ms % MS_PER_DAY === 0 ? ms / MS_PER_DAY : undefined));
}

function validTime<T>(date: Date, convert: (ms: number) => T): T | undefined {
  const ms = date.getTime();
  return Number.isNaN(ms) ? undefined : convert(ms);
}

function decimal(precision: number, scale: number, value: unknown): bigint | undefined {
  if (typeof value === "string") return parseDecimal(value, precision, scale);
  // A whole number beyond 2^53 may stand for its neighbour; that of a fraction is told by its shortest text.
  const told =
    typeof value === "number" && Number.isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER;
  if (typeof value === "bigint" || told) {
    return parseDecimal(String(value), precision, scale);
  }
  return undefined;
}

/** What the type takes, for messages: `int (whole number of 32 bits)`. */
export function describeExpected(type: PrimitiveType): string {
  const text = typeToString(type);
  const hint: Partial<Record<PrimitiveType["type"], string>> = {
    int: "a whole number of 32 bits",
    long: "a bigint, or a whole number below 2^53",
    float: "a number that is 0 or between 1.5e-45 and 3.4e38, or a whole bigint that a float holds exactly",
    double: "a number, or a bigint up to 2^53",
    decimal: 'text such as "12.30" that fits without rounding',
    date: 'text such as "2001-01-31", or a Date at midnight UTC',
    time: 'text such as "22:31:08.5"',
    timestamp: 'text such as "2001-01-31T22:31:08" without an offset, a Date, or microseconds as a bigint',
    timestamptz: 'text such as "2001-01-31T22:31:08Z" with an offset, a Date, or microseconds as a bigint',
    timestamp_ns: 'text such as "2001-01-31T22:31:08" without an offset, a Date, or nanoseconds as a bigint',
    timestamptz_ns: 'text such as "2001-01-31T22:31:08Z" with an offset, a Date, or nanoseconds as a bigint',
    string: "text without half a surrogate pair",
    uuid: 'text such as "f79c3e09-677c-4bbd-a479-3f349cb785e7"',
    fixed: type.type === "fixed" ? `a Uint8Array of ${type.length} bytes` : "",
    binary: "a Uint8Array",
    variant: "a Uint8Array",
    geometry: "WKB in a Uint8Array",
    geography: "WKB in a Uint8Array",
    unknown: "null only",
  };
  const more = hint[type.type];
  return more === undefined ? text : `${text} (${more})`;
}

/** A short picture of any value, for messages. */
export function describeValue(value: unknown): string {
  if (value === null) return "null";
  switch (typeof value) {
    case "undefined":
      return "nothing";
    case "string":
      return `string ${JSON.stringify(value.length > 40 ? `${value.slice(0, 39)}…` : value)}`;
    case "bigint":
      return `bigint ${value}n`;
    case "number":
    case "boolean":
      return `${typeof value} ${value}`;
  }
  if (value instanceof Date)
    return `Date ${Number.isNaN(value.getTime()) ? "(invalid)" : value.toISOString()}`;
  if (value instanceof Uint8Array) {
    return `${value.length} bytes ${bytesToHex(value.subarray(0, 8))}${value.length > 8 ? "…" : ""}`;
  }
  if (Array.isArray(value)) return `array of ${value.length}`;
  if (value instanceof Map) return `Map of ${value.size}`;
  return "object";
}
