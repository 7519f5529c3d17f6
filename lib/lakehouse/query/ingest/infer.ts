import type { DuckDBConnection, DuckDBType } from "@duckdb/node-api";
import * as arrow from "apache-arrow";
import { invalidArgument } from "../../errors.js";
import {
  arrowToSchema,
  canPromote,
  type IcebergType,
  type IngestOptions,
  type NestedField,
  sameType,
  typeToString,
} from "../../iceberg/index.js";
import { arrowField, castForArrow, gathererFor } from "../arrow/types.js";
import { ask } from "../duckdb/open.js";
import { columnName } from "../text/names.js";
import { quoteString } from "../text/tokens.js";
import { JSON_ALIAS, memberSql } from "../types/fit.js";
import { sqlLiteral } from "../types/sql-types.js";
import type { SourceFile } from "./files.js";
import { toldPlace } from "./folders.js";
import type { Layout, SourceColumn } from "./layouts.js";

/** A column as it is found: without id, and never required. */
export type FoundColumn = Pick<NestedField, "name" | "type">;

const STRING: IcebergType = { type: "string" };
/** What holds 64 bits without a sign, half of which are beyond a long. */
const UNSIGNED: IcebergType = { type: "decimal", precision: 20, scale: 0 };

/** The columns of layouts, each of the narrowest type that holds all of their values. */
export async function inferColumns(
  connection: DuckDBConnection,
  layouts: readonly Layout[],
  isText: boolean,
  cast: NonNullable<IngestOptions["cast"]>,
): Promise<FoundColumn[]> {
  const found = new Map<string, IcebergType>();
  const kinds = new Map<string, number>();
  const told = new Map<string, SourceFile[]>();
  for (const layout of layouts) {
    const { columns, files } = layout;
    if (columns === undefined) return jsonColumns(connection, layout);
    refuseTwice(columns, files[0]?.name ?? "The query");
    if (isText) await addTextKinds(connection, layout, columns, kinds);
    else {
      for (const { name, type } of columns.slice(0, columns.length - layout.told.length)) {
        // A column that is cast may be of any type.
        const own = Object.hasOwn(cast, name) ? STRING : icebergType(name, type);
        found.set(name, union(name, found.get(name), own));
      }
      for (const name of layout.told) told.set(name, [...(told.get(name) ?? []), ...files]);
    }
  }
  for (const [name, bits] of kinds) found.set(name, typeOfKinds(bits));
  for (const [name, files] of told) {
    const own = found.get(name);
    const isText = Object.hasOwn(cast, name) || own?.type === "string";
    found.set(name, isText ? STRING : union(name, own, await folderType(connection, files, name)));
  }
  return [...found].map(([name, type]) => ({ name, type }));
}

function refuseTwice(columns: readonly SourceColumn[], where: string): void {
  const names = columns.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice === undefined) return;
  throw invalidArgument(
    twice,
    `${where} has the column ${JSON.stringify(twice)} twice.`,
    "Give each its own name: with AS in a query, with header: […] for CSV whose header line you took away.",
  );
}

/** The type of a column of a query or of Parquet. */
export function icebergType(name: string, type: DuckDBType): IcebergType {
  const text = String(type);
  if (text === "UBIGINT") return UNSIGNED;
  if (type.alias === JSON_ALIAS || castForArrow(type) === "VARCHAR") return STRING;
  if (text === "VARIANT") return { type: "variant" };
  const { fields } = arrowToSchema(new arrow.Schema([arrowField(name, type, gathererFor(type))]));
  return optionalThroughout((fields[0] as NestedField).type);
}

/** DuckDB does not say what cannot be null. */
function optionalThroughout(type: IcebergType): IcebergType {
  switch (type.type) {
    case "struct":
      return {
        ...type,
        fields: type.fields.map((field) => ({
          ...field,
          required: false,
          type: optionalThroughout(field.type),
        })),
      };
    case "list":
      return { ...type, elementRequired: false, element: optionalThroughout(type.element) };
    case "map":
      return { ...type, valueRequired: false, value: optionalThroughout(type.value) };
    default:
      return type;
  }
}

function union(name: string, a: IcebergType | undefined, b: IcebergType): IcebergType {
  if (a === undefined || sameType(a, b) || canPromote(a, b, 2)) return b;
  if (canPromote(b, a, 2)) return a;
  throw invalidArgument(
    name,
    `Column ${JSON.stringify(name)} is ${typeToString(a)} in one file and ${typeToString(b)} in another.`,
    `Say which it shall be: cast: { ${JSON.stringify(name)}: … }.`,
  );
}

/**
 * What a text can be read as. A number that another program would print in another way is no number: the `00501` of a
 * postal code would come back as `501`.
 */
const KINDS = {
  boolean: `regexp_full_match(v, '(?i:true|false)')`,
  /** An integer that is a double, too. */
  whole: `regexp_full_match(v, '-?(0|[1-9]\\d{0,14})')`,
  long: `regexp_full_match(v, '-?[1-9]\\d{0,18}') AND TRY_CAST(v AS BIGINT) IS NOT NULL`,
  huge: `regexp_full_match(v, '-?[1-9]\\d{0,37}')`,
  double: `regexp_full_match(v, '-?((0|[1-9]\\d*)(\\.\\d*)?|\\.\\d+)([eE][+-]?\\d+)?') AND regexp_matches(v, '[.eE]') AND isfinite(TRY_CAST(v AS DOUBLE))`,
  date: `regexp_full_match(v, '\\d{4}-\\d{2}-\\d{2}') AND TRY_CAST(v AS DATE) IS NOT NULL`,
  timestamp: `regexp_full_match(v, '\\d{4}-\\d{2}-\\d{2}[ T]\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,6})?)?') AND TRY_CAST(v AS TIMESTAMP) IS NOT NULL`,
  timestamptz: `regexp_full_match(v, '\\d{4}-\\d{2}-\\d{2}[ T]\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,6})?)?(Z|[+-]\\d{2}(:\\d{2})?)') AND TRY_CAST(v AS TIMESTAMPTZ) IS NOT NULL`,
  time: `regexp_full_match(v, '([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,6})?')`,
  text: "true",
} as const;

type Kind = keyof typeof KINDS;

const BITS = Object.fromEntries(Object.keys(KINDS).map((kind, i) => [kind, 1 << i])) as Record<Kind, number>;

/** SQL for the kind of a text `v`. */
const KIND = `CASE ${Object.entries(KINDS)
  .map(([kind, test]) => `WHEN ${test} THEN ${BITS[kind as Kind]}`)
  .join(" ")} END`;

/** The type of each set of kinds that one type holds without a change; the first that has them all. */
const TYPES: readonly (readonly [IcebergType, ...Kind[]])[] = [
  [{ type: "boolean" }, "boolean"],
  [{ type: "long" }, "whole", "long"],
  [{ type: "decimal", precision: 38, scale: 0 }, "whole", "long", "huge"],
  [{ type: "double" }, "whole", "double"],
  [{ type: "date" }, "date"],
  [{ type: "timestamp" }, "date", "timestamp"],
  [{ type: "timestamptz" }, "timestamptz"],
  [{ type: "time" }, "time"],
];

function typeOfKinds(bits: number): IcebergType {
  if (bits === 0) return STRING;
  const fits = TYPES.find(([, ...kinds]) => (bits & ~kinds.reduce((all, kind) => all | BITS[kind], 0)) === 0);
  return fits?.[0] ?? STRING;
}

/** The type of what the folders of files tell. */
export async function folderType(
  connection: DuckDBConnection,
  files: readonly SourceFile[],
  name: string,
): Promise<IcebergType> {
  const texts = new Set(files.map(({ folders }) => folders.get(name) ?? null));
  const list = [...texts].map((text) => (text === null ? "NULL" : sqlLiteral({ type: "string" }, text)));
  const from = `(SELECT unnest([${list.join(", ")}]::VARCHAR[]) AS v)`;
  const [row] = await ask(connection, `SELECT bit_or(${KIND}) FROM ${from} WHERE v IS NOT NULL`);
  return typeOfKinds(Number(row?.[0] ?? 0));
}

async function addTextKinds(
  connection: DuckDBConnection,
  layout: Layout,
  columns: readonly SourceColumn[],
  kinds: Map<string, number>,
): Promise<void> {
  // One expression for the values of all columns: DuckDB would take minutes to plan one for each of some thousand.
  const names = columns.map((_, i) => columnName({ id: i })).join(", ");
  const values = `SELECT generate_subscripts([${names}], 1) AS i, unnest([${names}]) AS v FROM ${layout.relation(layout.files)}`;
  const found = await ask(
    connection,
    `SELECT i, bit_or(${KIND}) FROM (${values}) WHERE v IS NOT NULL GROUP BY i`,
  );
  for (const { name } of columns) kinds.set(name, kinds.get(name) ?? 0);
  for (const [i, bits] of found) {
    const { name } = columns[Number(i) - 1] as SourceColumn;
    kinds.set(name, (kinds.get(name) ?? 0) | Number(bits));
  }
}

/** What `json_structure` says of a value: a type's name, an array of its items' structure, or an object of members'. */
type Structure = string | readonly Structure[] | { readonly [name: string]: Structure };

/** The fields of all objects, those of the first one first. */
async function jsonColumns(connection: DuckDBConnection, layout: Layout): Promise<FoundColumn[]> {
  const from = layout.relation(layout.files);
  const first = await ask(connection, `SELECT json_structure(c0) FROM ${from} LIMIT 1`);
  const all = await ask(
    connection,
    `SELECT json_structure(c0) AS s, bool_or(regexp_matches(CAST(c0 AS VARCHAR), '[0-9]{19}')) FROM ${from} GROUP BY s ORDER BY s`,
  );
  const structure = [...first, ...all]
    .map(([text]) => emptiesOf(JSON.parse(text ?? '"NULL"') as Structure))
    .reduce(mergeStructures, "NULL");
  if (structure === "NULL") return [];
  if (!isObject(structure)) {
    throw invalidArgument(
      layout.files[0]?.name ?? "json",
      `${layout.files[0]?.name} holds values that are no objects: a row is an object.`,
    );
  }
  const mayBeHuge = all.some(([, isLong]) => isLong === "true");
  const huge = mayBeHuge ? await hugePaths(connection, from, structure) : new Set<string>();
  const own = Object.entries(structure).map(([name, member]) => ({
    name,
    type: structureType(member, huge, memberPath("$", name)),
  }));
  return withTold(connection, layout, own);
}

/** The fields of objects, and what their files' folders tell of those that do not have it themselves. */
async function withTold(
  connection: DuckDBConnection,
  { told, files, relation }: Layout,
  own: readonly FoundColumn[],
): Promise<FoundColumn[]> {
  const found = new Map(own.map((column) => [column.name, column]));
  for (const folder of told) {
    const column = own.find((each) => toldPlace([folder], each) === 0);
    if (column === undefined) {
      found.set(folder, { name: folder, type: await folderType(connection, files, folder) });
      continue;
    }
    const lacking = await ask(
      connection,
      `SELECT DISTINCT m_file FROM ${relation(files)} WHERE ${memberSql("c0", column.name)} IS NULL`,
    );
    const paths = new Set(lacking.map(([path]) => path));
    const filled = files.filter(({ path, folders }) => paths.has(path) && folders.has(folder));
    if (filled.length === 0) continue;
    const text = await folderType(connection, filled, folder);
    found.set(column.name, { ...column, type: sameType(column.type, text) ? text : STRING });
  }
  return [...found.values()];
}

/** So many expressions are planned at once: thousands would take minutes. */
const PATHS_AT_ONCE = 200;

/** The paths of whole numbers that a long does not hold, which the structure calls by the same names as others. */
async function hugePaths(
  connection: DuckDBConnection,
  from: string,
  structure: Structure,
): Promise<ReadonlySet<string>> {
  const paths = [...wholePaths(structure, "$")];
  const huge = new Set<string>();
  for (let at = 0; at < paths.length; at += PATHS_AT_ONCE) {
    const some = paths.slice(at, at + PATHS_AT_ONCE);
    const largest = some.map((path) => {
      const found = `json_extract(c0, ${quoteString(path)})`;
      const number = path.includes("[*]")
        ? `list_max(list_transform(${found}, lambda n: TRY_CAST(n AS HUGEINT)))`
        : `TRY_CAST(${found} AS HUGEINT)`;
      return `max(${number}) > ${LONG_MAX}`;
    });
    const [row = []] = await ask(connection, `SELECT ${largest.join(", ")} FROM ${from}`);
    for (const [i, path] of some.entries()) if (row[i] === "true") huge.add(path);
  }
  return huge;
}

const LONG_MAX = 2n ** 63n - 1n;

function* wholePaths(structure: Structure, path: string): Generator<string> {
  if (typeof structure === "string") {
    if (structure === "UBIGINT" || structure === "BIGINT" || structure === "HUGEINT") yield path;
  } else if (isObject(structure)) {
    for (const [name, member] of Object.entries(structure)) {
      // A path has no empty name.
      if (name !== "") yield* wholePaths(member, memberPath(path, name));
    }
  } else yield* wholePaths(structure[0] ?? "NULL", `${path}[*]`);
}

const memberPath = (path: string, name: string) => `${path}."${name.replaceAll(/["\\]/g, "\\$&")}"`;

/**
 * DuckDB says "JSON" of an object without members. In a list it says the same of items of several kinds, and has itself
 * brought empty items together with others.
 */
function emptiesOf(structure: Structure): Structure {
  if (structure === "JSON") return {};
  if (!isObject(structure)) return structure;
  return Object.fromEntries(Object.entries(structure).map(([name, member]) => [name, emptiesOf(member)]));
}

function isObject(structure: Structure): structure is { readonly [name: string]: Structure } {
  return typeof structure === "object" && !Array.isArray(structure);
}

function mergeStructures(a: Structure, b: Structure): Structure {
  if (a === "NULL") return b;
  if (b === "NULL") return a;
  if (Array.isArray(a) && Array.isArray(b)) return [mergeStructures(a[0] ?? "NULL", b[0] ?? "NULL")];
  if (isObject(a) && isObject(b)) {
    const merged: Record<string, Structure> = Object.create(null);
    for (const [name, member] of [...Object.entries(a), ...Object.entries(b)]) {
      merged[name] = mergeStructures(merged[name] ?? "NULL", member);
    }
    return merged;
  }
  if (a === b) return a;
  const numbers = ["UBIGINT", "BIGINT", "HUGEINT", "DOUBLE"];
  const place =
    typeof a === "string" && typeof b === "string" ? [numbers.indexOf(a), numbers.indexOf(b)] : [-1];
  return place.includes(-1) ? "VARCHAR" : (numbers[Math.max(...place)] as string);
}

function structureType(structure: Structure, huge: ReadonlySet<string>, path: string): IcebergType {
  if (Array.isArray(structure)) {
    const element = structureType(structure[0] ?? "NULL", huge, `${path}[*]`);
    return { type: "list", elementId: 0, elementRequired: false, element };
  }
  if (isObject(structure)) {
    const members = Object.entries(structure);
    if (members.length === 0) return STRING;
    const fields = members.map(([name, member]) => ({
      id: 0,
      name,
      required: false,
      type: structureType(member, huge, memberPath(path, name)),
    }));
    return { type: "struct", fields };
  }
  switch (structure) {
    case "BOOLEAN":
      return { type: "boolean" };
    case "UBIGINT":
    case "BIGINT":
    // Of a list that has negative numbers and others.
    case "HUGEINT":
      return huge.has(path) ? UNSIGNED : { type: "long" };
    case "DOUBLE":
      return { type: "double" };
    default:
      // Text, only nulls, and what is of several kinds: as JSON.
      return STRING;
  }
}
