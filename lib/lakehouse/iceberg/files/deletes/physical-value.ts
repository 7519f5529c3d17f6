import type { PrimitiveType, PrimitiveValue } from "../../model/types/types.js";
import { utf8Decode, uuidFromBytes } from "../../model/values/bytes.js";
import { unscaledFromBytes } from "../../model/values/decimal.js";

const MICROS_PER_DAY = 86_400_000_000n;

/**
 * The canonical value of a Parquet value in the form of its physical type (spec, Appendix A, "Parquet"). A value
 * written before its column was promoted is given as the promoted type.
 *
 * @returns `undefined` when no value of `type` is stored so
 */
export function canonicalFromPhysical(type: PrimitiveType, value: unknown): PrimitiveValue | undefined {
  switch (type.type) {
    case "boolean":
      return typeof value === "boolean" ? value : undefined;
    case "int":
    case "date":
    case "float":
    case "double":
      return typeof value === "number" ? value : undefined;
    case "long":
    case "time":
    case "timestamptz":
    case "timestamptz_ns":
      return whole(value);
    case "timestamp":
      return typeof value === "number" ? BigInt(value) * MICROS_PER_DAY : whole(value);
    case "timestamp_ns":
      return typeof value === "number" ? BigInt(value) * MICROS_PER_DAY * 1000n : whole(value);
    case "decimal":
      return value instanceof Uint8Array ? unscaledFromBytes(value) : whole(value);
    case "string":
      return value instanceof Uint8Array ? utf8Decode(value) : undefined;
    case "uuid":
      return value instanceof Uint8Array && value.length === 16 ? uuidFromBytes(value) : undefined;
    case "fixed":
      return value instanceof Uint8Array && value.length === type.length ? value : undefined;
    case "binary":
      return value instanceof Uint8Array ? value : undefined;
    case "unknown":
    case "variant":
    case "geometry":
    case "geography":
      return undefined;
  }
}

function whole(value: unknown): bigint | undefined {
  if (typeof value === "bigint") return value;
  return Number.isInteger(value) ? BigInt(value as number) : undefined;
}
