import * as arrow from "apache-arrow";
import { BatchSchema } from "../../../parquet/index.js";
import { invalidSchema } from "../../errors.js";
import { assignFreshIds } from "../../model/schema/fresh-ids.js";
import type { IcebergType, NestedField, Schema } from "../../model/types/types.js";

/** Field metadata under which Arrow carries a field id; Parquet writers take it from there. */
export const FIELD_ID_KEY = "PARQUET:field_id";
const DOC_KEY = "doc";
export const EXTENSION_KEY = "ARROW:extension:name";

/** Arrow schema of an Iceberg schema: same names and nullability, field ids in the metadata at every depth. */
export function schemaToArrow(schema: Pick<Schema, "fields">): arrow.Schema {
  return new BatchSchema(schema.fields.map(fieldToArrow));
}

/** The schema without its `unknown` columns, at every depth: they are not stored in data files (spec, "Primitive Types"). */
export function storedSchema(schema: Schema): Schema {
  return { ...schema, fields: storedFields(schema.fields) };
}

function storedFields(fields: readonly NestedField[]): NestedField[] {
  return fields
    .filter((field) => field.type.type !== "unknown")
    .map((field) => ({ ...field, type: storedType(field.type) }));
}

/** A type without the `unknown` fields of its structs. */
export function storedType(type: IcebergType): IcebergType {
  if (type.type === "struct") return { type: "struct", fields: storedFields(type.fields) };
  if (type.type === "list") return { ...type, element: storedType(type.element) };
  if (type.type === "map") return { ...type, value: storedType(type.value) };
  return type;
}

function fieldToArrow(field: NestedField): arrow.Field {
  const metadata = new Map([[FIELD_ID_KEY, String(field.id)]]);
  if (field.doc !== undefined) metadata.set(DOC_KEY, field.doc);
  if (field.type.type === "uuid") metadata.set(EXTENSION_KEY, "arrow.uuid");
  if (field.type.type === "variant") metadata.set(EXTENSION_KEY, "arrow.parquet.variant");
  return new arrow.Field(field.name, typeToArrow(field.type), !field.required, metadata);
}

/** Arrow type of an Iceberg type: utf8, decimal128, µs or ns timestamps with zone UTC or none. */
export function typeToArrow(type: IcebergType): arrow.DataType {
  switch (type.type) {
    case "boolean":
      return new arrow.Bool();
    case "int":
      return new arrow.Int32();
    case "long":
      return new arrow.Int64();
    case "float":
      return new arrow.Float32();
    case "double":
      return new arrow.Float64();
    case "decimal":
      return new arrow.Decimal(type.scale, type.precision, 128);
    case "date":
      return new arrow.DateDay();
    case "time":
      return new arrow.TimeMicrosecond();
    case "timestamp":
      return new arrow.TimestampMicrosecond();
    case "timestamptz":
      return new arrow.TimestampMicrosecond("UTC");
    case "timestamp_ns":
      return new arrow.TimestampNanosecond();
    case "timestamptz_ns":
      return new arrow.TimestampNanosecond("UTC");
    case "string":
      return new arrow.Utf8();
    case "uuid":
      return new arrow.FixedSizeBinary(16);
    case "fixed":
      return new arrow.FixedSizeBinary(type.length);
    case "binary":
    case "geometry":
    case "geography":
      return new arrow.Binary();
    case "unknown":
      return new arrow.Null();
    case "variant":
      return new arrow.Struct([
        new arrow.Field("metadata", new arrow.Binary(), false),
        new arrow.Field("value", new arrow.Binary(), false),
      ]);
    case "struct":
      return new arrow.Struct(type.fields.map(fieldToArrow));
    case "list":
      return new arrow.List(
        fieldToArrow({
          id: type.elementId,
          name: "element",
          required: type.elementRequired,
          type: type.element,
        }),
      );
    case "map": {
      const key = fieldToArrow({ id: type.keyId, name: "key", required: true, type: type.key });
      const value = fieldToArrow({
        id: type.valueId,
        name: "value",
        required: type.valueRequired,
        type: type.value,
      });
      const entries = new arrow.Struct([key, value]) as unknown as arrow.Struct<{
        key: arrow.DataType;
        value: arrow.DataType;
      }>;
      return new arrow.Map_(new arrow.Field("key_value", entries, false));
    }
  }
}

/**
 * Iceberg schema of an Arrow schema. Field ids are taken from the metadata when every field has one; otherwise all
 * are given anew, from 1. Small and unsigned integers widen to int or long. Throws `INVALID_SCHEMA` for an Arrow type that
 * Iceberg has none for.
 */
export function arrowToSchema(schema: arrow.Schema): Schema {
  let complete = true;
  const toField = (field: arrow.Field): NestedField => {
    const id = field.metadata.get(FIELD_ID_KEY);
    if (id === undefined) complete = false;
    return {
      id: id === undefined ? 0 : Number(id),
      name: field.name,
      required: !field.nullable,
      type: toType(field),
      doc: field.metadata.get(DOC_KEY),
    };
  };
  const toType = (field: arrow.Field): IcebergType => {
    const { type } = field;
    if (arrow.DataType.isStruct(type)) return { type: "struct", fields: type.children.map(toField) };
    if (arrow.DataType.isList(type) || arrow.DataType.isFixedSizeList(type)) {
      const element = toField(type.children[0] as arrow.Field);
      return {
        type: "list",
        elementId: element.id,
        elementRequired: element.required,
        element: element.type,
      };
    }
    if (arrow.DataType.isMap(type)) {
      const [key, value] = (type.children[0]!.type as arrow.Struct).children.map(toField) as [
        NestedField,
        NestedField,
      ];
      return {
        type: "map",
        keyId: key.id,
        key: key.type,
        valueId: value.id,
        valueRequired: value.required,
        value: value.type,
      };
    }
    return leafFromArrow(field);
  };
  const fields = schema.fields.map(toField);
  if (complete) return { schemaId: 0, fields, identifierFieldIds: [] };
  let last = 0;
  const fresh = assignFreshIds(fields, () => {
    last += 1;
    return last;
  });
  return { schemaId: 0, fields: fresh, identifierFieldIds: [] };
}

function leafFromArrow(field: arrow.Field): IcebergType {
  const { type } = field;
  if (arrow.DataType.isDictionary(type)) return leafFromArrow(field.clone({ type: type.dictionary }));
  if (arrow.DataType.isNull(type)) return { type: "unknown" };
  if (arrow.DataType.isBool(type)) return { type: "boolean" };
  if (arrow.DataType.isInt(type)) {
    if (type.bitWidth < 32 || (type.bitWidth === 32 && type.isSigned)) return { type: "int" };
    // Unsigned 64-bit values go up to twice what a long holds.
    if (type.bitWidth === 32 || type.isSigned) return { type: "long" };
  }
  if (arrow.DataType.isFloat(type))
    return { type: type.precision === arrow.Precision.DOUBLE ? "double" : "float" };
  if (arrow.DataType.isDecimal(type))
    return { type: "decimal", precision: type.precision, scale: type.scale };
  if (arrow.DataType.isDate(type)) return { type: "date" };
  if (arrow.DataType.isTime(type) && type.unit !== arrow.TimeUnit.NANOSECOND) return { type: "time" };
  if (arrow.DataType.isTimestamp(type)) {
    const zoned = Boolean(type.timezone);
    if (type.unit === arrow.TimeUnit.NANOSECOND) return { type: zoned ? "timestamptz_ns" : "timestamp_ns" };
    return { type: zoned ? "timestamptz" : "timestamp" };
  }
  if (arrow.DataType.isUtf8(type) || arrow.DataType.isLargeUtf8(type) || arrow.DataType.isUtf8View(type))
    return { type: "string" };
  if (
    arrow.DataType.isBinary(type) ||
    arrow.DataType.isLargeBinary(type) ||
    arrow.DataType.isBinaryView(type)
  ) {
    return { type: "binary" };
  }
  if (arrow.DataType.isFixedSizeBinary(type)) {
    if (field.metadata.get(EXTENSION_KEY) === "arrow.uuid") return { type: "uuid" };
    return { type: "fixed", length: type.byteWidth };
  }
  throw invalidSchema(
    field.name,
    `Iceberg has no type for the Arrow type ${type} of "${field.name}".`,
    "Cast the column first.",
  );
}
