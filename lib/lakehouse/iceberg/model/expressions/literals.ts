import type { PrimitiveType, PrimitiveValue } from "../types/types.js";
import { canonicalValue, nearestFloat } from "../values/canonical.js";
import { formatDecimal, parseDecimal } from "../values/decimal.js";
import { floorDiv, MICROS_PER_DAY, parseTimestamp } from "../values/temporal.js";
import type { LiteralInput } from "./types.js";

/**
 * Where a literal stands among the values of a type: it is one (`exact`), it lies just above one (`floor`: 1.5 among
 * ints is above 1), or it lies beyond all of them.
 */
export type Placed =
  | { readonly place: "exact"; readonly value: PrimitiveValue }
  | { readonly place: "floor"; readonly value: PrimitiveValue }
  | { readonly place: "above" }
  | { readonly place: "below" };

/** Places a literal among the values of a type; `undefined` when it is of another kind altogether. */
export function placeLiteral(type: PrimitiveType, input: LiteralInput): Placed | undefined {
  switch (type.type) {
    case "int":
      return placeNumber(input, 0, -(2n ** 31n), 2n ** 31n - 1n, (value) => Number(value));
    case "long":
      return placeNumber(input, 0, -(2n ** 63n), 2n ** 63n - 1n, (value) => value);
    case "decimal": {
      const limit = 10n ** BigInt(type.precision);
      return placeNumber(input, type.scale, 1n - limit, limit - 1n, (value) => value);
    }
    case "float":
    case "double":
      if (typeof input === "string" || typeof input === "bigint") {
        const number = String(input).trim() === "" ? Number.NaN : Number(input);
        if (Number.isNaN(number)) return undefined;
        return placeFloating(type.type, number);
      }
      if (typeof input === "number") return placeFloating(type.type, input);
      break;
    case "date": {
      const micros = instant(input);
      // A time of day lies between its day and the next.
      if (micros !== undefined)
        return placeDay(floorDiv(micros, MICROS_PER_DAY), micros % MICROS_PER_DAY === 0n);
      break;
    }
    case "boolean":
    case "time":
    case "timestamp":
    case "timestamptz":
    case "timestamp_ns":
    case "timestamptz_ns":
    case "string":
    case "uuid":
    case "fixed":
    case "binary":
    case "unknown":
    case "variant":
    case "geometry":
    case "geography":
      break;
    default:
      return type satisfies never;
  }
  const value = canonicalValue(type, input);
  return value === undefined ? undefined : { place: "exact", value };
}

/** Microseconds from the epoch of what names a time of day as well. */
function instant(input: LiteralInput): bigint | undefined {
  if (input instanceof Date)
    return Number.isNaN(input.getTime()) ? undefined : BigInt(input.getTime()) * 1000n;
  if (typeof input !== "string") return undefined;
  return parseTimestamp(input, "micros", true) ?? parseTimestamp(input, "micros", false);
}

/** Where a day, or a time on it, stands among the days that 32 bits count. */
function placeDay(day: bigint, exact: boolean): Placed {
  if (day > INT_MAX) return { place: "above" };
  if (day < -INT_MAX) return { place: "below" };
  return { place: exact ? "exact" : "floor", value: Number(day) };
}

const INT_MAX = 2n ** 31n - 1n;

/** Where a double stands among floats: it is rounded to one, as it is when written, unless none is near. */
function placeFloating(type: "float" | "double", value: number): Placed {
  const exact = type === "double" ? value : nearestFloat(value);
  if (exact !== undefined) return { place: "exact", value: exact };
  // Between two neighbours: the largest float and infinity, or 0 and the smallest.
  if (Math.abs(value) < 1) return { place: "floor", value: value > 0 ? 0 : -SMALLEST_FLOAT };
  return { place: "floor", value: value > 0 ? LARGEST_FLOAT : Number.NEGATIVE_INFINITY };
}

const LARGEST_FLOAT = (2 - 2 ** -23) * 2 ** 127;
const SMALLEST_FLOAT = 2 ** -149;

/** More digits after the point than any literal has: enough to tell 1.5 and 1e-30 from whole units. */
const EXTRA_DIGITS = 60;

function placeNumber(
  input: LiteralInput,
  scale: number,
  lowest: bigint,
  highest: bigint,
  canonical: (value: bigint) => PrimitiveValue,
): Placed | undefined {
  if (typeof input === "number" && !Number.isFinite(input)) {
    if (Number.isNaN(input) || input > 0) return { place: "above" };
    return { place: "below" };
  }
  if (typeof input !== "number" && typeof input !== "bigint" && typeof input !== "string") return undefined;
  const fine = parseDecimal(String(input), 400, scale + EXTRA_DIGITS);
  if (fine === undefined) return undefined;
  const unit = 10n ** BigInt(EXTRA_DIGITS);
  const floor = floorDiv(fine, unit);
  if (floor > highest) return { place: "above" };
  if (floor < lowest) return { place: "below" };
  return { place: floor * unit === fine ? "exact" : "floor", value: canonical(floor) };
}

/** A canonical value in a form that binds to the same value again. */
export function toLiteralInput(type: PrimitiveType, value: PrimitiveValue): LiteralInput {
  return type.type === "decimal" ? formatDecimal(value as bigint, type.scale) : value;
}
