import * as arrow from "apache-arrow";
import { isPrimitiveType, typeToString } from "../../model/types/type-text.js";
import type { IcebergType, NestedField, PrimitiveValue } from "../../model/types/types.js";
import { valueKey } from "../../model/values/compare.js";
import { leafConverter } from "./convert-leaf.js";
import { leafWriter, makeData } from "./leaf-writer.js";
import { type Convert, columnMismatch, mismatch, type RowOf } from "./mismatch.js";
import { nullData, nullsOf } from "./null-data.js";
import { canonicalReader, mayHaveNulls, nullTest } from "./read.js";
import { storedType, typeToArrow } from "./schema.js";

/**
 * Converts chunks of an Arrow type to the form that an Iceberg type is stored in. A cast that could lose something is
 * refused here by type, or value by value when a value would.
 */
export function converter(type: IcebergType, from: arrow.DataType, name: string): Convert {
  if (type.type === "unknown") return nothing(name);
  if (arrow.DataType.isNull(from)) {
    const to = typeToArrow(storedType(type));
    return (data) => nullData(to, data.length);
  }
  if (type.type === "struct") return structConverter(type.fields, from, name);
  if (type.type === "list" || type.type === "map") return listConverter(type, from, name);
  if (isPrimitiveType(type) && type.type !== "variant") return leafConverter(type, from, name);
  if (arrow.DataType.isStruct(from)) return (data) => data;
  return refuse(type, from, name);
}

/** A column of type `unknown` is all null, and not stored. */
function nothing(name: string): Convert {
  return (data, rowOf) => {
    const isNull = nullTest(data);
    for (let i = 0; i < data.length; i += 1) {
      const row = isNull(i) ? undefined : rowOf(i);
      if (row !== undefined)
        mismatch(
          { row, column: name },
          "null, the only value of type unknown",
          new arrow.Vector([data]).get(i),
        );
    }
    return nullData(new arrow.Null(), data.length);
  };
}

function refuse(type: IcebergType, from: arrow.DataType, name: string): never {
  return columnMismatch(name, typeToString(type), `the Arrow type ${from}`, "Cast it first.");
}

/** Refuses nulls of a field that is required. */
export function requireValues(field: NestedField, name: string, convert: Convert): Convert {
  if (!field.required) return convert;
  return (data, rowOf) => {
    if (mayHaveNulls(data)) {
      const isNull = nullTest(data);
      for (let i = 0; i < data.length; i += 1) {
        const row = isNull(i) ? rowOf(i) : undefined;
        if (row !== undefined) mismatch({ row, column: name }, "a value, since the column is required", null);
      }
    }
    return convert(data, rowOf);
  };
}

/** A column that the data does not have: its write default, or null. */
export function missingColumn(field: NestedField, name: string): Convert {
  const value = field.writeDefault ?? null;
  if (value === null && field.required) columnMismatch(name, "a column, since it is required", "none");
  if (value !== null && !isPrimitiveType(field.type)) {
    columnMismatch(name, "a column, since defaults of nested types are not filled in for Arrow data", "none");
  }
  return (data) => {
    if (value === null || !isPrimitiveType(field.type))
      return nullData(typeToArrow(storedType(field.type)), data.length);
    const writer = leafWriter(field.type);
    for (let i = 0; i < data.length; i += 1) writer.append(value as PrimitiveValue);
    return writer.finish();
  };
}

interface Part {
  /** Place among the source's columns; -1 where it has none of that name. */
  readonly index: number;
  readonly field: NestedField;
  readonly convert: Convert;
}

/**
 * How the columns of a schema or struct come out of those of an Arrow one, by name. `prefix` stands before their names in messages.
 *
 * @throws LakehouseError SCHEMA_MISMATCH for a column that is not in `fields`, or is there twice.
 */
export function partsOf(
  fields: readonly NestedField[],
  source: readonly arrow.Field[],
  prefix: string,
): readonly Part[] {
  const known = new Set(fields.map((field) => field.name));
  const places = new Map<string, number>();
  for (const [index, { name, type }] of source.entries()) {
    if (!known.has(name)) {
      const columns = [...known].slice(0, SHOWN_COLUMNS).join(", ");
      const more = known.size > SHOWN_COLUMNS ? `, and ${known.size - SHOWN_COLUMNS} more` : "";
      const remedy = `${prefix === "" ? "The table's columns" : "Its fields"} are ${columns}${more}.`;
      columnMismatch(`${prefix}${name}`, "no such column", `one of type ${type}`, remedy);
    }
    if (places.has(name)) columnMismatch(`${prefix}${name}`, "one column of this name", "two");
    places.set(name, index);
  }
  return fields.map((field) => {
    const name = `${prefix}${field.name}`;
    const index = places.get(field.name) ?? -1;
    if (index < 0) return { index, field, convert: missingColumn(field, name) };
    return {
      index,
      field,
      convert: requireValues(field, name, converter(field.type, source[index]!.type, name)),
    };
  });
}

const SHOWN_COLUMNS = 20;

/** Converts the columns of a batch or struct; those that are not stored are checked and left out. */
export function convertParts(parts: readonly Part[], data: arrow.Data, rowOf: RowOf): arrow.Data[] {
  const converted = parts.map(({ index, convert }) => {
    const none = () => makeData({ type: new arrow.Null(), length: data.length, nullCount: data.length });
    return convert(index < 0 ? none() : data.children[index]!, rowOf);
  });
  return converted.filter((_, i) => parts[i]!.field.type.type !== "unknown");
}

function structConverter(fields: readonly NestedField[], from: arrow.DataType, name: string): Convert {
  const type: IcebergType = { type: "struct", fields };
  if (!arrow.DataType.isStruct(from)) return refuse(type, from, name);
  const to = typeToArrow(storedType(type));
  const parts = partsOf(fields, from.children, `${name}.`);
  return (data, rowOf) => {
    const isNull = nullTest(data);
    const children = convertParts(parts, data, (i) => (isNull(i) ? undefined : rowOf(i)));
    return makeData({ type: to, length: data.length, ...nullsOf(data), children });
  };
}

/** Lists and maps: their offsets stay, what is inside is converted. */
function listConverter(
  type: Extract<IcebergType, { type: "list" | "map" }>,
  from: arrow.DataType,
  name: string,
): Convert {
  const isList = arrow.DataType.isList(from) || arrow.DataType.isFixedSizeList(from);
  if (type.type === "list" ? !isList : !arrow.DataType.isMap(from)) return refuse(type, from, name);
  const to = typeToArrow(storedType(type));
  const source = from.children[0]!.type;
  const element: NestedField =
    type.type === "list"
      ? { id: type.elementId, name: "element", required: type.elementRequired, type: type.element }
      : { id: 0, name: "entry", required: true, type: mapEntry(type) };
  // Arrow calls a map's parts by any names; their order is what counts.
  const renamed = type.type === "map" ? renameEntry(source) : source;
  const inner = converter(element.type, renamed, type.type === "list" ? `${name}.element` : name);
  const convert = requireValues(element, `${name}.element`, inner);
  return (data, rowOf) => {
    const child = data.children[0]!;
    const offsets = offsetsOf(data);
    const isNull = nullTest(data);
    const items = convert(type.type === "map" ? child.clone(renamed) : child, (item) => {
      const list = listOf(offsets, item);
      return list === undefined || isNull(list) ? undefined : rowOf(list);
    });
    if (type.type === "map") refuseEqualKeys(type.key, items.children[0]!, offsets, isNull, rowOf, name);
    return makeData({
      type: to,
      length: data.length,
      ...nullsOf(data),
      valueOffsets: offsets,
      child: items.clone(to.children[0]!.type),
    });
  };
}

/** Where each list starts among the items, and behind them where the last one ends. */
function offsetsOf(data: arrow.Data): Int32Array {
  if (!arrow.DataType.isFixedSizeList(data.type)) return data.valueOffsets as Int32Array;
  const size = data.type.listSize;
  return Int32Array.from({ length: data.length + 1 }, (_, i) => i * size);
}

/** The list that an item is in. */
function listOf(offsets: Int32Array, item: number): number | undefined {
  let low = 0;
  let high = offsets.length - 1;
  if (high < 0 || item < offsets[0]! || item >= offsets[high]!) return undefined;
  // The last list that starts at or before the item: empty ones before it start there, too.
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (offsets[middle]! <= item) low = middle;
    else high = middle;
  }
  return low;
}

/** A map that has a key twice would come back with one of its values only. */
function refuseEqualKeys(
  type: IcebergType,
  keys: arrow.Data,
  offsets: Int32Array,
  isNull: (index: number) => boolean,
  rowOf: RowOf,
  name: string,
): void {
  if (!isPrimitiveType(type) || type.type === "variant") return;
  const read = canonicalReader(type, keys);
  for (let i = 0; i + 1 < offsets.length; i += 1) {
    const [start, end] = [offsets[i]!, offsets[i + 1]!];
    if (end - start < 2 || isNull(i)) continue;
    const seen = new Set();
    for (let item = start; item < end; item += 1) {
      const key = read(item);
      const row = seen.has(valueKey(key)) ? rowOf(i) : undefined;
      if (row !== undefined) mismatch({ row, column: `${name}.key` }, "each key once", key);
      seen.add(valueKey(key));
    }
  }
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
