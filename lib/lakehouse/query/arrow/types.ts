import {
  DuckDBArrayType,
  DuckDBDecimalType,
  DuckDBEnumType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  type DuckDBType,
  DuckDBTypeId,
} from "@duckdb/node-api";
import * as arrow from "apache-arrow";
import { unsupported } from "../../errors.js";
import { DUCKDB_TYPE_KEY } from "../../parquet/index.js";
import { EXTENSION_KEY } from "./values.js";
import {
  BooleanGatherer,
  BytesGatherer,
  ConvertingGatherer,
  FixedSizeListGatherer,
  FixedWidthGatherer,
  ListGatherer,
  StructGatherer,
  type VectorGatherer,
} from "./vectors.js";

/** The Arrow field of a result column. DuckDB's results do not say which columns cannot be null, so all can. */
export function arrowField(name: string, type: DuckDBType, gatherer: VectorGatherer): arrow.Field {
  const metadata = new Map<string, string>();
  if (type.typeId === DuckDBTypeId.HUGEINT) metadata.set(DUCKDB_TYPE_KEY, "HUGEINT");
  if (type.typeId === DuckDBTypeId.UHUGEINT) metadata.set(DUCKDB_TYPE_KEY, "UHUGEINT");
  if (type.typeId === DuckDBTypeId.UUID) metadata.set(EXTENSION_KEY, "arrow.uuid");
  return new arrow.Field(name, gatherer.type, true, metadata);
}

/** The type to cast a column to in SQL, before its vectors are gathered, where DuckDB's own form has no Arrow twin. */
export function castForArrow(type: DuckDBType): string | undefined {
  switch (type.typeId) {
    case DuckDBTypeId.TIME_TZ:
    case DuckDBTypeId.BIT:
    case DuckDBTypeId.BIGNUM:
    case DuckDBTypeId.UNION:
    case DuckDBTypeId.GEOMETRY:
    case DuckDBTypeId.ENUM:
    case DuckDBTypeId.SQLNULL:
      return "VARCHAR";
    case DuckDBTypeId.VARIANT:
      return "JSON";
    default:
      break;
  }
  if (type instanceof DuckDBListType) {
    const inner = castForArrow(type.valueType);
    return inner && `${inner}[]`;
  }
  if (type instanceof DuckDBArrayType) {
    const inner = castForArrow(type.valueType);
    return inner && `${inner}[${type.length}]`;
  }
  if (type instanceof DuckDBMapType) {
    const key = castForArrow(type.keyType);
    const value = castForArrow(type.valueType);
    return key || value ? `MAP(${key ?? type.keyType}, ${value ?? type.valueType})` : undefined;
  }
  if (type instanceof DuckDBStructType) {
    const inner = type.entryTypes.map((entry) => castForArrow(entry));
    if (inner.every((cast) => cast === undefined)) return undefined;
    const entries = type.entryNames.map(
      (_, i) => `"${memberName(type, i).replaceAll('"', '""')}" ${inner[i] ?? type.entryTypes[i]}`,
    );
    return `STRUCT(${entries.join(", ")})`;
  }
  return undefined;
}

/**
 * What a member of a struct is called. Those of `row(1, 2)` have no names, and an object would keep the last one alone: they
 * are called by their places, as in `struct_extract(row(1, 2), 1)`.
 */
function memberName({ entryNames }: DuckDBStructType, i: number): string {
  return entryNames[i] || String(i + 1);
}

/** The gatherer for a type; every type that `castForArrow` leaves alone has one. */
export function gathererFor(type: DuckDBType): VectorGatherer {
  const fixed = fixedWidth(type.typeId);
  if (fixed) return fixed;
  if (type instanceof DuckDBDecimalType) return decimal(type);
  if (type instanceof DuckDBListType) {
    const child = gathererFor(type.valueType);
    return new ListGatherer(new arrow.List(arrowField("element", type.valueType, child)), child);
  }
  if (type instanceof DuckDBArrayType) {
    const child = gathererFor(type.valueType);
    const field = arrowField("element", type.valueType, child);
    return new FixedSizeListGatherer(new arrow.FixedSizeList(type.length, field), child);
  }
  if (type instanceof DuckDBMapType) return map(type);
  if (type instanceof DuckDBStructType) {
    const children = type.entryTypes.map((entry) => gathererFor(entry));
    const fields = type.entryTypes.map((entry, i) =>
      arrowField(memberName(type, i), entry, children[i] as VectorGatherer),
    );
    return new StructGatherer(new arrow.Struct(fields), children);
  }
  if (type.typeId === DuckDBTypeId.VARCHAR) return new BytesGatherer(new arrow.Utf8());
  if (type.typeId === DuckDBTypeId.BLOB) return new BytesGatherer(new arrow.Binary());
  if (type.typeId === DuckDBTypeId.BOOLEAN) return new BooleanGatherer();
  throw unsupported(
    String(type),
    `A result of the type ${type instanceof DuckDBEnumType ? "ENUM" : type} cannot be read.`,
    "Cast the column to VARCHAR in the query.",
  );
}

const int8 = (buffer: ArrayBuffer) => new Int8Array(buffer);
const uint8 = (buffer: ArrayBuffer) => new Uint8Array(buffer);
const int16 = (buffer: ArrayBuffer) => new Int16Array(buffer);
const uint16 = (buffer: ArrayBuffer) => new Uint16Array(buffer);
const int32 = (buffer: ArrayBuffer) => new Int32Array(buffer);
const uint32 = (buffer: ArrayBuffer) => new Uint32Array(buffer);
const int64 = (buffer: ArrayBuffer) => new BigInt64Array(buffer);
const uint64 = (buffer: ArrayBuffer) => new BigUint64Array(buffer);
const float32 = (buffer: ArrayBuffer) => new Float32Array(buffer);
const float64 = (buffer: ArrayBuffer) => new Float64Array(buffer);

function fixedWidth(id: DuckDBTypeId): VectorGatherer | undefined {
  const { TimeUnit } = arrow;
  switch (id) {
    case DuckDBTypeId.TINYINT:
      return new FixedWidthGatherer(new arrow.Int8(), 1, int8);
    case DuckDBTypeId.SMALLINT:
      return new FixedWidthGatherer(new arrow.Int16(), 2, int16);
    case DuckDBTypeId.INTEGER:
      return new FixedWidthGatherer(new arrow.Int32(), 4, int32);
    case DuckDBTypeId.BIGINT:
      return new FixedWidthGatherer(new arrow.Int64(), 8, int64);
    case DuckDBTypeId.UTINYINT:
      return new FixedWidthGatherer(new arrow.Uint8(), 1, uint8);
    case DuckDBTypeId.USMALLINT:
      return new FixedWidthGatherer(new arrow.Uint16(), 2, uint16);
    case DuckDBTypeId.UINTEGER:
      return new FixedWidthGatherer(new arrow.Uint32(), 4, uint32);
    case DuckDBTypeId.UBIGINT:
      return new FixedWidthGatherer(new arrow.Uint64(), 8, uint64);
    case DuckDBTypeId.FLOAT:
      return new FixedWidthGatherer(new arrow.Float32(), 4, float32);
    case DuckDBTypeId.DOUBLE:
      return new FixedWidthGatherer(new arrow.Float64(), 8, float64);
    case DuckDBTypeId.HUGEINT:
    case DuckDBTypeId.UHUGEINT:
      return new FixedWidthGatherer(new arrow.Decimal(0, 38, 128), 16, uint32);
    case DuckDBTypeId.DATE:
      return new FixedWidthGatherer(new arrow.DateDay(), 4, int32);
    case DuckDBTypeId.TIME:
      return new FixedWidthGatherer(new arrow.TimeMicrosecond(), 8, int64);
    case DuckDBTypeId.TIME_NS:
      return new FixedWidthGatherer(new arrow.TimeNanosecond(), 8, int64);
    case DuckDBTypeId.TIMESTAMP:
      return new FixedWidthGatherer(new arrow.Timestamp(TimeUnit.MICROSECOND), 8, int64);
    case DuckDBTypeId.TIMESTAMP_S:
      return new FixedWidthGatherer(new arrow.Timestamp(TimeUnit.SECOND), 8, int64);
    case DuckDBTypeId.TIMESTAMP_MS:
      return new FixedWidthGatherer(new arrow.Timestamp(TimeUnit.MILLISECOND), 8, int64);
    case DuckDBTypeId.TIMESTAMP_NS:
      return new FixedWidthGatherer(new arrow.Timestamp(TimeUnit.NANOSECOND), 8, int64);
    case DuckDBTypeId.TIMESTAMP_TZ:
      return new FixedWidthGatherer(new arrow.Timestamp(TimeUnit.MICROSECOND, "UTC"), 8, int64);
    case DuckDBTypeId.UUID:
      return new ConvertingGatherer(new arrow.FixedSizeBinary(16), 16, 16, convertUuid, uint8);
    case DuckDBTypeId.INTERVAL:
      return new ConvertingGatherer(new arrow.IntervalMonthDayNano(), 16, 16, convertInterval, int32);
    default:
      return undefined;
  }
}

/** DuckDB keeps a UUID as a 128-bit integer, low half first, with the top bit flipped so that it sorts as signed. */
function convertUuid(source: DataView, from: number, target: DataView, to: number): void {
  target.setBigUint64(to, source.getBigUint64(from + 8, true) ^ 0x8000000000000000n);
  target.setBigUint64(to + 8, source.getBigUint64(from, true));
}

/** Months and days are alike; DuckDB's third part is microseconds, Arrow's nanoseconds. */
function convertInterval(source: DataView, from: number, target: DataView, to: number): void {
  target.setInt32(to, source.getInt32(from, true), true);
  target.setInt32(to + 4, source.getInt32(from + 4, true), true);
  target.setBigInt64(to + 8, source.getBigInt64(from + 8, true) * 1000n, true);
}

/** DuckDB keeps a decimal in the smallest integer that its digits fit; Arrow in 128 bits, always. */
function decimal({ width, scale }: DuckDBDecimalType): VectorGatherer {
  const type = new arrow.Decimal(scale, width, 128);
  if (width > 18) return new FixedWidthGatherer(type, 16, uint32);
  const bytes = width <= 4 ? 2 : width <= 9 ? 4 : 8;
  return new ConvertingGatherer(
    type,
    bytes,
    16,
    (source, from, target, to) => {
      const value =
        bytes === 8
          ? source.getBigInt64(from, true)
          : BigInt(bytes === 4 ? source.getInt32(from, true) : source.getInt16(from, true));
      target.setBigInt64(to, value, true);
      target.setBigInt64(to + 8, value < 0n ? -1n : 0n, true);
    },
    uint32,
  );
}

function map(type: DuckDBMapType): VectorGatherer {
  const key = gathererFor(type.keyType);
  const value = gathererFor(type.valueType);
  const keyField = arrowField("key", type.keyType, key);
  const entries = new arrow.Struct([
    new arrow.Field("key", key.type, false, keyField.metadata),
    arrowField("value", type.valueType, value),
  ]);
  const mapType = new arrow.Map_(new arrow.Field("entries", entries, false) as never);
  return new ListGatherer(mapType, new StructGatherer(entries, [key, value]));
}
