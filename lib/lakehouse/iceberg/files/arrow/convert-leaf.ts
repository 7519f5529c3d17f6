import * as arrow from "apache-arrow";
import { typeToString } from "../../model/types/type-text.js";
import type { PrimitiveType } from "../../model/types/types.js";
import { leafWriter, makeData } from "./leaf-writer.js";
import { lossOf } from "./losses.js";
import { type Convert, columnMismatch, mismatch } from "./mismatch.js";
import { nullsOf } from "./null-data.js";
import { byteRanges, canonicalReader, dictionaryValues, nullTest } from "./read.js";
import { typeToArrow } from "./schema.js";

/** Converts chunks of an Arrow type to that of a primitive type; where bytes can stay as they are, they do. */
export function leafConverter(type: PrimitiveType, from: arrow.DataType, name: string): Convert {
  const to = typeToArrow(type);
  if (!sameLayout(from, to) && !castable(type, from))
    return columnMismatch(name, typeToString(type), `the Arrow type ${from}`, "Cast it first.");
  return refuseLoss(type, from, name, conversion(type, from, to, name));
}

function conversion(type: PrimitiveType, from: arrow.DataType, to: arrow.DataType, name: string): Convert {
  if (sameLayout(from, to)) return (data) => data.clone(to);
  if (arrow.DataType.isDictionary(from) && type.type === "string" && arrow.DataType.isUtf8(from.dictionary))
    return plainText;
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

/** Looks for values that the conversion would not keep, before it is made. */
function refuseLoss(type: PrimitiveType, from: arrow.DataType, name: string, convert: Convert): Convert {
  const loss = lossOf(type, from);
  if (loss === undefined) return convert;
  return (data, rowOf) => {
    const found = loss.find(data);
    if (found !== undefined) {
      const isNull = nullTest(data);
      for (let i = 0; i < data.length; i += 1) {
        const value = isNull(i) ? undefined : found(i);
        const row = value === undefined ? undefined : rowOf(i);
        if (row !== undefined)
          mismatch({ row, column: name }, `${typeToString(type)} (${loss.expected})`, value);
      }
    }
    return convert(data, rowOf);
  };
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

/** True where every value of the Arrow type is one of the Iceberg type (what only some are, is looked for value by value). */
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
    case "boolean":
    case "unknown":
    case "variant":
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

/** A dictionary of text written out, bytes to bytes. */
function plainText(data: arrow.Data): arrow.Data {
  const isNull = nullTest(data);
  const keys = data.values as ArrayLike<number | bigint>;
  const entries = dictionaryValues(data, (chunk) => {
    const { bytes, start, end } = byteRanges(chunk)!;
    return (i) => bytes.subarray(start(i), end(i));
  });
  const valueOffsets = new Int32Array(data.length + 1);
  for (let i = 0; i < data.length; i += 1) {
    valueOffsets[i + 1] = valueOffsets[i]! + (isNull(i) ? 0 : entries[Number(keys[i])]!.length);
  }
  const bytes = new Uint8Array(valueOffsets[data.length]!);
  for (let i = 0; i < data.length; i += 1)
    if (!isNull(i)) bytes.set(entries[Number(keys[i])]!, valueOffsets[i]!);
  const type = new arrow.Utf8();
  return makeData({ type, length: data.length, ...nullsOf(data), valueOffsets, data: bytes });
}
