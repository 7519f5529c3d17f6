import { dayRange, describeDays, type IcebergType, type NestedField } from "../../iceberg/index.js";
import { isShreddedStruct, type ParquetNode } from "../../parquet/index.js";
import { quoteIdentifier, quoteString } from "../sql/tokens.js";
import { columnName, foldName, isSpeakable, memberNames } from "./names.js";
import { listElement, mapEntry } from "./parquet-nodes.js";
import { parquetSqlType, sqlLiteral, sqlType } from "./sql-types.js";

/**
 * The SELECT list that reads the columns of a table out of files of one Parquet schema. Columns are found by field id
 * at every depth (spec, "Column Projection"), so renamed, moved, dropped and re-added fields come out right; a field
 * that the files lack takes `missing`, else its initial default, else null.
 *
 * @param missing SQL for fields that files may lack and their partition values tell.
 */
export function projection(
  fields: readonly NestedField[],
  file: ParquetNode,
  missing: ReadonlyMap<number, string> = new Map(),
): string[] {
  const places = placesById(file.children);
  return fields.map((field) => {
    const at = places.get(field.id) ?? -1;
    const node = file.children[at];
    const value = node
      ? convert(`f.${fileColumn(at)}`, field.type, node, { missing, depth: 0 })
      : absent(field, missing);
    return `${value} AS ${columnName(field)}`;
  });
}

/**
 * The name that a file's column has in SQL: by its place. DuckDB takes names that differ by case alone for one, and
 * so for two columns of one file.
 */
export function fileColumn(place: number): string {
  return `p${place}`;
}

function absent(field: NestedField, missing: ReadonlyMap<number, string>): string {
  return missing.get(field.id) ?? sqlLiteral(field.type, field.initialDefault ?? null);
}

/** The places of nodes by their field ids; of two with one id the first. */
function placesById(nodes: readonly ParquetNode[]): ReadonlyMap<number, number> {
  const places = new Map<number, number>();
  for (const [at, { fieldId }] of nodes.entries())
    if (fieldId !== undefined && !places.has(fieldId)) places.set(fieldId, at);
  return places;
}

const counted = new WeakMap<readonly ParquetNode[], ReadonlyMap<string, number>>();

/** How many of some nodes have each name, as DuckDB compares. */
function nameCounts(nodes: readonly ParquetNode[]): ReadonlyMap<string, number> {
  const known = counted.get(nodes);
  if (known) return known;
  const counts = new Map<string, number>();
  for (const { name } of nodes) counts.set(foldName(name), (counts.get(foldName(name)) ?? 0) + 1);
  counted.set(nodes, counts);
  return counts;
}

/** SQL for a member of a struct: by name, which DuckDB reads alone, unless the name is not the only one for DuckDB. */
function memberSql(parent: string, siblings: readonly ParquetNode[], at: number): string {
  const name = siblings[at]?.name ?? "";
  const alone = nameCounts(siblings).get(foldName(name)) === 1;
  return alone && isSpeakable(name)
    ? `struct_extract(${parent}, ${quoteString(name)})`
    : `struct_extract_at(${parent}, ${at + 1})`;
}

/** SQL for one field, at the top or inside structs, of files of one Parquet schema; null where they lack it. */
export function columnSql(
  id: number,
  type: IcebergType,
  file: ParquetNode,
  missing: ReadonlyMap<number, string>,
): string {
  const search = (nodes: readonly ParquetNode[], parent?: string): string | undefined => {
    for (const [at, node] of nodes.entries()) {
      const path = parent ? memberSql(parent, nodes, at) : `f.${fileColumn(at)}`;
      if (node.fieldId === id) return convert(path, type, node, { missing, depth: 0 });
      const inner = node.logicalType ? undefined : search(node.children, path);
      if (inner) return inner;
    }
    return undefined;
  };
  return search(file.children) ?? missing.get(id) ?? `NULL::${sqlType(type)}`;
}

interface Conversion {
  readonly missing: ReadonlyMap<number, string>;
  /** How many lambdas are around. */
  readonly depth: number;
}

/** SQL for `expression`, read from `node`, as a value of `type`. Gives `expression` itself where that is one already. */
function convert(expression: string, type: IcebergType, node: ParquetNode, at: Conversion): string {
  if (same(type, node)) return expression;
  if (type.type === "struct") {
    const names = memberNames(type.fields);
    const places = placesById(node.children);
    const members = type.fields.map((field, i) => {
      const place = places.get(field.id) ?? -1;
      const child = node.children[place];
      const value = child
        ? convert(memberSql(expression, node.children, place), field.type, child, at)
        : absent(field, at.missing);
      return `${quoteIdentifier(names[i] as string)} := ${value}`;
    });
    return `CASE WHEN ${expression} IS NULL THEN NULL ELSE struct_pack(${members.join(", ")}) END`;
  }
  if (type.type === "list") {
    const element = listElement(node);
    if (!element) return `CAST(${expression} AS ${sqlType(type)})`;
    const item = `e${at.depth}`;
    const inside = convert(item, type.element, element, { ...at, depth: at.depth + 1 });
    return `list_transform(${expression}, lambda ${item}: ${inside})`;
  }
  if (type.type === "map") {
    const entry = mapEntry(node);
    if (!entry) return `CAST(${expression} AS ${sqlType(type)})`;
    const item = `e${at.depth}`;
    const inside = { ...at, depth: at.depth + 1 };
    const k = convert(`struct_extract(${item}, 'key')`, type.key, entry[0], inside);
    const v = convert(`struct_extract(${item}, 'value')`, type.value, entry[1], inside);
    const entries = `list_transform(map_entries(${expression}), lambda ${item}: struct_pack(k := ${k}, v := ${v}))`;
    return `CASE WHEN ${expression} IS NULL THEN NULL ELSE map_from_entries(${entries}) END`;
  }
  if (type.type === "variant") return variantSql(expression, node);
  return castPrimitive(expression, type, node);
}

/**
 * A variant's two parts. DuckDB puts together what a writer shredded; for it a variant that is null is a missing one. A
 * plain struct has the parts as they are, unless it has a third, which nothing says is a variant's: a row that uses that
 * is refused, and not read in part.
 */
function variantSql(expression: string, node: ParquetNode): string {
  const part = (name: string) => `struct_extract(${expression}, '${name}')`;
  const none = `CASE WHEN ${expression} IS NULL THEN NULL`;
  if (node.logicalType?.kind === "variant") {
    const parts = `variant_to_parquet_variant(${expression})::${sqlType({ type: "variant" })}`;
    return node.repetition === "required" ? parts : `${none} ELSE ${parts} END`;
  }
  const whole = `struct_pack(metadata := ${part("metadata")}, "value" := ${part("value")})`;
  if (!isShreddedStruct(node)) return `${none} ELSE ${whole} END`;
  const refusal = quoteString(`${node.name} is a shredded variant that its file does not call so`);
  return `${none} WHEN ${part("typed_value")} IS NULL THEN ${whole} ELSE error(${refusal}) END`;
}

function castPrimitive(expression: string, type: IcebergType, node: ParquetNode): string {
  const bytes = node.physicalType === "BYTE_ARRAY" || node.physicalType === "FIXED_LEN_BYTE_ARRAY";
  // A plain cast between text, bytes and UUIDs would go through DuckDB's escaped notation and change the value.
  if (bytes && !node.logicalType) {
    if (type.type === "uuid") return `CAST(hex(${expression}) AS UUID)`;
    if (type.type === "string") return `decode(${expression})`;
  }
  if (node.logicalType?.kind === "string" && sqlType(type) === "BLOB") return `encode(${expression})`;
  if (node.logicalType?.kind === "geometry" || node.logicalType?.kind === "geography") {
    return `ST_AsWKB(${expression})`;
  }
  const range = node.logicalType?.kind === "date" ? dayRange(type) : undefined;
  if (range !== undefined) return datedSql(expression, type, range, node.name);
  return `CAST(${expression} AS ${sqlType(type)})`;
}

/** A date as a timestamp, which reaches less far: beyond it reading has to fail (spec, "Schema Evolution"). */
function datedSql(
  date: string,
  type: IcebergType,
  range: NonNullable<ReturnType<typeof dayRange>>,
  name: string,
): string {
  const day = (days: number) => `(DATE '1970-01-01' + ${days}::INTEGER)`;
  const problem = `Row %s of its file has the date %s in the column ${name.replaceAll("%", "%%")}, and ${type.type} goes from ${describeDays(range)}`;
  const refusal = `error(printf(${quoteString(problem)}, f.file_row_number::VARCHAR, ${date}::VARCHAR))`;
  return `CASE WHEN ${date} < ${day(range.first)} OR ${date} > ${day(range.last)} THEN ${refusal} ELSE CAST(${date} AS ${sqlType(type)}) END`;
}

/** True where DuckDB reads `node` as `type` as it is: same types, and the same children in the same order. */
function same(type: IcebergType, node: ParquetNode): boolean {
  switch (type.type) {
    case "struct": {
      if (type.fields.length !== node.children.length) return false;
      const names = memberNames(type.fields);
      return type.fields.every((field, i) => {
        const child = node.children[i];
        return child?.fieldId === field.id && child.name === names[i] && same(field.type, child);
      });
    }
    case "list": {
      const element = listElement(node);
      return element?.fieldId === type.elementId && same(type.element, element);
    }
    case "map": {
      const entry = mapEntry(node);
      return entry !== undefined && same(type.key, entry[0]) && same(type.value, entry[1]);
    }
    default:
      return parquetSqlType(node) === sqlType(type);
  }
}
