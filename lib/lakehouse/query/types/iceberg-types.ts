import {
  DuckDBArrayType,
  DuckDBDecimalType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  type DuckDBType,
} from "@duckdb/node-api";
import type { LakehouseError } from "../../errors.js";
import { type IcebergType, invalidSchema, type PrimitiveType } from "../../iceberg/index.js";

/** Iceberg's type for each of DuckDB's that has one: the narrowest that holds all of its values. */
const TYPES: ReadonlyMap<string, PrimitiveType> = new Map<string, PrimitiveType>([
  ["BOOLEAN", { type: "boolean" }],
  ["TINYINT", { type: "int" }],
  ["SMALLINT", { type: "int" }],
  ["INTEGER", { type: "int" }],
  ["UTINYINT", { type: "int" }],
  ["USMALLINT", { type: "int" }],
  ["BIGINT", { type: "long" }],
  ["UINTEGER", { type: "long" }],
  ["UBIGINT", { type: "decimal", precision: 20, scale: 0 }],
  // Its 39th digit does not fit; a value with one is an error when it is written.
  ["HUGEINT", { type: "decimal", precision: 38, scale: 0 }],
  ["FLOAT", { type: "float" }],
  ["DOUBLE", { type: "double" }],
  ["DATE", { type: "date" }],
  ["TIME", { type: "time" }],
  ["TIMESTAMP", { type: "timestamp" }],
  ["TIMESTAMP_S", { type: "timestamp" }],
  ["TIMESTAMP_MS", { type: "timestamp" }],
  ["TIMESTAMP_NS", { type: "timestamp_ns" }],
  ["TIMESTAMP WITH TIME ZONE", { type: "timestamptz" }],
  ["VARCHAR", { type: "string" }],
  ["JSON", { type: "string" }],
  ["BLOB", { type: "binary" }],
  ["UUID", { type: "uuid" }],
  ["VARIANT", { type: "variant" }],
  // DuckDB's type of NULL alone, which is an integer in its own tables.
  ['"NULL"', { type: "int" }],
  ["SQLNULL", { type: "int" }],
]);

/**
 * The type of a column for values of a type of DuckDB's. Ids in it are placeholders, and all in it may be null.
 *
 * @throws LakehouseError INVALID_SCHEMA for a type that Iceberg has no twin of.
 */
export function icebergTypeOf(column: string, type: DuckDBType): IcebergType {
  if (type instanceof DuckDBDecimalType) return { type: "decimal", precision: type.width, scale: type.scale };
  if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) {
    const element = icebergTypeOf(`${column}.element`, type.valueType);
    return { type: "list", elementId: 0, elementRequired: false, element };
  }
  if (type instanceof DuckDBMapType) {
    const key = icebergTypeOf(`${column}.key`, type.keyType);
    const value = icebergTypeOf(`${column}.value`, type.valueType);
    return { type: "map", keyId: 0, key, valueId: 0, valueRequired: false, value };
  }
  if (type instanceof DuckDBStructType) {
    if (type.entryNames.includes("")) throw noType(column, "a row of values without names");
    const fields = type.entryNames.map((name, i) => {
      const inner = icebergTypeOf(`${column}.${name}`, type.entryTypes[i] as DuckDBType);
      return { id: 0, name, required: false, type: inner };
    });
    return { type: "struct", fields };
  }
  const text = String(type);
  if (text.startsWith("ENUM")) return { type: "string" };
  const found = TYPES.get(text);
  if (found === undefined) throw noType(column, text);
  return found;
}

function noType(column: string, text: string): LakehouseError {
  return invalidSchema(
    column,
    `Column ${JSON.stringify(column)} is ${text}, for which Iceberg has no type.`,
    "Cast it to one that it has, such as VARCHAR.",
  );
}
