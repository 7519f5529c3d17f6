import type { PrimitiveKind, PrimitiveType, PrimitiveValue, TypeOf } from "../types/types.js";
import { formatDecimal } from "./decimal.js";
import { formatDate, formatTimestamp } from "./temporal.js";

type Human<Kind extends PrimitiveKind> = (value: PrimitiveValue, type: TypeOf<Kind>) => string;

const micros = (value: PrimitiveValue) => trimFraction(formatTimestamp(value as bigint, "micros"));
const nanos = (value: PrimitiveValue) => trimFraction(formatTimestamp(value as bigint, "nanos"));

const HUMAN: { readonly [Kind in PrimitiveKind]: Human<Kind> } = {
  boolean: String,
  int: String,
  long: String,
  float: (value) => humanFloat(value as number),
  double: (value) => humanFloat(value as number),
  decimal: (value, { scale }) => formatDecimal(value as bigint, scale),
  date: (value) => formatDate(value as number),
  time: (value) => humanTime(value as bigint),
  timestamp: micros,
  timestamptz: (value) => `${micros(value)}+00:00`,
  timestamp_ns: nanos,
  timestamptz_ns: (value) => `${nanos(value)}+00:00`,
  string: String,
  uuid: String,
  fixed: base64,
  binary: base64,
  unknown: String,
  variant: base64,
  geometry: base64,
  geography: base64,
};

/** A value as people and partition paths read it, spelled as the reference implementation spells it. */
export function humanValue(type: PrimitiveType, value: PrimitiveValue): string {
  return (HUMAN[type.type] as Human<PrimitiveKind>)(value, type);
}

function base64(value: PrimitiveValue): string {
  const bytes = value as Uint8Array;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
}

function trimFraction(text: string): string {
  return text.replace(/\.?0+$/, "");
}

/** Seconds only where they or their fraction are not zero; the fraction in groups of three digits. */
function humanTime(value: bigint): string {
  const text = formatTimestamp(value, "micros").slice(11);
  if (text.endsWith(":00.000000")) return text.slice(0, 5);
  if (text.endsWith(".000000")) return text.slice(0, 8);
  return text.endsWith("000") ? text.slice(0, -3) : text;
}

function humanFloat(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e7 ? value.toFixed(1) : String(value);
}
