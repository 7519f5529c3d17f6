import { invalidMetadata } from "../../errors.js";
import {
  type DefaultValue,
  formatDecimal,
  type IcebergType,
  type NestedField,
  type PrimitiveType,
  type PrimitiveValue,
} from "../../iceberg/index.js";
import type { ParquetNode } from "../../parquet/index.js";
import { memberNames } from "../text/names.js";
import { quoteIdentifier, quoteString } from "../text/tokens.js";

/**
 * The DuckDB type of an Iceberg type. A variant is a struct of its two parts, as in Arrow. DuckDB has no nanosecond timestamp with a zone: `timestamptz_ns` becomes
 * TIMESTAMP_NS, the same instant in UTC.
 */
export function sqlType(type: IcebergType): string {
  switch (type.type) {
    case "boolean":
      return "BOOLEAN";
    case "int":
      return "INTEGER";
    case "long":
      return "BIGINT";
    case "float":
      return "FLOAT";
    case "double":
      return "DOUBLE";
    case "decimal":
      return `DECIMAL(${type.precision},${type.scale})`;
    case "date":
      return "DATE";
    case "time":
      return "TIME";
    case "timestamp":
      return "TIMESTAMP";
    case "timestamptz":
      return "TIMESTAMP WITH TIME ZONE";
    case "timestamp_ns":
    case "timestamptz_ns":
      return "TIMESTAMP_NS";
    case "string":
      return "VARCHAR";
    case "uuid":
      return "UUID";
    case "fixed":
    case "binary":
    case "geometry":
    case "geography":
      return "BLOB";
    case "unknown":
      return "INTEGER";
    case "variant":
      return 'STRUCT(metadata BLOB, "value" BLOB)';
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

function primitiveLiteral(type: PrimitiveType, value: PrimitiveValue): string {
  const target = sqlType(type);
  switch (type.type) {
    case "decimal":
      return `${quoteString(formatDecimal(value as bigint, type.scale))}::${target}`;
    case "date":
      return `(DATE '1970-01-01' + ${value as number}::INTEGER)`;
    case "time":
      return `(TIME '00:00:00' + to_microseconds(${value as bigint}))`;
    case "timestamp":
    case "timestamptz":
      return `make_timestamp(${value as bigint})::${target}`;
    case "timestamp_ns":
    case "timestamptz_ns":
      return `make_timestamp_ns(${value as bigint})`;
    case "float":
    case "double":
      return `${quoteString(Object.is(value, -0) ? "-0" : String(value))}::${target}`;
    default:
      break;
  }
  if (value instanceof Uint8Array) {
    return `from_hex('${Buffer.from(value).toString("hex")}')`;
  }
  return `CAST(${typeof value === "string" ? quoteString(value) : String(value)} AS ${target})`;
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
