import type { PrimitiveType, PrimitiveValue } from "../types/types.js";
import { formatDecimal } from "../values/decimal.js";
import { formatDate, formatTimestamp, formatYear } from "../values/temporal.js";
import type { Transform } from "./types.js";

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** A partition value as people and paths read it, spelled as the reference implementation spells it: `2017-11`, `null`. */
export function humanPartitionValue(
  transform: Transform,
  result: PrimitiveType,
  value: PrimitiveValue | null,
): string {
  if (value === null) return "null";
  switch (transform.transform) {
    case "year":
      return formatYear(1970 + (value as number));
    case "month": {
      const months = value as number;
      return `${formatYear(1970 + Math.floor(months / 12))}-${two((((months % 12) + 12) % 12) + 1)}`;
    }
    case "hour": {
      const hours = value as number;
      return `${formatDate(Math.floor(hours / 24))}-${two(((hours % 24) + 24) % 24)}`;
    }
    default:
      return humanValue(result, value);
  }
}

function humanValue(type: PrimitiveType, value: PrimitiveValue): string {
  switch (type.type) {
    case "date":
      return formatDate(value as number);
    case "time":
      return humanTime(value as bigint);
    case "timestamp":
      return trimFraction(formatTimestamp(value as bigint, "micros"));
    case "timestamptz":
      return `${trimFraction(formatTimestamp(value as bigint, "micros"))}+00:00`;
    case "timestamp_ns":
      return trimFraction(formatTimestamp(value as bigint, "nanos"));
    case "timestamptz_ns":
      return `${trimFraction(formatTimestamp(value as bigint, "nanos"))}+00:00`;
    case "decimal":
      return formatDecimal(value as bigint, type.scale);
    case "float":
    case "double":
      return humanFloat(value as number);
    default:
      if (!(value instanceof Uint8Array)) return String(value);
      return Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64");
  }
}

function trimFraction(text: string): string {
  return text.replace(/\.?0+$/, "");
}

/** Seconds only where they or their fraction are not zero; the fraction in groups of three digits. */
function humanTime(micros: bigint): string {
  const text = formatTimestamp(micros, "micros").slice(11);
  if (text.endsWith(":00.000000")) return text.slice(0, 5);
  if (text.endsWith(".000000")) return text.slice(0, 8);
  return text.endsWith("000") ? text.slice(0, -3) : text;
}

function humanFloat(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e7 ? value.toFixed(1) : String(value);
}

/** Text, with lone surrogates replaced, escaped for one part of a partition path, as an HTML form would escape it: `a b/c` is `a+b%2Fc`. */
export function escapePathPart(text: string): string {
  return encodeURIComponent(Buffer.from(text, "utf8").toString("utf8"))
    .replaceAll("%20", "+")
    .replace(/[!'()~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
