import type { IcebergType, NestedField } from "../../iceberg/index.js";
import type { ParquetNode } from "../../parquet/index.js";
import { quoteIdentifier, quoteString } from "../sql/tokens.js";
import { parquetSqlType, sqlLiteral, sqlType } from "./sql-types.js";

/**
 * The SELECT list that reads the columns of a table out of files of one Parquet schema. Columns are found by field id
 * at every depth (spec, "Column Projection"), so renamed, moved, dropped and re-added fields come out right; a field
 * that the files lack takes `missing`, else its initial default, else null.
 *
 * @param missing SQL for top-level fields that files may lack and their partition values tell.
 */
export function projection(
  fields: readonly NestedField[],
  file: ParquetNode,
  missing: ReadonlyMap<number, string> = new Map(),
): string {
  return fields
    .map((field) => {
      const node = file.children.find((child) => child.fieldId === field.id);
      const value = node
        ? convert(`f.${quoteIdentifier(node.name)}`, field.type, node, 0)
        : (missing.get(field.id) ?? sqlLiteral(field.type, field.initialDefault ?? null));
      return `${value} AS ${quoteIdentifier(field.name)}`;
    })
    .join(", ");
}

/** SQL for one field, at the top or inside structs, of files of one Parquet schema; null where they lack it. */
export function columnSql(
  id: number,
  type: IcebergType,
  file: ParquetNode,
  missing: ReadonlyMap<number, string>,
): string {
  const search = (nodes: readonly ParquetNode[], parent?: string): string | undefined => {
    for (const node of nodes) {
      const path = parent
        ? `struct_extract(${parent}, ${quoteString(node.name)})`
        : `f.${quoteIdentifier(node.name)}`;
      if (node.fieldId === id) return convert(path, type, node, 0);
      const inner = node.logicalType ? undefined : search(node.children, path);
      if (inner) return inner;
    }
    return undefined;
  };
  return search(file.children) ?? missing.get(id) ?? `NULL::${sqlType(type)}`;
}

/** SQL for `expression`, read from `node`, as a value of `type`. Gives `expression` itself where that is one already. */
function convert(expression: string, type: IcebergType, node: ParquetNode, depth: number): string {
  if (same(type, node)) return expression;
  if (type.type === "struct") {
    const members = type.fields.map((field) => {
      const child = node.children.find(({ fieldId }) => fieldId === field.id);
      const value = child
        ? convert(`struct_extract(${expression}, ${quoteString(child.name)})`, field.type, child, depth)
        : sqlLiteral(field.type, field.initialDefault ?? null);
      return `${quoteIdentifier(field.name)} := ${value}`;
    });
    return `CASE WHEN ${expression} IS NULL THEN NULL ELSE struct_pack(${members.join(", ")}) END`;
  }
  if (type.type === "list") {
    const element = listElement(node);
    if (!element) return `CAST(${expression} AS ${sqlType(type)})`;
    const item = `e${depth}`;
    return `list_transform(${expression}, lambda ${item}: ${convert(item, type.element, element, depth + 1)})`;
  }
  if (type.type === "map") {
    const [key, value] = node.children[0]?.children ?? [];
    if (!key || !value) return `CAST(${expression} AS ${sqlType(type)})`;
    const item = `e${depth}`;
    const k = convert(`struct_extract(${item}, 'key')`, type.key, key, depth + 1);
    const v = convert(`struct_extract(${item}, 'value')`, type.value, value, depth + 1);
    const entries = `list_transform(map_entries(${expression}), lambda ${item}: struct_pack(k := ${k}, v := ${v}))`;
    return `CASE WHEN ${expression} IS NULL THEN NULL ELSE map_from_entries(${entries}) END`;
  }
  return castPrimitive(expression, type, node);
}

function castPrimitive(expression: string, type: IcebergType, node: ParquetNode): string {
  const bytes = node.physicalType === "BYTE_ARRAY" || node.physicalType === "FIXED_LEN_BYTE_ARRAY";
  // A plain cast between text, bytes and UUIDs would go through DuckDB's escaped notation and change the value.
  if (bytes && !node.logicalType) {
    if (type.type === "uuid") return `CAST(hex(${expression}) AS UUID)`;
    if (type.type === "string") return `decode(${expression})`;
  }
  if (node.logicalType?.kind === "string" && sqlType(type) === "BLOB") return `encode(${expression})`;
  if (type.type === "variant") {
    const message = quoteString("a column of the type variant cannot be read by SQL yet");
    return `CAST(error(${message}) AS VARCHAR)`;
  }
  return `CAST(${expression} AS ${sqlType(type)})`;
}

/** True where DuckDB reads `node` as `type` as it is: same types, and the same children in the same order. */
function same(type: IcebergType, node: ParquetNode): boolean {
  switch (type.type) {
    case "struct":
      return (
        type.fields.length === node.children.length &&
        type.fields.every((field, i) => {
          const child = node.children[i];
          return child?.fieldId === field.id && child.name === field.name && same(field.type, child);
        })
      );
    case "list": {
      const element = listElement(node);
      return element?.fieldId === type.elementId && same(type.element, element);
    }
    case "map": {
      const [key, value] = node.children[0]?.children ?? [];
      return key !== undefined && value !== undefined && same(type.key, key) && same(type.value, value);
    }
    default:
      return parquetSqlType(node) === sqlType(type);
  }
}

/**
 * The element of a list node. Writers of old put the element where the repeated group is now (parquet-format,
 * LogicalTypes, "Backward-compatibility rules").
 */
function listElement(node: ParquetNode): ParquetNode | undefined {
  const repeated = node.children[0];
  if (!repeated) return undefined;
  const wrapped =
    repeated.children.length === 1 && repeated.name !== "array" && !repeated.name.endsWith("_tuple");
  return wrapped ? repeated.children[0] : repeated;
}
