import type { NestedField, Table } from "../../iceberg/index.js";
import { invalidSql } from "../errors.js";
import type { QueryResult } from "../result/query-result.js";
import { compose, type Piece, type Span } from "../text/compose.js";
import { foldName } from "../text/names.js";
import { identifierName, quoteIdentifier, quoteString, type Token } from "../text/tokens.js";
import type { ChangeNames, ChangeQuery, RowFate } from "./change.js";
import type { Statement, StatementContext } from "./context.js";
import type { Cursor } from "./cursor.js";
import { describeQuery, type GivenValue, givenPieces, returning, sameNumber, valueIn } from "./insert.js";
import type { Beginning } from "./kind.js";
import { evaluateSource, type MergeSource } from "./merge-source.js";
import { columnsNamed } from "./names.js";
import { changeTable, targetPieces } from "./rows.js";
import { type Assignment, assigned, assignments, changeStruct } from "./update.js";
import { castPieces } from "./values.js";

/** Which pairs of rows a clause is about. */
type Case = "matched" | "not-matched-by-target" | "not-matched-by-source";

type Action =
  | { readonly kind: "update"; readonly set: readonly Assignment[] }
  | {
      readonly kind: "insert";
      readonly columns: readonly string[] | undefined;
      readonly values: readonly GivenValue[];
    }
  /** All columns of the source, to those of the same names or places. */
  | { readonly kind: "update-all" | "insert-all"; readonly by: "name" | "position" }
  | { readonly kind: "insert-defaults" | "delete" | "nothing" }
  | { readonly kind: "error"; readonly message: Span | undefined };

interface Clause {
  readonly when: Case;
  readonly and: Span | undefined;
  readonly action: Action;
}

interface Merge {
  readonly alias: string | undefined;
  readonly source: Span;
  /** What the source is called, where it is called something. */
  readonly sourceName: string | undefined;
  /** Of `ON …`, or the columns of `USING (…)`. */
  readonly on: Span | readonly string[];
  readonly clauses: readonly Clause[];
}

/** `MERGE INTO t USING source ON … WHEN [NOT] MATCHED [BY SOURCE] [AND …] THEN …`. */
export function merge(
  beginning: Beginning,
  statement: Statement,
  context: StatementContext,
): Promise<QueryResult> {
  const { cursor } = beginning;
  cursor.expect("INTO");
  const path = cursor.path();
  const alias = cursor.alias("USING");
  const parsed = readMerge(cursor, alias);
  const query = async (table: Table, names: ChangeNames): Promise<ChangeQuery> => {
    const needsSource = parsed.clauses.some(({ action }) => action.kind.endsWith("-all"));
    const columns = needsSource ? await sourceColumns(beginning, parsed, statement, context) : [];
    const source = await narrowingSource(beginning, parsed, table, names, statement, context);
    return { ...mergeQuery(beginning, parsed, table, names, columns, source), source };
  };
  return changeTable(path, statement, context, query, "MERGE INTO");
}

/** The source, evaluated before the rest, where rows of the table that match none of it are let be. */
async function narrowingSource(
  { with: withClause, cursor }: Beginning,
  { source, sourceName: name, alias, on, clauses }: Merge,
  table: Table,
  names: ChangeNames,
  statement: Statement,
  context: StatementContext,
): Promise<MergeSource | undefined> {
  if (name === undefined || !["INNER", "RIGHT"].includes(joinOf(clauses))) return undefined;
  // Named in full, its columns would not be found under a name of ours.
  const isNamedInFull = cursor.tokens.some(
    ({ start }, i) =>
      start >= source.end &&
      [1, 3].every((n) => cursor.tokens[i + n]?.text === ".") &&
      foldName(identifierName(cursor.tokens[i + 2] as Token)) === foldName(name),
  );
  if (isNamedInFull) return undefined;
  const join = {
    rows: [withClause, "SELECT * FROM ", source],
    unique: `${names.task} rows`,
    names: { source: name, target: alias ?? table.identifier.name },
    on,
  };
  return evaluateSource(join, table, statement, context);
}

const isWhen = (cursor: Cursor) => cursor.is("WHEN", "MATCHED") || cursor.is("WHEN", "NOT", "MATCHED");

function readMerge(cursor: Cursor, alias: string | undefined): Merge {
  cursor.expect("USING");
  const named = sourceName(cursor);
  const { source, on } = readSource(cursor);
  const clauses: Clause[] = [];
  while (cursor.take("WHEN")) clauses.push(readClause(cursor));
  if (cursor.is("RETURNING")) throw returning(cursor);
  cursor.end();
  return { alias, source, sourceName: named, on, clauses };
}

/** What the source is called: its alias, or the last part of its name. Nothing is passed over. */
function sourceName(cursor: Cursor): string | undefined {
  const { at } = cursor;
  let name: string | undefined;
  if (cursor.isSymbol("(")) cursor.skip();
  else if (cursor.isName) {
    name = cursor.path().parts.at(-1);
    if (cursor.isSymbol("(")) cursor.skip();
  }
  name = cursor.alias("ON", "USING") ?? name;
  cursor.at = at;
  return name;
}

/** The source may be a join, which has an ON or USING of its own: the last one before WHEN is the statement's. */
function readSource(cursor: Cursor): Pick<Merge, "source" | "on"> {
  const start = cursor.at;
  let last: number | undefined;
  cursor.until((each) => {
    if (each.is("ON") || each.is("USING")) last = each.at;
    return isWhen(each);
  });
  const end = cursor.at;
  if (last === undefined) throw cursor.unexpected("ON");
  cursor.at = start;
  const source = cursor.until(({ at }) => at === last);
  if (cursor.take("USING")) {
    return { source, on: cursor.parentheses().list((_, item) => item.name()) };
  }
  cursor.expect("ON");
  return { source, on: cursor.until(({ at }) => at === end) };
}

function readClause(cursor: Cursor): Clause {
  const isNot = cursor.take("NOT");
  cursor.expect("MATCHED");
  const bySource = cursor.take("BY", "SOURCE");
  if (!bySource) cursor.take("BY", "TARGET");
  const when = bySource ? "not-matched-by-source" : isNot ? "not-matched-by-target" : "matched";
  const and = cursor.take("AND") ? cursor.untilWords("THEN") : undefined;
  cursor.expect("THEN");
  return { when, and, action: readAction(cursor) };
}

const isClauseEnd = (cursor: Cursor) => isWhen(cursor) || cursor.is("RETURNING");

function readAction(cursor: Cursor): Action {
  if (cursor.take("DO", "NOTHING")) return { kind: "nothing" };
  if (cursor.take("DELETE")) return { kind: "delete" };
  if (cursor.take("ERROR")) {
    const message = cursor.until(isClauseEnd);
    return { kind: "error", message: message.end > message.start ? message : undefined };
  }
  if (cursor.take("UPDATE")) {
    if (cursor.take("SET")) {
      if (cursor.takeSymbol("*")) return { kind: "update-all", by: "name" };
      return { kind: "update", set: assignments(cursor, isClauseEnd) };
    }
    return { kind: "update-all", by: byOf(cursor) };
  }
  cursor.expect("INSERT");
  if (cursor.take("DEFAULT", "VALUES")) return { kind: "insert-defaults" };
  const columns = cursor.isSymbol("(") ? cursor.parentheses().list((_, item) => item.name()) : undefined;
  if (cursor.take("VALUES")) return { kind: "insert", columns, values: cursor.parentheses().list(valueIn) };
  if (columns !== undefined) throw cursor.unexpected("VALUES");
  return { kind: "insert-all", by: byOf(cursor) };
}

function byOf(cursor: Cursor): "name" | "position" {
  const byName = cursor.take("BY", "NAME");
  if (!byName) cursor.take("BY", "POSITION");
  const star = cursor.takeSymbol("*");
  return byName || star ? "name" : "position";
}

/** The names of the source's columns. */
async function sourceColumns(
  beginning: Beginning,
  { source }: Merge,
  statement: Statement,
  context: StatementContext,
): Promise<readonly string[]> {
  return context.relations.use(async (use) => {
    const query = compose(statement.prepared.text, [beginning.with, "SELECT * FROM ", source]);
    const { names } = await describeQuery(await context.prepare(query, statement, use), statement, use);
    use.release();
    return names;
  });
}

const FATES: { readonly [Kind in Action["kind"]]: RowFate } = {
  update: "update",
  "update-all": "update",
  insert: "insert",
  "insert-all": "insert",
  "insert-defaults": "insert",
  delete: "delete",
  nothing: "none",
  error: "none",
};

function mergeQuery(
  { with: withClause }: Beginning,
  merge: Merge,
  table: Table,
  names: ChangeNames,
  source: readonly string[],
  evaluated: MergeSource | undefined,
): ChangeQuery {
  const { alias, clauses, on, sourceName: name = "" } = merge;
  const from: readonly Piece[] =
    evaluated === undefined
      ? [merge.source]
      : [`${quoteIdentifier(evaluated.target.name)} AS ${quoteIdentifier(name)}`];
  const given = clauses.map(({ action }) => valuesOf(action, table, source, merge));
  const all = table.schema.fields.filter((field) => given.some((values) => values.has(field)));
  const here = quoteIdentifier(`${names.task} source`);
  const task = quoteIdentifier(names.task);
  const conditions: { readonly [Of in Case]: string } = {
    matched: `${task} IS NOT NULL AND ${here}`,
    "not-matched-by-target": `${task} IS NULL`,
    "not-matched-by-source": `${here} IS NULL`,
  };
  const branches = clauses.flatMap(({ when, and, action }, i): readonly Piece[] => [
    ` WHEN ${conditions[when]}`,
    ...(and === undefined ? [] : [" AND (", and, "\n)"]),
    " THEN ",
    ...changeStruct(numberOf(action, i), all, given[i] ?? new Map()),
  ]);
  const joined: readonly Piece[] = [
    ...targetPieces(names, alias),
    ` ${joinOf(clauses)} JOIN (`,
    ...from,
    ` CROSS JOIN (SELECT true AS ${here}) AS ${quoteIdentifier(`${names.task} marker`)})`,
    ...joinCondition(on),
  ];
  const query: readonly Piece[] = [
    withClause,
    `SELECT * FROM (SELECT ${task} AS task, ${quoteIdentifier(names.pos)} AS pos, CASE`,
    ...branches,
    " END AS r FROM ",
    ...joined,
    ") WHERE r IS NOT NULL",
  ];
  return {
    command: "merge",
    pieces: query,
    fates: clauses.map(({ action }) => FATES[action.kind]),
    columns: given.map((values) => [...values.keys()]),
  };
}

/** A clause's number; for ERROR it is one that is never reached. */
function numberOf(action: Action, i: number): readonly Piece[] {
  if (action.kind !== "error") return [String(i)];
  const head = quoteString("MERGE came to a row for which it says ERROR");
  if (action.message === undefined) return [`CAST(error(${head}) AS INTEGER)`];
  return [`CAST(error(concat(${head}, ': ', `, action.message, "\n)) AS INTEGER)"];
}

/** Only as many rows are joined as there are clauses about. */
function joinOf(clauses: readonly Clause[]): "INNER" | "LEFT" | "RIGHT" | "FULL" {
  const left = clauses.some(({ when }) => when === "not-matched-by-source");
  const right = clauses.some(({ when }) => when === "not-matched-by-target");
  if (left && right) return "FULL";
  return left ? "LEFT" : right ? "RIGHT" : "INNER";
}

/** By USING, the columns' names alone mean both sides. */
function joinCondition(on: Merge["on"]): readonly Piece[] {
  if (isSpan(on)) return [" ON (", on, "\n)"];
  return [` USING (${on.map(quoteIdentifier).join(", ")})`];
}

function isSpan(on: Merge["on"]): on is Span {
  return "start" in on;
}

/** What an action gives to which columns. */
function valuesOf(
  action: Action,
  table: Table,
  source: readonly string[],
  { sourceName: name }: Merge,
): ReadonlyMap<NestedField, readonly Piece[]> {
  const { fields } = table.schema;
  switch (action.kind) {
    case "update":
      return assigned(action.set, table);
    case "insert": {
      const named =
        action.columns === undefined ? fields : columnsNamed(table.schema, action.columns, table.name);
      sameNumber(named, action.values.length, table.name);
      return new Map(named.map((field, i) => [field, givenPieces(field, action.values[i])]));
    }
    case "update-all":
    case "insert-all": {
      const columns = action.by === "name" ? columnsNamed(table.schema, source, table.name) : fields;
      if (action.by === "position") sameNumber(fields, source.length, table.name);
      if (name === undefined) {
        throw invalidSql(
          "MERGE",
          "A row of the source without a name cannot be taken whole.",
          "Give the source one: USING (…) AS s.",
        );
      }
      const value = (i: number) => `${quoteIdentifier(name)}.${quoteIdentifier(source[i] ?? "")}`;
      return new Map(columns.map((field, i) => [field, castPieces(field, [value(i)])]));
    }
    case "insert-defaults":
    case "delete":
    case "nothing":
    case "error":
      return new Map();
  }
}
