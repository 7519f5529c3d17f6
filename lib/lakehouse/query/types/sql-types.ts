import { invalidMetadata } from "../../errors.js";
import type { DefaultValue, IcebergType, NestedField, PrimitiveValue } from "../../iceberg/index.js";
import type { ParquetNode } from "../../parquet/index.js";
import { memberNames } from "../text/names.js";
import { quoteIdentifier } from "../text/tokens.js";
import { primitiveLiteral, primitiveSqlType } from "./primitives.js";

/** The DuckDB type of an Iceberg type. */
export function sqlType(type: IcebergType): string {
  switch (type.type) {
    case "struct": {
      const names = memberNames(type.fields);
      const members = type.fields.map(
        (field, i) => `${quoteIdentifier(names[i] as string)} ${sqlType(field.type)}`,
      );
      return `STRUCT(${members.join(", ")})`;
    }
    case "list":
      return `${sqlType(type.element)}[]`;
    case "map":
      return `MAP(${sqlType(type.key)}, ${sqlType(type.value)})`;
    default:
      return primitiveSqlType(type);
  }
}

/** A column as SQL sees it. Variants are DuckDB's own: `v.name` and `v::JSON` work then, and as a result they are JSON text. */
export function asDuckDB({ type }: NestedField, column: string): string {
  if (type.type !== "variant") return column;
  return `CASE WHEN ${column} IS NULL THEN NULL ELSE variant_bytes_to_variant(${column}.metadata || ${column}."value") END`;
}

/** The type that DuckDB's Parquet reader gives a leaf; `undefined` where it is not one that tables store. */
export function parquetSqlType(node: ParquetNode): string | undefined {
  const logical = node.logicalType;
  if (logical?.kind === "decimal") return `DECIMAL(${logical.precision},${logical.scale})`;
  switch (node.physicalType) {
    case "BOOLEAN":
      return "BOOLEAN";
    case "FLOAT":
      return "FLOAT";
    case "DOUBLE":
      return "DOUBLE";
    case "INT32":
      if (logical?.kind === "date") return "DATE";
      if (logical?.kind === "time") return logical.adjustedToUtc ? undefined : "TIME";
      return logical?.kind === "int" && (logical.bits !== 32 || !logical.signed) ? undefined : "INTEGER";
    case "INT64":
      if (logical?.kind === "time") {
        return logical.unit === "nanos" || logical.adjustedToUtc ? undefined : "TIME";
      }
      if (logical?.kind === "timestamp") {
        if (logical.adjustedToUtc) return logical.unit === "nanos" ? undefined : "TIMESTAMP WITH TIME ZONE";
        return logical.unit === "nanos" ? "TIMESTAMP_NS" : "TIMESTAMP";
      }
      return logical?.kind === "int" && !logical.signed ? undefined : "BIGINT";
    case "INT96":
      return "TIMESTAMP";
    case "BYTE_ARRAY":
      return logical?.kind === "string" || logical?.kind === "enum"
        ? "VARCHAR"
        : logical
          ? undefined
          : "BLOB";
    case "FIXED_LEN_BYTE_ARRAY":
      return logical?.kind === "uuid" ? "UUID" : logical ? undefined : "BLOB";
    case undefined:
      return undefined;
  }
}

/** A SQL expression of exactly this value: partition values and defaults. */
export function sqlLiteral(type: IcebergType, value: DefaultValue): string {
  const target = sqlType(type);
  if (value === null) return `NULL::${target}`;
  if (type.type === "struct" || type.type === "list" || type.type === "map")
    return nestedLiteral(type, value);
  return primitiveLiteral(type, value as PrimitiveValue);
}

function nestedLiteral(type: IcebergType, value: DefaultValue): string {
  if (type.type === "list" && Array.isArray(value)) {
    return `[${(value as DefaultValue[]).map((item) => sqlLiteral(type.element, item)).join(", ")}]::${sqlType(type)}`;
  }
  if (type.type === "map" && value instanceof Map) {
    const entries = [...value].map(([k, v]) => `${sqlLiteral(type.key, k)}: ${sqlLiteral(type.value, v)}`);
    return `MAP {${entries.join(", ")}}::${sqlType(type)}`;
  }
  if (type.type === "struct" && typeof value === "object" && value !== null) {
    const object = value as { readonly [name: string]: DefaultValue };
    const names = memberNames(type.fields);
    const fields = type.fields.map(
      (field, i) =>
        `${quoteIdentifier(names[i] as string)} := ${sqlLiteral(field.type, object[field.name] ?? field.initialDefault ?? null)}`,
    );
    return `struct_pack(${fields.join(", ")})`;
  }
  throw invalidMetadata(type.type, `A default value does not have the form of its type, ${type.type}.`);
}
