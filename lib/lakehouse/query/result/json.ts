import * as arrow from "apache-arrow";
import { decodeVariant } from "../../iceberg/index.js";
import { type SqlValue, valueReader } from "../arrow/values.js";

/**
 * JSON without loss, of values and straight from Arrow: integers beyond 2^53 and decimals as strings, bytes as
 * lower-case hex, maps as arrays of `[key, value]`, and the numbers that JSON has no word for as the strings NaN,
 * Infinity and -Infinity. A float has as few digits as tell it from its neighbours.
 */
type JsonCell = (row: number) => string;

/** A column of this Arrow extension type holds variants: structs of `metadata` and `value`. */
const VARIANT = "arrow.parquet.variant";

const EXTENSION_KEY = "ARROW:extension:name";

/** A function that gives row after row of a batch as one JSON object, keys in the schema's order. */
export function jsonRows(schema: arrow.Schema, batch: arrow.RecordBatch): JsonCell {
  return objectCells(schema.fields, batch.data.children);
}

function objectCells(fields: readonly arrow.Field[], children: readonly arrow.Data[]): JsonCell {
  const cells = fields.map((field, i) => jsonCell(field, children[i] as arrow.Data));
  const keys = fields.map((field, i) => `${i === 0 ? "" : ","}${JSON.stringify(field.name)}:`);
  return (row) => {
    let text = "{";
    for (let i = 0; i < cells.length; i++) text += (keys[i] as string) + (cells[i] as JsonCell)(row);
    return `${text}}`;
  };
}

/** A function that gives one value of a column after the other as JSON. */
export function jsonCell(field: arrow.Field, data: arrow.Data): JsonCell {
  const read = nonNullCell(field, data);
  const { nullBitmap, offset } = data;
  if (data.nullCount === 0 || !nullBitmap || nullBitmap.length === 0) return read;
  return (row) => {
    const bit = offset + row;
    return (((nullBitmap[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1 ? read(row) : "null";
  };
}

function nonNullCell(field: arrow.Field, data: arrow.Data): JsonCell {
  const { type, children, valueOffsets } = data;
  const { DataType } = arrow;
  const child = children[0];
  if (field.metadata.get(EXTENSION_KEY) === VARIANT && DataType.isStruct(type))
    return variantCell(field, data);
  if (DataType.isStruct(type)) return objectCells(type.children, children);
  if (child && DataType.isList(type)) {
    const item = jsonCell(type.children[0] as arrow.Field, child);
    return (row) => arrayOf(valueOffsets[row] as number, valueOffsets[row + 1] as number, item);
  }
  if (child && DataType.isFixedSizeList(type)) {
    const item = jsonCell(type.children[0] as arrow.Field, child);
    return (row) => arrayOf(row * type.listSize, (row + 1) * type.listSize, item);
  }
  if (child && DataType.isMap(type)) {
    const [keyField, valueField] = (type.children[0] as arrow.Field<arrow.Struct>).type.children;
    const key = jsonCell(keyField as arrow.Field, child.children[0] as arrow.Data);
    const value = jsonCell(valueField as arrow.Field, child.children[1] as arrow.Data);
    const entry = (i: number) => `[${key(i)},${value(i)}]`;
    return (row) => arrayOf(valueOffsets[row] as number, valueOffsets[row + 1] as number, entry);
  }
  const read = valueReader(field, data);
  if (DataType.isFloat(type) && type.precision === arrow.Precision.SINGLE) {
    return (row) => numberText(read(row) as number, shortestFloat);
  }
  return (row) => jsonText(read(row));
}

function arrayOf(start: number, end: number, item: JsonCell): string {
  let text = "[";
  for (let i = start; i < end; i++) text += (i === start ? "" : ",") + item(i);
  return `${text}]`;
}

function variantCell(field: arrow.Field, data: arrow.Data): JsonCell {
  const [metadata, value] = (data.type as arrow.Struct).children.map((child, i) =>
    valueReader(child, data.children[i] as arrow.Data),
  );
  return (row) => {
    const encoded = value?.(row);
    if (!(encoded instanceof Uint8Array)) return "null";
    return jsonText(
      decodeVariant(metadata?.(row) as Uint8Array, encoded, `a value of ${field.name}`) as SqlValue,
    );
  };
}

/** A value of a result row as JSON. */
export function jsonText(value: SqlValue): string {
  if (value === null) return "null";
  switch (typeof value) {
    case "bigint":
      return value > MAX_NUMBER || value < -MAX_NUMBER ? `"${value}"` : String(value);
    case "number":
      return numberText(value, String);
    case "object":
      break;
    default:
      return JSON.stringify(value);
  }
  if (value instanceof Uint8Array) {
    return `"${Buffer.from(value.buffer, value.byteOffset, value.length).toString("hex")}"`;
  }
  if (value instanceof Map) {
    return `[${[...value].map(([key, item]) => `[${jsonText(key)},${jsonText(item)}]`).join(",")}]`;
  }
  if (Array.isArray(value)) return `[${value.map(jsonText).join(",")}]`;
  const entries = Object.entries(value) as [string, SqlValue][];
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${jsonText(item)}`).join(",")}}`;
}

/** The last integer up to which every one is a double too. */
const MAX_NUMBER = 2n ** 53n;

function numberText(value: number, digits: (value: number) => string): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  return Object.is(value, -0) ? "-0.0" : digits(value);
}

/** Floats below it have fewer digits than the others. */
const SMALLEST_NORMAL = 2 ** -126;

/** The shortest decimal that rounds to this float: JavaScript's own text is that of a double, `0.10000000149011612`. */
function shortestFloat(value: number): string {
  // Six digits are shortened by what follows; the smallest numbers have fewer.
  for (let precision = Math.abs(value) < SMALLEST_NORMAL ? 1 : 6; precision < 9; precision++) {
    const text = value.toPrecision(precision);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(Number(value.toPrecision(9)));
}
