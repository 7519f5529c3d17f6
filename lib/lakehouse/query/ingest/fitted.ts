import type { DuckDBConnection, DuckDBType } from "@duckdb/node-api";
import { invalidArgument, nearNames } from "../../errors.js";
import {
  Column,
  type IngestOptions,
  isPrimitiveType,
  type NestedField,
  type Schema,
  typeToString,
} from "../../iceberg/index.js";
import { schemaMismatch } from "../../parquet/index.js";
import { sqlError } from "../duckdb/sql-error.js";
import { aliasOf, columnName, type Edge, edgeOf, foldName } from "../text/names.js";
import { quoteIdentifier, quoteString, toByteString } from "../text/tokens.js";
import { fittedSql, JSON_ALIAS, memberSql, refusalSql } from "../types/fit.js";
import { sqlLiteral, sqlType } from "../types/sql-types.js";
import type { SourceFile } from "./files.js";
import { folderExtra, folderMissing, toldPlace } from "./folders.js";
import { columnsOf, type Layout, type SourceColumn } from "./layouts.js";

/** Between the file and the row of a refusal's place. */
export const ROW = "\u0002";

/** A value of a source, and what DuckDB says that it is. */
interface Value {
  readonly sql: string;
  readonly type: DuckDBType;
}

/**
 * SQL for the rows of a layout as rows of a schema: its columns, in order. What does not fit is an error, at the row
 * that has it.
 *
 * @param numbered the one file whose rows are counted, so that an error can tell which it is.
 * @throws LakehouseError SCHEMA_MISMATCH for columns that are not on both sides, unless the options allow it.
 */
export async function fittedRows(
  connection: DuckDBConnection,
  layout: Layout,
  schema: Schema,
  options: IngestOptions,
  numbered?: SourceFile,
): Promise<string> {
  const { fields } = schema;
  checkCasts(options, fields);
  const files = numbered === undefined ? layout.files : [numbered];
  const where = numbered === undefined ? "m_file" : `m_file || ${quoteString(ROW)} || CAST(m_row AS VARCHAR)`;
  const fit = { where, extraFields: options.extraFields };
  const rows = `(SELECT *${numbered === undefined ? "" : ", row_number() OVER () AS m_row"} FROM ${layout.relation(files)})`;
  const isNumbered = numbered !== undefined;
  const { from, expressions } = await withExpressions(connection, rows, layout, fields, options, isNumbered);
  if (layout.columns !== undefined) checkColumns(layout, layout.columns, fields, options);
  else checkFolders(layout, fields, options);

  const values: string[] = [];
  const conditions = layout.columns === undefined ? [objectGuard(fields, options, where)] : [];
  for (const field of fields) {
    const column = columnOf(layout, field);
    const value = expressions.get(field.name) ?? column;
    const cast = options.cast?.[field.name];
    const target = sqlType(field.type);
    let sql =
      value === undefined
        ? `NULL::${target}`
        : await cell(connection, value, field, cast instanceof Column ? cast : undefined, fit);
    const filled = field.writeDefault ?? null;
    if (filled !== null && (value === undefined || (layout.columns === undefined && value === column))) {
      sql = `CASE WHEN ${value === undefined ? "true" : `${value.sql} IS NULL`} THEN ${sqlLiteral(field.type, filled)} ELSE ${sql} END`;
    }
    if (field.required) {
      const refused = refusalSql(field.name, quoteString("null is no value of a required column"), fit);
      sql = `coalesce(${sql}, ${refused}::${target})`;
    }
    // A column of type unknown has no values, and is not stored.
    if (field.type.type === "unknown") conditions.push(`${sql} IS NULL`);
    else values.push(`${sql} AS ${columnName(field)}`);
  }
  return `SELECT ${values.join(", ")} FROM ${from}${conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`}`;
}

function columnOf(layout: Layout, field: NestedField): Value | undefined {
  const { columns } = layout;
  if (columns === undefined) return { sql: jsonValue(layout, field), type: JSON_TYPE };
  const place = columns.findIndex(({ name }) => name === field.name);
  return place < 0 ? undefined : { sql: columnName({ id: place }), type: columns[place]!.type };
}

/** What an object of JSON has of a field, or else its file's folder. */
function jsonValue({ told }: Layout, field: Named): string {
  const own = memberSql("c0", field.name);
  const place = toldPlace(told, field);
  return place < 0 ? own : `coalesce(${own}, m_folders[${place + 1}])`;
}

/** Its alias is all that is asked of it. */
const JSON_TYPE = { alias: JSON_ALIAS, toString: () => JSON_ALIAS } as DuckDBType;

async function cell(
  connection: DuckDBConnection,
  value: Value,
  field: NestedField,
  cast: Column<unknown, boolean> | undefined,
  fit: { readonly where: string; readonly extraFields: IngestOptions["extraFields"] },
): Promise<string> {
  if (cast === undefined) return fittedSql(value.sql, value.type, field, fit);
  const target = sqlType(cast.type);
  const [{ type } = value] = await columnsOf(connection, `SELECT NULL::${target}`);
  const isText = value.type.alias === JSON_ALIAS && isPrimitiveType(cast.type);
  const source = isText ? `json_extract_string(${value.sql}, '$')` : value.sql;
  const tried = `TRY_CAST(${source} AS ${target})`;
  const problem = `left(CAST(${source} AS VARCHAR), 80) || ${quoteString(` (${value.type}) cannot be cast to ${typeToString(cast.type)}`)}`;
  const refused = refusalSql(field.name, problem, fit);
  const converted = `CASE WHEN ${source} IS NULL OR ${tried} IS NOT NULL THEN ${tried} ELSE ${refused} END`;
  return fittedSql(`(${converted})`, type, field, fit);
}

/** The columns that expressions of casts make, with what DuckDB says that they are. */
export async function expressionColumns(
  connection: DuckDBConnection,
  layout: Layout,
  fields: readonly Named[],
  cast: NonNullable<IngestOptions["cast"]>,
): Promise<SourceColumn[]> {
  const sources = expressionsOf(cast);
  if (sources.length === 0) return [];
  const edge = edgeOfLayout(layout, `(FROM ${layout.relation(layout.files)})`, fields, place("_file"));
  const types = await typesOf(connection, edge, sources);
  return sources.map(({ name }, i) => ({ name, type: (types[i] as SourceColumn).type }));
}

function expressionsOf(cast: NonNullable<IngestOptions["cast"]>): { name: string; sql: string }[] {
  // A comment at an expression's end shall not reach what follows.
  return Object.entries(cast).flatMap(([name, each]) =>
    each instanceof Column ? [] : [{ name, sql: `(${each.sql}\n)` }],
  );
}

async function typesOf(
  connection: DuckDBConnection,
  edge: Edge,
  sources: readonly { readonly name: string; readonly sql: string }[],
): Promise<SourceColumn[]> {
  const list = sources.map(({ sql }) => sql).join(", ");
  try {
    return await columnsOf(connection, `SELECT ${list} FROM (${edge.sql}) AS ${aliasOf(edge)}`);
  } catch (cause) {
    throw sqlError(cause, toByteString(list), () => 0);
  }
}

/** The relation with the values of a user's expressions beside its columns, and these by column. */
async function withExpressions(
  connection: DuckDBConnection,
  rows: string,
  layout: Layout,
  fields: readonly NestedField[],
  { cast = {} }: IngestOptions,
  isNumbered: boolean,
): Promise<{ readonly from: string; readonly expressions: ReadonlyMap<string, Value> }> {
  const sources = expressionsOf(cast);
  const expressions = new Map<string, Value>();
  if (sources.length === 0) return { from: rows, expressions };
  const hasFolders = layout.columns === undefined && layout.told.length > 0;
  const added = [
    ...place("_file"),
    ...(isNumbered ? place("_row") : []),
    ...(hasFolders ? place("_folders") : []),
  ];
  const edge = edgeOfLayout(layout, rows, fields, added);
  const types = await typesOf(connection, edge, sources);
  for (const [i, { name }] of sources.entries()) {
    expressions.set(name, { sql: `v${i}`, type: (types[i] as SourceColumn).type });
  }
  const own = edge.names.map(quoteIdentifier);
  const names = [...edge.columns, ...sources.map((_, i) => `v${i}`)].join(", ");
  const list = [...own, ...sources.map(({ sql }) => sql)].join(", ");
  return { from: `(SELECT ${list} FROM (${edge.sql}) AS ${aliasOf(edge)}) AS q(${names})`, expressions };
}

type Named = Pick<NestedField, "name">;

interface LayoutEdge extends Edge {
  /** What each of its columns is called in a relation again. */
  readonly columns: readonly string[];
}

/** Where expressions see the columns by their names. Those of JSON see each field as its text, and `record`. */
function edgeOfLayout(
  layout: Layout,
  rows: string,
  fields: readonly Named[],
  added: readonly NestedField[],
): LayoutEdge {
  const named = (names: readonly Named[]) =>
    names.flatMap(({ name }) => place(name)).map((field, id) => ({ ...field, id }));
  const more = added.map(({ name }) => `m${name}`);
  const { columns } = layout;
  if (columns !== undefined) {
    const all = named(columns);
    return { ...edgeOf(rows, all, added), columns: [...all.map(columnName), ...more] };
  }
  const record = { name: "record" };
  const all = named([record, ...fields.filter(({ name }) => name !== record.name)]);
  const edge = edgeOf(rows, all, added, (field, column) =>
    field.id === 0 ? column : `json_extract_string(${jsonValue(layout, field)}, '$')`,
  );
  return { ...edge, columns: [...all.map(({ id }) => (id === 0 ? "c0" : `t${id}`)), ...more] };
}

function place(name: string): NestedField[] {
  return [{ id: -1, name, required: false, type: { type: "string" } }];
}

/** Refuses what is no object, and keys that are no columns. */
function objectGuard(fields: readonly NestedField[], { extraFields }: IngestOptions, where: string): string {
  const notObject = refusalSql("*", "'an object was expected, not ' || left(CAST(c0 AS VARCHAR), 80)", {
    where,
  });
  const keys = "json_keys(c0)";
  const twice = refusalSql("*", `'a key is there twice in ' || left(CAST(c0 AS VARCHAR), 80)`, { where });
  const known = `[${fields.map(({ name }) => quoteString(name)).join(", ")}]::VARCHAR[]`;
  const extra = refusalSql(
    "*",
    `'the table has no column ' || to_json(list_filter(${keys}, lambda k: NOT list_contains(${known}, k))[1])::VARCHAR`,
    { where },
  );
  const checks = [
    `WHEN coalesce(json_type(c0), '') <> 'OBJECT' THEN ${notObject}`,
    `WHEN len(list_distinct(${keys})) <> len(${keys}) THEN ${twice}`,
    ...(extraFields === "ignore" ? [] : [`WHEN NOT list_has_all(${known}, ${keys}) THEN ${extra}`]),
  ];
  return `CASE ${checks.join(" ")} ELSE true END`;
}

function checkCasts({ cast = {} }: IngestOptions, fields: readonly NestedField[]): void {
  const names = fields.map(({ name }) => name);
  const unknown = Object.keys(cast).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const near = nearNames(unknown, names);
  throw invalidArgument(
    unknown,
    `A cast names the column ${JSON.stringify(unknown)}, which the table does not have.`,
    near.length === 0 ? undefined : `Did you mean ${near.join(" or ")}?`,
  );
}

/** Columns of the source and of the table are the same, unless the options allow for more or fewer. */
function checkColumns(
  { files, told }: Layout,
  columns: readonly SourceColumn[],
  fields: readonly NestedField[],
  { cast = {}, extraFields, missingFields }: IngestOptions,
): void {
  const where = files[0]?.name ?? "the query";
  const given = columns.map(({ name }) => name);
  const names = fields.map(({ name }) => name);
  const twice = given.find((name, i) => given.indexOf(name) < i && names.includes(name));
  if (twice !== undefined) {
    throw schemaMismatch(
      twice,
      `${capital(where)} has the column ${JSON.stringify(twice)} twice.`,
      "Keep one.",
    );
  }
  const extra = given.filter((name) => !names.includes(name));
  const folder = extra.find((name) => told.includes(name));
  if (folder !== undefined && extraFields !== "ignore") throw folderExtra(folder, files[0] as SourceFile);
  if (extra.length > 0 && extraFields !== "ignore") {
    throw schemaMismatch(
      extra[0] as string,
      `${capital(where)} has ${listed(extra)}, which the table does not have. Its columns are ${names.slice(0, 20).join(", ")}.`,
      'Add them to the table, or leave them out with extraFields: "ignore".',
    );
  }
  const missing = names.filter((name) => !given.includes(name) && !Object.hasOwn(cast, name));
  if (missing.length > 0 && missingFields !== "fill") {
    throw schemaMismatch(
      missing[0] as string,
      `${capital(where)} has no ${listed(missing)}, which the table has. What it has is ${given.slice(0, 20).join(", ")}.`,
      'Fill them with their defaults, or null, with missingFields: "fill".',
    );
  }
}

/** Of files of JSON: what their folders tell is of the table, and all of them tell it, unless the options allow it. */
function checkFolders(
  { files, told }: Layout,
  fields: readonly NestedField[],
  { cast = {}, extraFields, missingFields }: IngestOptions,
): void {
  const names = new Set(fields.map(({ name }) => foldName(name)));
  for (const name of told) {
    const isColumn = names.has(foldName(name));
    const having = files.find(({ folders }) => folders.has(name)) as SourceFile;
    if (!isColumn && extraFields !== "ignore") throw folderExtra(name, having);
    const lacking = files.find(({ folders }) => !folders.has(name));
    if (!isColumn || lacking === undefined || missingFields === "fill" || Object.hasOwn(cast, name)) continue;
    throw folderMissing(
      name,
      lacking,
      'fill the column with its default, or null, with missingFields: "fill", ',
    );
  }
}

function listed(names: readonly string[]): string {
  const shown = names
    .slice(0, 5)
    .map((name) => JSON.stringify(name))
    .join(", ");
  return `column${names.length > 1 ? "s" : ""} ${shown}${names.length > 5 ? ` and ${names.length - 5} more` : ""}`;
}

function capital(text: string): string {
  return text === "the query" ? "The query" : text;
}
