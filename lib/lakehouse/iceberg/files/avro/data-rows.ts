import { unsupported } from "../../../errors.js";
import { isPrimitiveType } from "../../model/types/type-text.js";
import type { FieldId, IcebergType, NestedField, PrimitiveType } from "../../model/types/types.js";
import { formatDecimal, unscaledFromBytes } from "../../model/values/decimal.js";
import { AvroFile } from "./container.js";
import { compileDecoder } from "./decode.js";
import type { AvroField, AvroType } from "./types.js";
import { withoutNull } from "./wanted.js";

/** A data file in Avro: its columns under names made from their ids, and its rows as programs write them. */
export interface AvroData {
  readonly fields: readonly NestedField[];
  readonly rows: Iterable<Readonly<Record<string, unknown>>>;
}

/**
 * Reads a data file (spec, Appendix A, "Avro"). Columns are found by field id and read as the types that the table has
 * for them; those that it does not know are passed over.
 *
 * @throws LakehouseError CORRUPT_FILE; UNSUPPORTED_FEATURE when the file has no field ids.
 */
export function readAvroData(
  bytes: Uint8Array,
  subject: string,
  typeOf: (id: FieldId) => IcebergType | undefined,
): AvroData {
  const file = new AvroFile(bytes, subject);
  const writer = file.schema();
  if (writer.kind !== "record" || !writer.fields.some(({ fieldId }) => fieldId !== undefined)) {
    throw unsupported(
      subject,
      `${subject} is an Avro file without field ids.`,
      "Rewrite the file with an Iceberg writer.",
    );
  }
  const { fields, convert } = structOf(writer.fields, typeOf);
  const decode = compileDecoder(writer);
  function* rows(): Generator<Record<string, unknown>> {
    for (const record of file.iterate(decode)) yield convert(record as Record<string, unknown>);
  }
  return { fields, rows: { [Symbol.iterator]: rows } };
}

/** The part of a type that the file has, and how its values become those of the type. */
interface Part {
  readonly type: IcebergType;
  readonly convert: (value: unknown) => unknown;
}

function structOf(
  columns: readonly AvroField[],
  typeOf: (id: FieldId) => IcebergType | undefined,
): { fields: NestedField[]; convert: (record: Record<string, unknown>) => Record<string, unknown> } {
  const fields: NestedField[] = [];
  const steps: { from: string; to: string; convert: Part["convert"] }[] = [];
  for (const { name, fieldId: id, type: written } of columns) {
    const type = id === undefined ? undefined : typeOf(id);
    if (id === undefined || type === undefined) continue;
    const part = partOf(written, type);
    fields.push({ id, name: `c${id}`, required: false, type: part.type });
    steps.push({ from: name, to: `c${id}`, convert: part.convert });
  }
  const convert = (record: Record<string, unknown>) => {
    const row: Record<string, unknown> = {};
    for (const { from, to, convert } of steps) row[to] = orNull(record[from], convert);
    return row;
  };
  return { fields, convert };
}

function orNull(value: unknown, convert: Part["convert"]): unknown {
  return value === null || value === undefined ? null : convert(value);
}

function partOf(written: AvroType, type: IcebergType): Part {
  const avro = withoutNull(written);
  if (isPrimitiveType(type)) return { type, convert: primitive(avro, type) };
  if (type.type === "struct" && avro.kind === "record") {
    const { fields, convert } = structOf(
      avro.fields,
      (id) => type.fields.find((field) => field.id === id)?.type,
    );
    return {
      type: { type: "struct", fields },
      convert: (value) => convert(value as Record<string, unknown>),
    };
  }
  if (type.type === "list" && avro.kind === "array") {
    const element = partOf(avro.items, type.element);
    return {
      type: { ...type, elementRequired: false, element: element.type },
      convert: (value) => (value as unknown[]).map((item) => orNull(item, element.convert)),
    };
  }
  const entry = type.type === "map" ? entryOf(avro) : undefined;
  if (type.type === "map" && entry !== undefined) {
    const key = partOf(entry.key, type.key);
    const value = partOf(entry.value, type.value);
    return {
      type: { ...type, key: key.type, valueRequired: false, value: value.type },
      convert: (map) =>
        new Map(
          [...(map as Map<unknown, unknown>)].map(([k, v]) => [key.convert(k), orNull(v, value.convert)]),
        ),
    };
  }
  // What is no value of the type is refused by whoever takes the rows.
  return { type, convert: (value) => value };
}

/** Maps are Avro maps, or where their keys are no strings, arrays of key and value. */
function entryOf(avro: AvroType): { readonly key: AvroType; readonly value: AvroType } | undefined {
  if (avro.kind === "map") return { key: { kind: "string" }, value: avro.values };
  if (avro.kind !== "array" || avro.logicalType !== "map" || avro.items.kind !== "record") return undefined;
  const [key, value] = avro.items.fields;
  return key && value ? { key: key.type, value: value.type } : undefined;
}

const MICROS_PER_DAY = 86_400_000_000n;

function primitive(avro: AvroType, type: PrimitiveType): Part["convert"] {
  const logicalType = "logicalType" in avro ? avro.logicalType : undefined;
  switch (type.type) {
    case "decimal":
      return (value) => formatDecimal(unscaledFromBytes(value as Uint8Array), type.scale);
    case "timestamp":
    case "timestamptz":
    case "timestamp_ns":
    case "timestamptz_ns": {
      const nanos = type.type.endsWith("_ns") ? 1000n : 1n;
      // Dates that became timestamps.
      if (avro.kind === "int") return (value) => BigInt(value as number) * MICROS_PER_DAY * nanos;
      if (logicalType?.endsWith("millis")) return (value) => (value as bigint) * 1000n * nanos;
      if (logicalType?.endsWith("micros")) return (value) => (value as bigint) * nanos;
      return (value) => value;
    }
    case "boolean":
    case "int":
    case "long":
    case "float":
    case "double":
    case "date":
    case "time":
    case "string":
    case "uuid":
    case "fixed":
    case "binary":
    case "unknown":
    case "variant":
    case "geometry":
    case "geography":
      return (value) => value;
  }
}
