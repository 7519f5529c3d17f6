import type { ParquetColumn, ParquetLogicalType, ParquetTimeUnit } from "sololakehouse/parquet";

/** A bound as a reader understands it, and what tells which of two is the lower one. */
export interface Bound {
  readonly text: string;
  readonly order: number | bigint | string;
}

type Node = ParquetColumn["node"];

/**
 * Reads one bound of a column chunk, which lies in the footer in the bytes of the physical type (parquet-format,
 * "Encodings", PLAIN). `undefined` for bytes of a length that the type does not have, and for NaN, which bounds nothing.
 *
 * @param exact false where the writer shortened it
 */
export function readBound(node: Node, bytes: Uint8Array, exact = true): Bound | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { physicalType, logicalType } = node;
  const unsigned = logicalType?.kind === "int" && !logicalType.signed;
  switch (physicalType) {
    case "BOOLEAN":
      return bytes.length === 1 ? { text: String(bytes[0] === 1), order: bytes[0] ?? 0 } : undefined;
    case "INT32": {
      if (bytes.length !== 4) return undefined;
      return integer(BigInt(unsigned ? view.getUint32(0, true) : view.getInt32(0, true)), logicalType);
    }
    case "INT64": {
      if (bytes.length !== 8) return undefined;
      return integer(unsigned ? view.getBigUint64(0, true) : view.getBigInt64(0, true), logicalType);
    }
    case "INT96": {
      if (bytes.length !== 12) return undefined;
      const days = BigInt(view.getInt32(8, true)) - JULIAN_EPOCH;
      const nanos = days * UNITS_PER_DAY.nanos + view.getBigInt64(0, true);
      return { text: timestampText(nanos, "nanos"), order: nanos };
    }
    case "FLOAT":
      return bytes.length === 4 ? float(view.getFloat32(0, true), true) : undefined;
    case "DOUBLE":
      return bytes.length === 8 ? float(view.getFloat64(0, true)) : undefined;
    case "BYTE_ARRAY":
    case "FIXED_LEN_BYTE_ARRAY":
      return byteArray(bytes, logicalType, exact);
  }
}

function integer(value: bigint, type: ParquetLogicalType | undefined): Bound {
  const text = () => {
    switch (type?.kind) {
      case "decimal":
        return decimalText(value, type.scale);
      case "date":
        return dateText(value);
      case "time":
        return timeText(value, type.unit);
      case "timestamp":
        return timestampText(value, type.unit) + (type.adjustedToUtc ? " UTC" : "");
      default:
        return String(value);
    }
  };
  return { text: text(), order: value };
}

function float(value: number, single = false): Bound | undefined {
  if (Number.isNaN(value)) return undefined;
  // A single has some seven digits: the double nearest to it would show sixteen.
  const shown = single && Number.isFinite(value) ? Number(value.toPrecision(9)) : value;
  const short = single ? [6, 7, 8].map((digits) => Number(value.toPrecision(digits))) : [];
  return { text: String(short.find((each) => Math.fround(each) === value) ?? shown), order: value };
}

function byteArray(
  bytes: Uint8Array,
  type: ParquetLogicalType | undefined,
  exact: boolean,
): Bound | undefined {
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  switch (type?.kind) {
    case "decimal": {
      if (bytes.length === 0) return undefined;
      const value = BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`));
      return { text: decimalText(value, type.scale), order: value };
    }
    case "string":
    case "enum":
    case "json":
      return { text: cut(new TextDecoder().decode(bytes), exact), order: hex };
    case "uuid":
      return { text: hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"), order: hex };
    case "float16":
      return bytes.length === 2 ? float(half(bytes)) : undefined;
    default:
      return { text: cut(`0x${hex}`, exact), order: hex };
  }
}

/** What the writer shortened goes on. */
const cut = (text: string, exact: boolean) => (exact ? text : `${text}…`);

/** IEEE 754, binary16, little-endian. */
function half([low = 0, high = 0]: Uint8Array): number {
  const sign = high & 0x80 ? -1 : 1;
  const exponent = (high >> 2) & 0x1f;
  const fraction = ((high & 3) << 8) | low;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

export function decimalText(value: bigint, scale: number): string {
  if (scale <= 0) return String(value * 10n ** BigInt(-scale));
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, "0");
  return `${value < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

const UNITS_PER_DAY: Readonly<Record<ParquetTimeUnit, bigint>> = {
  millis: 86_400_000n,
  micros: 86_400_000_000n,
  nanos: 86_400_000_000_000n,
};

/** 1 January 1970, as a Julian day. */
const JULIAN_EPOCH = 2_440_588n;

export function timestampText(value: bigint, unit: ParquetTimeUnit): string {
  const perDay = UNITS_PER_DAY[unit];
  const days = floorDiv(value, perDay);
  return `${dateText(days)} ${timeText(value - days * perDay, unit)}`;
}

export function timeText(value: bigint, unit: ParquetTimeUnit): string {
  const perSecond = UNITS_PER_DAY[unit] / 86_400n;
  const seconds = value / perSecond;
  const two = (part: bigint) => String(part).padStart(2, "0");
  const digits = String(perSecond).length - 1;
  const fraction = String(value % perSecond)
    .padStart(digits, "0")
    .replace(/0+$/, "");
  const clock = [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n].map(two).join(":");
  return fraction === "" ? clock : `${clock}.${fraction}`;
}

/**
 * Days since the epoch as a date of the proleptic Gregorian calendar, of any year: JavaScript's own dates end in the year
 * 275760. Years are counted in eras of 400, from 1 March, so that a leap day ends its year.
 */
export function dateText(days: bigint): string {
  const shifted = days + 719_468n;
  const era = floorDiv(shifted, 146_097n);
  const dayOfEra = shifted - era * 146_097n;
  const yearOfEra = (dayOfEra - dayOfEra / 1460n + dayOfEra / 36_524n - dayOfEra / 146_096n) / 365n;
  const dayOfYear = dayOfEra - (365n * yearOfEra + yearOfEra / 4n - yearOfEra / 100n);
  const marchMonth = (5n * dayOfYear + 2n) / 153n;
  const day = dayOfYear - (153n * marchMonth + 2n) / 5n + 1n;
  const month = marchMonth < 10n ? marchMonth + 3n : marchMonth - 9n;
  const year = yearOfEra + era * 400n + (month <= 2n ? 1n : 0n);
  const shown = `${year < 0n ? "-" : ""}${String(year < 0n ? -year : year).padStart(4, "0")}`;
  return `${shown}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
}

function floorDiv(a: bigint, b: bigint): bigint {
  return a / b - (a % b < 0n ? 1n : 0n);
}
