import * as arrow from "apache-arrow";
import { isPrimitiveType, typeToString } from "../schema/type-text.js";
import type { IcebergType, NestedField, PrimitiveType, PrimitiveValue, Schema } from "../schema/types.js";
import { leafWriter, makeData } from "./leaf-writer.js";
import { columnMismatch, mismatch } from "./mismatch.js";
import { byteRanges, canonicalReader, nullTest } from "./read.js";
import { schemaToArrow, storedSchema, typeToArrow } from "./schema.js";

/** Converts a chunk of a column; `firstRow` is the number of its first row, for messages. */
type Convert = (data: arrow.Data, firstRow: number) => arrow.Data;

/**
 * Brings Arrow batches into the stored columns of a schema, matched by name: casts that lose nothing are made (int to long,
 * float to double, coarser to finer time units, dictionaries and large or view layouts to plain ones), missing columns take
 * their write default or null. Throws `SCHEMA_MISMATCH` for anything else: a type that does not fit, a null in a required
 * column, a column that the schema does not have.
 */
export function batchConformer(
  schema: Schema,
  from: arrow.Schema,
): (batch: arrow.RecordBatch) => arrow.RecordBatch {
  const stored = storedSchema(schema).fields;
  const target = schemaToArrow({ fields: stored });
  const known = new Set(schema.fields.map((field) => field.name));
  for (const field of from.fields) {
    if (!known.has(field.name)) {
      columnMismatch(
        field.name,
        "no such column",
        `one of type ${field.type}`,
        `The table's columns are ${[...known].join(", ")}.`,
      );
    }
  }
  const columns = stored.map((field) => {
    const index = from.fields.findIndex((each) => each.name === field.name);
    if (index < 0) return { index, convert: missingColumn(field) };
    const source = from.fields[index]!;
    return {
      index,
      convert: requireValues(field, field.name, converter(field.type, source.type, field.name)),
    };
  });
  let firstRow = 0;
  return (batch) => {
    const children = columns.map(({ index, convert }) => {
      const data =
        index < 0
          ? makeData({ type: new arrow.Null(), length: batch.numRows, nullCount: batch.numRows })
          : batch.data.children[index]!;
      return convert(data, firstRow);
    });
    firstRow += batch.numRows;
    const data = makeData({
      type: new arrow.Struct(target.fields),
      length: batch.numRows,
      nullCount: 0,
      children,
    });
    return new arrow.RecordBatch(target, data as arrow.Data<arrow.Struct>);
  };
}

/** `batchConformer` over a stream, for one whose batches share a schema. */
export async function* conformBatches(
  schema: Schema,
  batches: Iterable<arrow.RecordBatch> | AsyncIterable<arrow.RecordBatch>,
): AsyncGenerator<arrow.RecordBatch> {
  let conform: ((batch: arrow.RecordBatch) => arrow.RecordBatch) | undefined;
  for await (const batch of batches) {
    conform ??= batchConformer(schema, batch.schema);
    yield conform(batch);
  }
}

function missingColumn(field: NestedField): Convert {
  const value = field.writeDefault ?? null;
  if (value === null && field.required) columnMismatch(field.name, "a column, since it is required", "none");
  if (value !== null && !isPrimitiveType(field.type)) {
    columnMismatch(
      field.name,
      "a column, since defaults of nested types are not filled in for Arrow data",
      "none",
    );
  }
  return (data) => {
    if (value === null || !isPrimitiveType(field.type)) return nullData(typeToArrow(field.type), data.length);
    const writer = leafWriter(field.type);
    for (let i = 0; i < data.length; i += 1) writer.append(value as PrimitiveValue);
    return writer.finish();
  };
}

/** A column of nulls of any type. */
function nullData(type: arrow.DataType, length: number): arrow.Data {
  const nullBitmap = new Uint8Array((length + 7) >> 3);
  const props = { type, length, nullCount: length, nullBitmap };
  if (arrow.DataType.isStruct(type)) {
    return makeData({ ...props, children: type.children.map((child) => nullData(child.type, length)) });
  }
  if (arrow.DataType.isList(type) || arrow.DataType.isMap(type)) {
    return makeData({
      ...props,
      valueOffsets: new Int32Array(length + 1),
      child: nullData(type.children[0]!.type, 0),
    });
  }
  if (arrow.DataType.isUtf8(type) || arrow.DataType.isBinary(type)) {
    return makeData({ ...props, valueOffsets: new Int32Array(length + 1), data: new Uint8Array(0) });
  }
  const width = arrow.DataType.isFixedSizeBinary(type)
    ? type.byteWidth
    : arrow.DataType.isDecimal(type)
      ? 4
      : 1;
  const Values =
    (type as { ArrayType?: new (length: number) => ArrayLike<number | bigint> }).ArrayType ?? Uint8Array;
  return makeData({
    ...props,
    data: new Values(arrow.DataType.isBool(type) ? (length + 7) >> 3 : length * width),
  });
}

function requireValues(field: NestedField, name: string, convert: Convert): Convert {
  if (!field.required) return convert;
  return (data, firstRow) => {
    if (data.nullCount > 0 || arrow.DataType.isNull(data.type)) {
      const isNull = nullTest(data);
      for (let i = 0; i < data.length; i += 1) {
        if (isNull(i))
          mismatch({ row: firstRow + i, column: name }, "a value, since the column is required", null);
      }
    }
    return convert(data, firstRow);
  };
}

function converter(type: IcebergType, from: arrow.DataType, name: string): Convert {
  const to = typeToArrow(type);
  if (arrow.DataType.isNull(from)) return (data) => nullData(to, data.length);
  if (type.type === "struct") return structConverter(type.fields, from, to, name);
  if (type.type === "list" || type.type === "map") return listConverter(type, from, to, name);
  if (!isPrimitiveType(type) || type.type === "variant") {
    if (arrow.DataType.isStruct(from)) return (data) => data;
    return refuse(type, from, name);
  }
  if (sameLayout(from, to)) return (data) => data.clone(to);
  if (!castable(type, from)) return refuse(type, from, name);
  const inner = arrow.DataType.isDictionary(from) ? from.dictionary : from;
  if (arrow.DataType.isDictionary(from) && type.type === "string" && arrow.DataType.isUtf8(inner))
    return plainText;
  if (arrow.DataType.isTimestamp(inner) && inner.unit === arrow.TimeUnit.NANOSECOND)
    return coarserTimestamp(type, name);
  if (
    (arrow.DataType.isLargeUtf8(from) && arrow.DataType.isUtf8(to)) ||
    (arrow.DataType.isLargeBinary(from) && arrow.DataType.isBinary(to))
  ) {
    return (data) => narrowOffsets(data, to, name);
  }
  return (data) => {
    const read = canonicalReader(type, data);
    const writer = leafWriter(type);
    for (let i = 0; i < data.length; i += 1) writer.append(read(i));
    return writer.finish();
  };
}

function refuse(type: IcebergType, from: arrow.DataType, name: string): never {
  return columnMismatch(name, typeToString(type), `the Arrow type ${from}`, "Cast it first.");
}

/** True where the buffers of both are the same, so that only the type's object changes. */
function sameLayout(from: arrow.DataType, to: arrow.DataType): boolean {
  if (arrow.DataType.isTimestamp(from) && arrow.DataType.isTimestamp(to)) {
    return from.unit === to.unit && Boolean(from.timezone) === Boolean(to.timezone);
  }
  if (arrow.DataType.isDecimal(from) && arrow.DataType.isDecimal(to)) {
    return from.bitWidth === 128 && from.scale === to.scale && from.precision <= to.precision;
  }
  return String(from) === String(to) && from.typeId === to.typeId;
}

/** True where every value of the Arrow type is one of the Iceberg type (nanoseconds are checked value by value). */
function castable(type: PrimitiveType, from: arrow.DataType): boolean {
  if (arrow.DataType.isDictionary(from))
    return sameLayout(from.dictionary, typeToArrow(type)) || castable(type, from.dictionary);
  switch (type.type) {
    case "int":
      return arrow.DataType.isInt(from) && (from.bitWidth < 32 || (from.bitWidth === 32 && from.isSigned));
    case "long":
      return arrow.DataType.isInt(from) && (from.bitWidth < 64 || from.isSigned);
    case "float":
      return arrow.DataType.isFloat(from) && from.precision === arrow.Precision.SINGLE;
    case "double":
      return arrow.DataType.isFloat(from) && from.precision !== arrow.Precision.HALF;
    case "decimal":
      return arrow.DataType.isDecimal(from) && from.scale === type.scale && from.precision <= type.precision;
    case "date":
      return arrow.DataType.isDate(from);
    case "time":
      return arrow.DataType.isTime(from) && from.unit !== arrow.TimeUnit.NANOSECOND;
    case "timestamp":
    case "timestamp_ns":
      return arrow.DataType.isTimestamp(from) && !from.timezone;
    case "timestamptz":
    case "timestamptz_ns":
      return arrow.DataType.isTimestamp(from) && Boolean(from.timezone);
    case "string":
      return (
        arrow.DataType.isUtf8(from) || arrow.DataType.isLargeUtf8(from) || arrow.DataType.isUtf8View(from)
      );
    case "binary":
    case "geometry":
    case "geography":
      return (
        arrow.DataType.isBinary(from) ||
        arrow.DataType.isLargeBinary(from) ||
        arrow.DataType.isBinaryView(from) ||
        arrow.DataType.isFixedSizeBinary(from)
      );
    case "uuid":
    case "fixed":
      return (
        arrow.DataType.isFixedSizeBinary(from) && from.byteWidth === (type.type === "uuid" ? 16 : type.length)
      );
    default:
      return false;
  }
}

/** The same bytes under 32-bit offsets: nothing is decoded. */
function narrowOffsets(data: arrow.Data, to: arrow.DataType, name: string): arrow.Data {
  const { length } = data;
  const large = data.valueOffsets as unknown as BigInt64Array;
  // As pairs of 32 bits: reading bigints would make an object of each.
  const words = new Uint32Array(large.buffer, large.byteOffset, large.length * 2);
  const at = (row: number): number => words[row * 2]! + words[row * 2 + 1]! * 2 ** 32;
  const start = length === 0 ? 0 : at(0);
  if (length > 0 && at(length) - start > 0x7fff_ffff) {
    columnMismatch(
      name,
      "less than 2 GiB in one batch",
      `${at(length) - start} bytes`,
      "Use smaller batches.",
    );
  }
  const offsets = new Int32Array(length + 1);
  for (let i = 1; i <= length; i += 1) offsets[i] = at(i) - start;
  const values = (data.values as Uint8Array).subarray(start, start + offsets[length]!);
  const buffers = [offsets, values, data.nullBitmap] as unknown as arrow.Data["buffers"];
  return data.clone(to, data.offset, length, data.nullCount, buffers as never);
}

/** Nanoseconds to microseconds, refusing a value that would lose digits. */
function coarserTimestamp(type: PrimitiveType, name: string): Convert {
  return (data, firstRow) => {
    const nanos = canonicalReader({ type: "timestamp_ns" }, data);
    const writer = leafWriter(type);
    for (let i = 0; i < data.length; i += 1) {
      const value = nanos(i) as bigint | null;
      if (value !== null && value % 1000n !== 0n) {
        mismatch({ row: firstRow + i, column: name }, `${type.type} in whole microseconds`, `${value} ns`);
      }
      writer.append(value === null ? null : value / 1000n);
    }
    return writer.finish();
  };
}

/** A dictionary of text written out, bytes to bytes. */
function plainText(data: arrow.Data): arrow.Data {
  const isNull = nullTest(data);
  const keys = data.values as ArrayLike<number | bigint>;
  const entries: Uint8Array[] = [];
  for (const chunk of (data.dictionary as arrow.Vector).data) {
    const { bytes, start, end } = byteRanges(chunk)!;
    for (let i = 0; i < chunk.length; i += 1) entries.push(bytes.subarray(start(i), end(i)));
  }
  const valueOffsets = new Int32Array(data.length + 1);
  for (let i = 0; i < data.length; i += 1) {
    valueOffsets[i + 1] = valueOffsets[i]! + (isNull(i) ? 0 : entries[Number(keys[i])]!.length);
  }
  const bytes = new Uint8Array(valueOffsets[data.length]!);
  for (let i = 0; i < data.length; i += 1)
    if (!isNull(i)) bytes.set(entries[Number(keys[i])]!, valueOffsets[i]!);
  return makeData({
    type: new arrow.Utf8(),
    length: data.length,
    ...nullsOf(data),
    valueOffsets,
    data: bytes,
  });
}

/** A chunk's nulls, with a bitmap that starts at its first row. */
function nullsOf(data: arrow.Data): { nullCount: number; nullBitmap?: Uint8Array } {
  const { nullCount } = data;
  if (nullCount === 0) return { nullCount };
  const isNull = nullTest(data);
  const nullBitmap = new Uint8Array((data.length + 7) >> 3);
  for (let i = 0; i < data.length; i += 1) if (!isNull(i)) nullBitmap[i >> 3]! |= 1 << (i & 7);
  return { nullCount, nullBitmap };
}

function structConverter(
  fields: readonly NestedField[],
  from: arrow.DataType,
  to: arrow.DataType,
  name: string,
): Convert {
  if (!arrow.DataType.isStruct(from)) return refuse({ type: "struct", fields }, from, name);
  for (const child of from.children) {
    if (!fields.some((field) => field.name === child.name))
      columnMismatch(`${name}.${child.name}`, "no such column", `one of type ${child.type}`);
  }
  const parts = fields.map((field) => {
    const index = from.children.findIndex((child) => child.name === field.name);
    if (index < 0)
      return { index, field, convert: missingColumn({ ...field, name: `${name}.${field.name}` }) };
    return {
      index,
      field,
      convert: converter(field.type, from.children[index]!.type, `${name}.${field.name}`),
    };
  });
  return (data, firstRow) => {
    const isNull = nullTest(data);
    const children = parts.map(({ index, field, convert }) => {
      const child =
        index < 0
          ? makeData({ type: new arrow.Null(), length: data.length, nullCount: data.length })
          : data.children[index]!;
      if (field.required && index >= 0 && child.nullCount > 0) {
        const childIsNull = nullTest(child);
        for (let i = 0; i < data.length; i += 1) {
          if (!isNull(i) && childIsNull(i)) {
            mismatch(
              { row: firstRow + i, column: `${name}.${field.name}` },
              "a value, since the column is required",
              null,
            );
          }
        }
      }
      return convert(child, firstRow);
    });
    return makeData({ type: to, length: data.length, ...nullsOf(data), children });
  };
}

/** Lists and maps: their offsets stay, what is inside is converted. Rows inside are counted from the chunk's first. */
function listConverter(
  type: Extract<IcebergType, { type: "list" | "map" }>,
  from: arrow.DataType,
  to: arrow.DataType,
  name: string,
): Convert {
  const matches = type.type === "list" ? arrow.DataType.isList(from) : arrow.DataType.isMap(from);
  if (!matches) return refuse(type, from, name);
  const source = from.children[0]!.type;
  const element: NestedField =
    type.type === "list"
      ? { id: type.elementId, name: "element", required: type.elementRequired, type: type.element }
      : { id: 0, name: "entry", required: true, type: mapEntry(type) };
  // Arrow calls a map's parts by any names; their order is what counts.
  const renamed = type.type === "map" ? renameEntry(source) : source;
  const inner = converter(element.type, renamed, type.type === "list" ? `${name}.element` : name);
  const convert = requireValues(element, `${name}.element`, inner);
  return (data, firstRow) => {
    const child = data.children[0]!;
    const items = convert(type.type === "map" ? child.clone(renamed) : child, firstRow);
    const target = to.children[0]!.type;
    return makeData({
      type: to,
      length: data.length,
      ...nullsOf(data),
      valueOffsets: data.valueOffsets,
      child: items.clone(target),
    });
  };
}

function mapEntry(type: Extract<IcebergType, { type: "map" }>): IcebergType {
  return {
    type: "struct",
    fields: [
      { id: type.keyId, name: "key", required: true, type: type.key },
      { id: type.valueId, name: "value", required: type.valueRequired, type: type.value },
    ],
  };
}

function renameEntry(type: arrow.DataType): arrow.DataType {
  const [key, value] = type.children as [arrow.Field, arrow.Field];
  return new arrow.Struct([
    new arrow.Field("key", key.type, false),
    new arrow.Field("value", value.type, value.nullable),
  ]);
}
