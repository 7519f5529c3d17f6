import * as arrow from "apache-arrow";
import { DUCKDB_TYPE_KEY, FIELD_ID_KEY } from "../../parquet/index.js";

/** Arrow field metadata of extension types: UUIDs carry the canonical name `arrow.uuid`. */
export const EXTENSION_KEY = "ARROW:extension:name";

/**
 * A value of a result row in JavaScript. Nothing is rounded:
 *
 * | SQL type | value |
 * |---|---|
 * | BOOLEAN | `boolean` |
 * | TINYINT … INTEGER, unsigned too; FLOAT, DOUBLE | `number` |
 * | BIGINT, UBIGINT, HUGEINT, UHUGEINT | `bigint` |
 * | DECIMAL | `string`, with all its digits: `"12.30"` |
 * | VARCHAR, ENUM | `string` |
 * | BLOB | `Uint8Array` |
 * | UUID | `string`, canonical lower case |
 * | DATE | `string`, `"2024-03-01"` |
 * | TIME | `string`, `"13:33:20.000000"` |
 * | TIMESTAMP | `string`, `"2024-03-01T13:33:20.000000"`; nine digits for nanoseconds |
 * | TIMESTAMPTZ | the same in UTC, with `+00:00` |
 * | DuckDB's infinite dates and timestamps | `"infinity"`, `"-infinity"`; of a scan, whose columns are a table's and have none, the day or instant that is stored so |
 * | INTERVAL | `string`, ISO 8601: `"P1M2DT3.000000S"` |
 * | LIST, ARRAY | array |
 * | MAP | `Map` |
 * | STRUCT | object |
 * | NULL | `null` |
 */
export type SqlValue =
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | null
  | readonly SqlValue[]
  | ReadonlyMap<SqlValue, SqlValue>
  | { readonly [name: string]: SqlValue };

type Read = (row: number) => SqlValue;

/** A function that reads row after row of one Arrow array. */
export function valueReader(field: arrow.Field, data: arrow.Data): Read {
  const read = nonNullReader(field, data);
  const { nullBitmap, offset } = data;
  if (data.nullCount === 0 || !nullBitmap || nullBitmap.length === 0) return read;
  return (row) => {
    const bit = offset + row;
    return (((nullBitmap[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1 ? read(row) : null;
  };
}

function nonNullReader(field: arrow.Field, data: arrow.Data): Read {
  const { type, values, valueOffsets } = data;
  const { DataType } = arrow;
  if (DataType.isNull(type)) return () => null;
  if (DataType.isBool(type)) {
    return (row) => ((values[(data.offset + row) >> 3] >> ((data.offset + row) & 7)) & 1) === 1;
  }
  if (DataType.isDecimal(type)) return decimalReader(field, type, values);
  if (DataType.isInt(type) || DataType.isFloat(type)) return (row) => values[row] as number | bigint;
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    return (row) => decoder.decode(values.subarray(Number(valueOffsets[row]), Number(valueOffsets[row + 1])));
  }
  if (DataType.isBinary(type) || DataType.isLargeBinary(type)) {
    return (row) => values.slice(Number(valueOffsets[row]), Number(valueOffsets[row + 1]));
  }
  if (DataType.isFixedSizeBinary(type)) {
    const { byteWidth } = type;
    const bytes = (row: number) => values.slice(row * byteWidth, (row + 1) * byteWidth) as Uint8Array;
    return field.metadata.get(EXTENSION_KEY) === "arrow.uuid" ? (row) => uuidText(bytes(row)) : bytes;
  }
  if (DataType.isDate(type)) {
    const perDay = type.unit === arrow.DateUnit.DAY ? 1n : 86_400_000n;
    const dated = unending(field, DATE_MAX, dateText);
    return (row) => dated(floorDiv(BigInt(values[row]), perDay));
  }
  if (DataType.isTime(type)) return (row) => timeText(BigInt(values[row]), type.unit);
  if (DataType.isTimestamp(type)) {
    return timestampReader(field, values as BigInt64Array, type.unit, type.timezone ? "+00:00" : "");
  }
  if (DataType.isInterval(type)) return (row) => intervalText(values, row);
  if (DataType.isDictionary(type)) {
    const dictionary = data.dictionary;
    return (row) => {
      const index = Number(values[row]);
      const chunk = dictionary?.data[0];
      return chunk ? valueReader(field, chunk)(index) : null;
    };
  }
  return nestedReader(data);
}

function nestedReader(data: arrow.Data): Read {
  const { type, children, valueOffsets } = data;
  const { DataType } = arrow;
  const child = children[0];
  if (DataType.isStruct(type)) {
    const readers = type.children.map((field, i) => valueReader(field, children[i] as arrow.Data));
    const names = type.children.map((field) => field.name);
    return (row) => Object.fromEntries(names.map((name, i) => [name, readers[i]?.(row) ?? null]));
  }
  if (child && (DataType.isList(type) || DataType.isFixedSizeList(type))) {
    const read = valueReader(type.children[0] as arrow.Field, child);
    const size = DataType.isFixedSizeList(type) ? type.listSize : undefined;
    return (row) => {
      const start = size === undefined ? (valueOffsets[row] as number) : row * size;
      const end = size === undefined ? (valueOffsets[row + 1] as number) : start + size;
      return Array.from({ length: end - start }, (_, i) => read(start + i));
    };
  }
  if (child && DataType.isMap(type)) {
    const [keyField, valueField] = (type.children[0] as arrow.Field<arrow.Struct>).type.children;
    const key = valueReader(keyField as arrow.Field, child.children[0] as arrow.Data);
    const value = valueReader(valueField as arrow.Field, child.children[1] as arrow.Data);
    return (row) => {
      const entries = new Map<SqlValue, SqlValue>();
      for (let i = valueOffsets[row] as number; i < (valueOffsets[row + 1] as number); i++)
        entries.set(key(i), value(i));
      return entries;
    };
  }
  return () => null;
}

function decimalReader(field: arrow.Field, type: arrow.Decimal, words: Uint32Array): Read {
  const kind = field.metadata.get(DUCKDB_TYPE_KEY);
  const unscaled = (row: number) => {
    const at = row * 4;
    const low = BigInt(words[at] ?? 0) | (BigInt(words[at + 1] ?? 0) << 32n);
    const high = BigInt(words[at + 2] ?? 0) | (BigInt(words[at + 3] ?? 0) << 32n);
    return low | (high << 64n);
  };
  if (kind === "UHUGEINT") return unscaled;
  const signed = (row: number) => BigInt.asIntN(128, unscaled(row));
  if (kind === "HUGEINT") return signed;
  return (row) => decimalText(signed(row), type.scale);
}

/** `1230n` with scale 2 is `"12.30"`. */
export function decimalText(unscaled: bigint, scale: number): string {
  if (scale <= 0) return String(unscaled);
  const sign = unscaled < 0n ? "-" : "";
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}

const DATE_MAX = 2n ** 31n - 1n;
const TIMESTAMP_MAX = 2n ** 63n - 1n;

/** DuckDB has `infinity` and `-infinity` at the ends of the range. Iceberg has none: in a table's column they are what they are. */
function unending(
  { metadata }: arrow.Field,
  max: bigint,
  text: (value: bigint) => string,
): (value: bigint) => string {
  if (metadata.has(FIELD_ID_KEY)) return text;
  return (value) => (value === max ? "infinity" : value === -max ? "-infinity" : text(value));
}

/** Days since 1970-01-01 in the proleptic Gregorian calendar, of any year. */
function dateText(days: bigint): string {
  // A date repeats every 400 years (146,097 days): brought near 1970, JavaScript's own Date knows it.
  const cycles = floorDiv(days, 146_097n);
  const date = new Date(Number(days - cycles * 146_097n) * 86_400_000);
  const year = BigInt(date.getUTCFullYear()) + cycles * 400n;
  const monthDay = date.toISOString().slice(-19, -14).replace(/^-/, "");
  const digits = String(year < 0n ? -year : year).padStart(4, "0");
  return `${year < 0n ? "-" : ""}${digits}-${monthDay}`;
}

const DIGITS = [0, 3, 6, 9] as const;

function timeText(value: bigint, unit: arrow.TimeUnit): string {
  const digits = DIGITS[unit] ?? 6;
  const perSecond = 10n ** BigInt(digits);
  const seconds = value / perSecond;
  const fraction = digits === 0 ? "" : `.${String(value % perSecond).padStart(digits, "0")}`;
  const two = (part: bigint) => String(part).padStart(2, "0");
  return `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}${fraction}`;
}

/** Rows that follow each other are often of one day; and up to 2^53 doubles are exact, and faster. */
function timestampReader(
  field: arrow.Field,
  values: BigInt64Array,
  unit: arrow.TimeUnit,
  zone: string,
): Read {
  const digits = DIGITS[unit] ?? 6;
  const perSecond = 10 ** digits;
  const perDay = 86_400 * perSecond;
  const two = (part: number) => (part < 10 ? `0${part}` : String(part));
  const far = unending(field, TIMESTAMP_MAX, (value) => timestampText(value, unit) + zone);
  let day: number | undefined;
  let date = "";
  return (row) => {
    const value = Number(values[row]);
    if (!Number.isSafeInteger(value)) return far(values[row] as bigint);
    const days = Math.floor(value / perDay);
    if (days !== day) {
      day = days;
      date = dateText(BigInt(days));
    }
    const rest = value - days * perDay;
    const seconds = Math.floor(rest / perSecond);
    const fraction = digits === 0 ? "" : `.${String(rest % perSecond).padStart(digits, "0")}`;
    const minutes = Math.floor(seconds / 60);
    return `${date}T${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(seconds % 60)}${fraction}${zone}`;
  };
}

function timestampText(value: bigint, unit: arrow.TimeUnit): string {
  const perDay = 86_400n * 10n ** BigInt(DIGITS[unit] ?? 6);
  const days = floorDiv(value, perDay);
  return `${dateText(days)}T${timeText(value - days * perDay, unit)}`;
}

function intervalText(values: Int32Array, row: number): string {
  const at = row * 4;
  const months = values[at] ?? 0;
  const days = values[at + 1] ?? 0;
  const nanos = BigInt.asIntN(64, (BigInt(values[at + 3] ?? 0) << 32n) | BigInt((values[at + 2] ?? 0) >>> 0));
  const seconds = decimalText(nanos / 1000n, 6);
  return `P${months ? `${months}M` : ""}${days ? `${days}D` : ""}T${seconds}S`;
}
