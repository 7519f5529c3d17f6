import {
  dayRange,
  describeDays,
  type IcebergType,
  type NestedField,
  type PrimitiveType,
} from "../../iceberg/index.js";
import { isShreddedStruct, listElement, mapEntry, type ParquetNode } from "../../parquet/index.js";
import { columnName, foldName, isSpeakable, memberNames } from "../text/names.js";
import { quoteIdentifier, quoteString } from "../text/tokens.js";
import { exactly, isOfAnotherKind, isReadAs, onlyNull } from "../types/misfits.js";
import { primitiveSqlType } from "../types/primitives.js";
import { parquetSqlType, sqlLiteral, sqlType } from "../types/sql-types.js";

/**
 * The SELECT list that reads the columns of a table out of files of one Parquet schema. Columns are found by field id
 * at every depth (spec, "Column Projection"), so renamed, moved, dropped and re-added fields come out right; a field
 * that the files lack takes `missing`, else its initial default, else null.
 *
 * @param facts of the files beside their schema.
 */
export function projection(fields: readonly NestedField[], file: ParquetNode, facts: FileFacts): string[] {
  const places = placesById(file.children);
  return fields.map((field) => {
    const at = places.get(field.id) ?? -1;
    const node = file.children[at];
    const value = node
      ? convert(`f.${fileColumn(at)}`, field.type, node, { ...facts, depth: 0 })
      : absent(field, facts);
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

/** What is known of files beside their schema. */
export interface FileFacts {
  /** SQL for fields that files may lack and their partition values tell. */
  readonly missing: ReadonlyMap<number, string>;
  /**
   * False for a column of floats of which the files' metrics prove that no value is NaN, unless the files may have Bloom
   * filters that tell 0 and -0 apart.
   */
  readonly mayMislead: (id: number) => boolean;
}

function absent(field: NestedField, { missing }: FileFacts): string {
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

/** How many of some nodes have each name, as DuckDB compares; none has any where one of them cannot be said. */
function nameCounts(nodes: readonly ParquetNode[]): ReadonlyMap<string, number> {
  const known = counted.get(nodes);
  if (known) return known;
  const counts = new Map<string, number>();
  if (nodes.every(({ name }) => isSpeakable(name))) {
    for (const { name } of nodes) counts.set(foldName(name), (counts.get(foldName(name)) ?? 0) + 1);
  }
  counted.set(nodes, counts);
  return counts;
}

/**
 * SQL for a member of a struct: by name, which DuckDB reads alone, unless the name is not the only one for DuckDB. One
 * without a name among them makes it take the struct for one without any.
 */
function memberSql(parent: string, siblings: readonly ParquetNode[], at: number): string {
  const name = siblings[at]?.name ?? "";
  return nameCounts(siblings).get(foldName(name)) === 1
    ? `struct_extract(${parent}, ${quoteString(name)})`
    : `struct_extract_at(${parent}, ${at + 1})`;
}

/** SQL for one field, at the top or inside structs, of files of one Parquet schema; `undefined` where they lack it. */
export function columnSql(
  { id, type }: NestedField,
  file: ParquetNode,
  facts: FileFacts,
): string | undefined {
  const found = findNode(file.children, id);
  return found && convert(found.sql, type, found.node, { ...facts, depth: 0 });
}

/**
 * SQL for the value that a read of a field gives, whether files of one Parquet schema have it or not (spec, "Column
 * Projection"): also of one inside a struct that is null, or that the files lack as a whole.
 *
 * @param path the field with the structs around it, outermost first.
 */
export function projectedSql(path: readonly NestedField[], file: ParquetNode, facts: FileFacts): string {
  const field = path.at(-1) as NestedField;
  const stored = columnSql(field, file, facts);
  if (stored !== undefined) return stored;
  const outer = path.at(-2);
  if (outer?.type.type !== "struct") return absent(field, facts);
  const struct = findNode(file.children, outer.id);
  if (struct) return `CASE WHEN ${struct.sql} IS NULL THEN NULL ELSE ${absent(field, facts)} END`;
  const place = outer.type.fields.findIndex(({ id }) => id === field.id);
  return `struct_extract_at(${projectedSql(path.slice(0, -1), file, facts)}, ${place + 1})`;
}

/** Where a field is stored, found by its id through structs. */
function findNode(
  nodes: readonly ParquetNode[],
  id: number,
  parent?: string,
): { readonly sql: string; readonly node: ParquetNode } | undefined {
  for (const [at, node] of nodes.entries()) {
    const sql = parent ? memberSql(parent, nodes, at) : `f.${fileColumn(at)}`;
    if (node.fieldId === id) return { sql, node };
    const inner = node.logicalType ? undefined : findNode(node.children, id, sql);
    if (inner) return inner;
  }
  return undefined;
}

interface Conversion extends FileFacts {
  /** How many lambdas are around. */
  readonly depth: number;
}

/** SQL for `expression`, read from `node`, as a value of `type`. Gives `expression` itself where that is one already. */
function convert(expression: string, type: IcebergType, node: ParquetNode, at: Conversion): string {
  if (same(type, node) && !mayMislead(type, node, at)) return expression;
  if (node.logicalType?.kind === "null") return `NULL::${sqlType(type)}`;
  if (isOfAnotherKind(type, node)) return onlyNull(expression, type, node);
  if (type.type === "struct") {
    const names = memberNames(type.fields);
    const places = placesById(node.children);
    const members = type.fields.map((field, i) => {
      const place = places.get(field.id) ?? -1;
      const child = node.children[place];
      const value = child
        ? convert(memberSql(expression, node.children, place), field.type, child, at)
        : absent(field, at);
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
  if (mayMislead(type, node, at)) return withoutBounds(expression, type, node);
  return castPrimitive(expression, type, node);
}

/**
 * Whether what the file says of a float, at the top or inside structs, may not be true of all values. DuckDB asks for
 * nothing of it inside lists and maps.
 */
function mayMislead(type: IcebergType, node: ParquetNode, facts: FileFacts): boolean {
  if (type.type === "float" || type.type === "double") {
    return node.fieldId === undefined || facts.mayMislead(node.fieldId);
  }
  if (type.type !== "struct") return false;
  return type.fields.some((field) => {
    const child = node.children.find(({ fieldId }) => fieldId === field.id);
    return child !== undefined && mayMislead(field.type, child, facts);
  });
}

/**
 * The bounds in a Parquet footer leave NaN out (parquet-format, "Statistics"), and DuckDB takes them for bounds of all
 * values: it would drop NaN from what is above every number, and take it in below. It asks a Bloom filter for the bytes of
 * 0, and drops -0. A product has neither, and that with 1 is the same number.
 */
function withoutBounds(expression: string, type: PrimitiveType, node: ParquetNode): string {
  const value = same(type, node) ? expression : castPrimitive(expression, type, node);
  return `(${value} * 1::${sqlType(type)})`;
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

function castPrimitive(expression: string, type: PrimitiveType, node: ParquetNode): string {
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
  if (!isReadAs(type, node)) return exactly(expression, type, node);
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
      return parquetSqlType(node) === primitiveSqlType(type);
  }
}
