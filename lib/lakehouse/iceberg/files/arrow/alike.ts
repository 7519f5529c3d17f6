import * as arrow from "apache-arrow";
import { isPrimitiveType } from "../../model/types/type-text.js";
import type { IcebergType, NestedField, PrimitiveType } from "../../model/types/types.js";
import { nullTest } from "./read.js";
import { EXTENSION_KEY } from "./schema.js";

/**
 * True where a value in Arrow, and the value that a row of the same result has for it, become the same value of the
 * Iceberg type, or are both refused. On any doubt it is false: the row's values are asked then, at a price in time only.
 */
export function isAlike(type: IcebergType, field: arrow.Field): boolean {
  const from = field.type;
  if (type.type === "struct") {
    if (!arrow.DataType.isStruct(from)) return false;
    const children: readonly arrow.Field[] = from.children;
    return children.length === type.fields.length && type.fields.every((each) => isAmong(each, children));
  }
  if (type.type === "list")
    return arrow.DataType.isList(from) && isAlike(type.element, from.children[0] as arrow.Field);
  if (type.type === "map") {
    if (!arrow.DataType.isMap(from)) return false;
    const [key, value] = (from.children[0] as arrow.Field<arrow.Struct>).type.children;
    // But for the sign of a zero among the keys, which a row's `Map` cannot hold: it is kept.
    return isAlike(type.key, key as arrow.Field) && isAlike(type.value, value as arrow.Field);
  }
  return isPrimitiveType(type) && isAlikeLeaf(type, field);
}

function isAmong(field: NestedField, children: readonly arrow.Field[]): boolean {
  const [child, another] = children.filter(({ name }) => name === field.name);
  return child !== undefined && another === undefined && isAlike(field.type, child);
}

function isAlikeLeaf(type: PrimitiveType, { type: from, metadata }: arrow.Field): boolean {
  const { DataType, TimeUnit } = arrow;
  // A UUID is text in a row.
  const isUuid = metadata.get(EXTENSION_KEY) === "arrow.uuid";
  switch (type.type) {
    case "boolean":
      return DataType.isBool(from);
    case "int":
      return DataType.isInt(from) && (from.bitWidth < 32 || (from.bitWidth === 32 && from.isSigned));
    case "long":
      return DataType.isInt(from) && (from.bitWidth < 64 || from.isSigned);
    case "float":
      return DataType.isFloat(from) && from.precision === arrow.Precision.SINGLE;
    case "double":
      return DataType.isFloat(from) && from.precision !== arrow.Precision.HALF;
    case "decimal":
      // Of scale 0 it may be a HUGEINT, which a row has as a bigint, and whose digits no type bounds.
      return (
        DataType.isDecimal(from) &&
        from.scale > 0 &&
        from.scale === type.scale &&
        from.precision <= type.precision
      );
    case "date":
      return DataType.isDate(from) && from.unit === arrow.DateUnit.DAY;
    case "time":
      return DataType.isTime(from) && from.unit === TimeUnit.MICROSECOND;
    case "timestamp":
    case "timestamptz":
      return (
        DataType.isTimestamp(from) &&
        from.unit === TimeUnit.MICROSECOND &&
        Boolean(from.timezone) === (type.type === "timestamptz")
      );
    case "timestamp_ns":
    case "timestamptz_ns":
      return (
        DataType.isTimestamp(from) &&
        from.unit === TimeUnit.NANOSECOND &&
        Boolean(from.timezone) === (type.type === "timestamptz_ns")
      );
    case "string":
      return DataType.isUtf8(from);
    case "uuid":
      return DataType.isFixedSizeBinary(from) && isUuid;
    case "fixed":
      return DataType.isFixedSizeBinary(from) && from.byteWidth === type.length && !isUuid;
    case "binary":
      return DataType.isBinary(from);
    case "geometry":
    case "geography":
    case "unknown":
    case "variant":
      return false;
  }
}

/** Days and half-words of microseconds from the year 1 to 9999, with room: what lies beyond, a row may have as `infinity`. */
const DAYS = { first: -719_000, last: 2_932_000 };
const HIGH_WORDS = { first: -14_460, last: 58_900 };
/** Nanoseconds reach from 1677 to 2262, and the last of them stand for the infinities. */
const HIGH_WORDS_OF_NS = { first: -(2 ** 31) + 1, last: 2 ** 31 - 2 };

/** True where it is sure that no date or timestamp of a chunk, at any depth, is one that rows have a word for, or another text. */
export function isInReach(data: arrow.Data): boolean {
  const { type } = data;
  if (arrow.DataType.isDate(type)) return everyWithin(data, data.values as Int32Array, 1, 0, DAYS);
  if (arrow.DataType.isTimestamp(type)) {
    const { buffer, byteOffset, length } = data.values as BigInt64Array;
    // The upper halves alone, as numbers: reading bigints would make an object of each.
    const words = new Int32Array(buffer, byteOffset, length * 2);
    return everyWithin(
      data,
      words,
      2,
      1,
      type.unit === arrow.TimeUnit.NANOSECOND ? HIGH_WORDS_OF_NS : HIGH_WORDS,
    );
  }
  return data.children.every(isInReach);
}

function everyWithin(
  data: arrow.Data,
  values: Int32Array,
  width: number,
  place: number,
  { first, last }: { readonly first: number; readonly last: number },
): boolean {
  let isNull: ((row: number) => boolean) | undefined;
  for (let row = 0; row < data.length; row++) {
    const value = values[row * width + place] as number;
    if (value >= first && value <= last) continue;
    isNull ??= nullTest(data);
    if (!isNull(row)) return false;
  }
  return true;
}
