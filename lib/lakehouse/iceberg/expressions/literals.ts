import type { PrimitiveType, PrimitiveValue } from "../schema/types.js";
import { canonicalValue } from "../values/canonical.js";
import { formatDecimal, parseDecimal } from "../values/decimal.js";
import { floorDiv } from "../values/temporal.js";
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
        return { place: "exact", value: type.type === "float" ? Math.fround(number) : number };
      }
      break;
    default:
      break;
  }
  const value = canonicalValue(type, input);
  return value === undefined ? undefined : { place: "exact", value };
}

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
