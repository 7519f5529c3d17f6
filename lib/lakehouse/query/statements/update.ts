import type { NestedField, Table } from "../../iceberg/index.js";
import { invalidSql } from "../errors.js";
import type { QueryResult } from "../result/query-result.js";
import type { Piece, Span } from "../text/compose.js";
import { columnName } from "../text/names.js";
import { fromByteString, isKeyword, quoteIdentifier } from "../text/tokens.js";
import type { ChangeNames, ChangeQuery } from "./change.js";
import type { Statement, StatementContext } from "./context.js";
import type { Cursor } from "./cursor.js";
import { type GivenValue, givenPieces, joined, returning, valueIn } from "./insert.js";
import type { Beginning } from "./kind.js";
import { columnsNamed } from "./names.js";
import { changeTable, targetPieces } from "./rows.js";

/** A column's new value, as a statement says it. */
export interface Assignment {
  readonly name: string;
  readonly value: GivenValue;
}

/** Reads `a = 1, (b, c) = (2, DEFAULT), …`, up to one of some places. */
export function assignments(cursor: Cursor, stops: (cursor: Cursor) => boolean): readonly Assignment[] {
  return cursor.list((_, item) => assignment(item), stops).flat();
}

function assignment(item: Cursor): readonly Assignment[] {
  if (!item.isSymbol("(")) {
    const name = item.name();
    item.expectSymbol("=");
    return [{ name, value: rest(item) }];
  }
  const names = item.parentheses().list((_, each) => each.name());
  item.expectSymbol("=");
  item.take("ROW");
  const values = names.length === 1 && !item.isSymbol("(") ? [rest(item)] : item.parentheses().list(valueIn);
  if (names.length === values.length && item.isDone) {
    return names.map((name, i) => ({ name, value: values[i] }));
  }
  throw invalidSql(
    fromByteString(item.text),
    `${names.length} columns are set to ${item.isDone ? `${values.length} values` : "an expression"}.`,
    "Write one value for each: SET (a, b) = (1, 2), or SET a = 1, b = 2.",
  );
}

function rest(item: Cursor): GivenValue {
  const { at } = item;
  const span = item.until(() => false);
  item.at = at;
  const value = valueIn(span, item);
  item.until(() => false);
  return value;
}

/** The struct of a change: its number, and values for columns, in the order and of the types that all of its kind have. */
export function changeStruct(
  number: readonly Piece[],
  columns: readonly NestedField[],
  given: ReadonlyMap<NestedField, readonly Piece[]>,
): readonly Piece[] {
  const members = columns.map((field): readonly Piece[] => [
    `${columnName(field)} := `,
    ...(given.get(field) ?? givenPieces({ ...field, writeDefault: undefined }, undefined)),
  ]);
  return ["struct_pack(", ...joined([["a := ", ...number], ...members]), ")"];
}

/** What assignments give to which columns. */
export function assigned(
  set: readonly Assignment[],
  { schema, name }: Pick<Table, "schema" | "name">,
): ReadonlyMap<NestedField, readonly Piece[]> {
  const fields = columnsNamed(
    schema,
    set.map((each) => each.name),
    name,
  );
  return new Map(fields.map((field, i) => [field, givenPieces(field, set[i]?.value)]));
}

const UPDATE_END = ["FROM", "WHERE", "RETURNING"] as const;

/** `UPDATE t SET … [FROM …] [WHERE …]`. */
export function update(
  beginning: Beginning,
  statement: Statement,
  context: StatementContext,
): Promise<QueryResult> {
  const { cursor } = beginning;
  const path = cursor.path();
  const alias = cursor.alias("SET");
  cursor.expect("SET");
  const isEnd = ({ at, tokens }: Cursor) =>
    isKeyword(tokens[at], ...UPDATE_END) && !isKeyword(tokens[at - 1], "DISTINCT");
  const set = assignments(cursor, isEnd);
  const from = cursor.take("FROM") ? cursor.untilWords("WHERE", "RETURNING") : undefined;
  const where = whereOf(cursor);
  const query = (table: Table, names: ChangeNames): ChangeQuery => {
    const given = assigned(set, table);
    const columns = [...given.keys()];
    const result = changeStruct(["0"], columns, given);
    const pieces = changePieces({ ...beginning, names, alias, from, where, result });
    return { command: "update", pieces, fates: ["update"], columns: [columns] };
  };
  return changeTable(path, statement, context, query, "UPDATE");
}

/** `DELETE FROM t [USING …] [WHERE …]`, and `TRUNCATE t`. */
export function remove(
  beginning: Beginning,
  statement: Statement,
  context: StatementContext,
): Promise<QueryResult> {
  const { cursor, kind } = beginning;
  if (kind === "DELETE") cursor.expect("FROM");
  else cursor.take("TABLE");
  const path = cursor.path();
  const alias = cursor.alias("USING", "WHERE", "RETURNING");
  const from = cursor.take("USING") ? cursor.untilWords("WHERE", "RETURNING") : undefined;
  const where = whereOf(cursor);
  const query = (_: Table, names: ChangeNames): ChangeQuery => {
    const result = changeStruct(["0"], [], new Map());
    const pieces = changePieces({ ...beginning, names, alias, from, where, result });
    return { command: "delete", pieces, fates: ["delete"], columns: [[]] };
  };
  return changeTable(path, statement, context, query, kind === "DELETE" ? "DELETE FROM" : "TRUNCATE");
}

function whereOf(cursor: Cursor): Span | undefined {
  const where = cursor.take("WHERE") ? cursor.untilWords("RETURNING") : undefined;
  if (cursor.is("RETURNING")) throw returning(cursor);
  cursor.end();
  return where;
}

interface ChangeParts extends Pick<Beginning, "with"> {
  readonly names: ChangeNames;
  readonly alias: string | undefined;
  readonly from: Span | undefined;
  readonly where: Span | undefined;
  readonly result: readonly Piece[];
}

/** The query of a change of the rows of a table that a condition is true for. */
function changePieces(parts: ChangeParts): readonly Piece[] {
  const { names, alias, from, where, result } = parts;
  const place = `${quoteIdentifier(names.task)} AS task, ${quoteIdentifier(names.pos)} AS pos`;
  // Rows of the other tables that say the same are no contradiction.
  return [
    parts.with,
    `SELECT ${from === undefined ? "" : "DISTINCT "}${place}, `,
    ...result,
    " AS r FROM ",
    ...targetPieces(names, alias),
    ...(from === undefined ? [] : [", ", from]),
    ...(where === undefined ? [] : ["\nWHERE ", where]),
  ];
}
