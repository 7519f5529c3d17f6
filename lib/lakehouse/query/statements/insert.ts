import type { DuckDBType } from "@duckdb/node-api";
import type * as arrow from "apache-arrow";
import { type NestedField, type Schema, schemaToArrow, storedSchema } from "../../iceberg/index.js";
import { invalidSql } from "../errors.js";
import { execute } from "../result/execute.js";
import type { QueriedTable, QueryResult } from "../result/query-result.js";
import type { Use } from "../result/use.js";
import { compose, type Piece, type Span } from "../text/compose.js";
import { fromByteString, isKeyword, toByteString } from "../text/tokens.js";
import type { QueryPart, Statement, StatementContext } from "./context.js";
import type { Cursor } from "./cursor.js";
import { type Beginning, refusePart } from "./kind.js";
import { columnsNamed, loadTarget, tableName } from "./names.js";
import { countResult } from "./outcome.js";
import { castPieces, defaultSql, storedSql, valueError } from "./values.js";

/** `INSERT INTO t [(columns)] [BY NAME] VALUES … | query | DEFAULT VALUES`. */
export async function insert(
  { with: withClause, cursor }: Beginning,
  statement: Statement,
  context: StatementContext,
): Promise<QueryResult> {
  if (cursor.is("OR")) throw onConflict(cursor);
  cursor.expect("INTO");
  const target = tableName(cursor.path(), statement, context);
  if (cursor.take("AS")) cursor.name();
  const names = isColumnList(cursor) ? cursor.parentheses().list((_, item) => item.name()) : undefined;
  const byName = cursor.take("BY", "NAME");
  cursor.take("BY", "POSITION");
  const table = await loadTarget(target, context);
  const { schema } = table;
  const columns = names === undefined ? schema.fields : columnsNamed(schema, names, table.name);
  const query = rowsQuery(cursor, columns, table.name);
  if (!cursor.isDone) throw cursor.is("RETURNING") ? returning(cursor) : onConflict(cursor);
  const { text } = cursor;
  const reading = await readRows(context, statement, compose(text, [withClause, ...query]), (found) =>
    byName
      ? { fields: schema.fields, given: columnsNamed(schema, found, table.name) }
      : { fields: schema.fields, given: sameNumber(columns, found.length, table.name) },
  );
  try {
    const { signal } = statement.options;
    await table.append(reading.batches(schema), { message: `INSERT INTO ${table.name}`, signal });
    return await countResult(context.relations, reading.count, reading.tables);
  } finally {
    reading.close();
  }
}

/** Whether what comes next is a list of columns, and no query in parentheses. */
function isColumnList(cursor: Cursor): boolean {
  if (!cursor.isSymbol("(")) return false;
  const { at } = cursor;
  const inside = cursor.parentheses();
  const isNames = inside.list((_, item) => item.isName && item.peek(1) === undefined).every(Boolean);
  const isFollowed =
    cursor.isSymbol("(") ||
    isKeyword(cursor.peek(), "VALUES", "SELECT", "WITH", "FROM", "TABLE", "DEFAULT", "BY");
  cursor.at = at;
  return isNames && isFollowed;
}

const isEnd = (cursor: Cursor) => cursor.is("RETURNING") || cursor.is("ON", "CONFLICT");

/** The rows that are to be inserted, as a query. Values become their columns' one by one: a list of them has no common type. */
function rowsQuery(cursor: Cursor, columns: readonly NestedField[], table: string): readonly Piece[] {
  if (cursor.take("DEFAULT", "VALUES")) return [`SELECT ${columns.map(defaultSql).join(", ")}`];
  if (!cursor.is("VALUES")) return ["SELECT * FROM (", cursor.until(isEnd), "\n)"];
  cursor.take("VALUES");
  const rows = cursor.list((_, row) => row.parentheses().list(valueIn), isEnd);
  return ["VALUES ", ...joined(rows.map((row) => valuesRow(row, columns, table)))];
}

/** A value in a statement; `undefined` for the word DEFAULT. */
export type GivenValue = Span | undefined;

export function valueIn(span: Span, item: Cursor): GivenValue {
  return item.is("DEFAULT") && item.peek(1) === undefined ? undefined : span;
}

function valuesRow(
  row: readonly GivenValue[],
  columns: readonly NestedField[],
  table: string,
): readonly Piece[] {
  sameNumber(columns, row.length, table);
  return ["(", ...joined(columns.map((field, i) => givenPieces(field, row[i]))), ")"];
}

export function givenPieces(field: NestedField, value: GivenValue): readonly Piece[] {
  return value === undefined ? [defaultSql(field)] : castPieces(field, [value]);
}

export function joined(parts: readonly (readonly Piece[])[]): Piece[] {
  return parts.flatMap((part, i) => (i === 0 ? part : [", ", ...part]));
}

export function sameNumber(
  columns: readonly NestedField[],
  values: number,
  table: string,
): readonly NestedField[] {
  if (columns.length === values) return columns;
  throw invalidSql(
    table,
    `A row for ${table} takes ${counted(columns.length)}, and has ${values} here.`,
    "Name the columns that the values are for: INSERT INTO … (a, b) …, or take them BY NAME.",
  );
}

const counted = (values: number): string => (values === 1 ? "1 value" : `${values} values`);

/** The columns of a table, and which of them a query gives, in its order. */
interface Filled {
  readonly fields: readonly NestedField[];
  readonly given: readonly NestedField[];
}

/** Rows that are read while they are written. */
export interface Reading {
  /** How many have been read. */
  readonly count: bigint;
  readonly tables: readonly QueriedTable[];
  /** Can be read once. */
  batches(schema: Schema): AsyncGenerator<arrow.RecordBatch, void, undefined>;
  /** Ends it, wherever it is. */
  close(): void;
}

/**
 * Begins to read the rows of a query as those of a table. Memory stays flat.
 *
 * @param fill says what the columns of the query, by their names, are to the table.
 */
export async function readRows(
  context: StatementContext,
  statement: Statement,
  query: ReturnType<typeof compose>,
  fill: (names: readonly string[], types: readonly DuckDBType[]) => Filled,
): Promise<Reading> {
  return context.relations.use(async (use) => {
    const part = await context.prepare(query, statement, use);
    const { names, types } = await describeQuery(part, statement, use);
    const { fields, given } = fill(names, types);
    let count = 0n;
    return {
      get count() {
        return count;
      },
      tables: use.tables,
      close: use.release,
      async *batches(schema) {
        const stored = storedSchema({ ...schema, fields });
        const { head, tail } = await filledSql(use, stored.fields, given, names.length);
        const onError = (cause: unknown) =>
          valueError(cause, statement.source, (position) => part.original(position - head.length));
        const bytes = `${head}${part.bytes}${tail}`;
        const result = await execute(use, {
          bytes,
          onError,
          schema: schemaToArrow(stored),
        });
        for await (const batch of result.batches()) {
          count += BigInt(batch.numRows);
          yield batch;
        }
      },
    };
  });
}

/** SQL before and behind a query that makes rows of a table of its columns. */
async function filledSql(
  use: Use,
  fields: readonly NestedField[],
  given: readonly NestedField[],
  columns: number,
): Promise<{ readonly head: string; readonly tail: string }> {
  const names = Array.from({ length: columns }, (_, i) => `i${i}`);
  const values = fields.map((field) => {
    const place = given.findIndex(({ id }) => id === field.id);
    const pieces = place < 0 ? [defaultSql(field)] : castPieces(field, [names[place] as string]);
    return pieces.join("");
  });
  const cast = fields.map((_, i) => `v${i}`);
  const inner = `SELECT ${values.map((value, i) => `${value} AS v${i}`).join(", ")} FROM (`;
  const tail = `\n) AS q(${names.join(", ")})`;
  const typed = fields.map((field, i) => `${defaultSql({ ...field, writeDefault: null })} AS v${i}`);
  const stored = await storedSql(use, fields, cast, `(SELECT ${typed.join(", ")})`);
  return { head: toByteString(`SELECT ${stored.join(", ")} FROM (${inner}`), tail: toByteString(`${tail})`) };
}

/** The names and types of a query's columns. */
export async function describeQuery(
  { bytes, original, renamed }: QueryPart,
  { source }: Statement,
  use: Use,
) {
  try {
    const prepared = await use.connection.prepare(fromByteString(bytes));
    const places = Array.from({ length: prepared.columnCount }, (_, i) => i);
    const names = places.map((i) => renamed?.get(prepared.columnName(i)) ?? prepared.columnName(i));
    const types = places.map((i) => prepared.columnType(i));
    prepared.destroySync();
    return { names, types };
  } catch (error) {
    throw valueError(error, source, original);
  }
}

function onConflict(cursor: Cursor) {
  return refusePart(
    cursor,
    "An Iceberg table has no unique keys that an INSERT could be in conflict with.",
    "Write MERGE INTO … USING … ON … WHEN MATCHED THEN UPDATE … WHEN NOT MATCHED THEN INSERT …, or use table.upsert(rows, { on }).",
  );
}

export function returning(cursor: Cursor) {
  return refusePart(cursor, "RETURNING is not done here.", "Read the rows by a SELECT.");
}
