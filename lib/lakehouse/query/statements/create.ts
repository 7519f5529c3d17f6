import { createOrReplaceTable, namespaceExists, tableExists, viewExists } from "../../catalog/index.js";
import {
  type AppendData,
  assignFreshIds,
  type FormatVersion,
  locateByName,
  type NestedField,
  noSuchTable,
  type Schema,
} from "../../iceberg/index.js";
import { invalidSql } from "../errors.js";
import type { QueryResult } from "../result/query-result.js";
import { compose, type Span } from "../text/compose.js";
import { fromByteString } from "../text/tokens.js";
import { icebergTypeOf } from "../types/iceberg-types.js";
import type { Statement, StatementContext } from "./context.js";
import type { Cursor } from "./cursor.js";
import { defineColumns } from "./define.js";
import { type Reading, readRows } from "./insert.js";
import { type Beginning, refusePart } from "./kind.js";
import { readLayout, type TableLayout } from "./layout.js";
import { columnNamed, columnsNamed, type TargetName, tableName, targetName } from "./names.js";
import { countResult } from "./outcome.js";

/** `CREATE [OR REPLACE] TABLE …`, `CREATE [OR REPLACE] VIEW … AS …` and `CREATE SCHEMA …`. */
export async function create(
  { cursor }: Beginning,
  statement: Statement,
  context: StatementContext,
): Promise<QueryResult> {
  const replace = cursor.take("OR", "REPLACE");
  if (cursor.take("SCHEMA")) return createSchema(cursor, replace, statement, context);
  if (cursor.take("VIEW")) return createView(cursor, replace, statement, context);
  if (!cursor.take("TABLE")) throw noSuchThing(cursor);
  const ifNotExists = cursor.take("IF", "NOT", "EXISTS");
  const target = tableName(cursor.path(), statement, context);
  const given = cursor.isSymbol("(") ? cursor.parentheses() : undefined;
  const layout = readLayout(cursor);
  const query = cursor.take("AS")
    ? cursor.until((each) => each.is("WITH", "NO") || each.is("WITH", "DATA"))
    : undefined;
  const withData = !cursor.take("WITH", "NO", "DATA");
  if (withData) cursor.take("WITH", "DATA");
  cursor.end();
  if (!replace && (await exists(target))) {
    if (ifNotExists) return countResult(context.relations, undefined);
    throw tableExists(
      target.text,
      `There is a table ${target.text} already.`,
      "Write CREATE OR REPLACE TABLE for a new version of it that keeps its history, or CREATE TABLE IF NOT EXISTS to leave it as it is.",
    );
  }
  const made = { target, layout, replace, ifNotExists };
  if (query === undefined) return createEmpty(made, given, statement, context);
  return createAs(made, given, query, withData, statement, context);
}

interface NewTable {
  readonly target: TargetName;
  readonly layout: TableLayout;
  readonly replace: boolean;
  readonly ifNotExists: boolean;
}

async function createEmpty(
  made: NewTable,
  given: Cursor | undefined,
  statement: Statement,
  context: StatementContext,
): Promise<QueryResult> {
  const span = given?.until(() => false) ?? { start: 0, end: 0 };
  const { fields, key } = await defineColumns([span], statement, context.relations);
  const numbered = withIds(fields);
  const identifiers = columnsNamed({ fields: numbered }, key, made.target.text).map(({ id }) => id);
  const schema = { schemaId: 0, fields: numbered, identifierFieldIds: identifiers };
  await make(made, schema, undefined, statement, context);
  return countResult(context.relations, undefined);
}

async function createAs(
  made: NewTable,
  given: Cursor | undefined,
  query: Span,
  withData: boolean,
  statement: Statement,
  context: StatementContext,
): Promise<QueryResult> {
  const names = given?.list((_, item) => item.name());
  const text = compose(statement.prepared.text, [
    "SELECT * FROM (",
    query,
    "\n)",
    withData ? "" : " LIMIT 0",
  ]);
  let schema: Schema | undefined;
  const reading = await readRows(context, statement, text, (found, types) => {
    if (names !== undefined && names.length !== found.length) {
      throw invalidSql(
        "CREATE TABLE",
        `The query's columns are ${found.length}, and the names for them ${names.length}.`,
        "Name each of them once.",
      );
    }
    const columns = types.map((type, i) => {
      const name = names?.[i] ?? found[i] ?? "";
      return { ...PLACE, name, type: icebergTypeOf(name, type) };
    });
    schema = { schemaId: 0, fields: withIds(columns), identifierFieldIds: [] };
    return { fields: schema.fields, given: schema.fields };
  });
  try {
    const all = schema as Schema | undefined;
    if (all !== undefined) await make(made, all, reading, statement, context);
    return await countResult(context.relations, reading.count, reading.tables);
  } finally {
    reading.close();
  }
}

const PLACE = { id: 0, required: false, type: { type: "unknown" } } as const;

function withIds(fields: readonly NestedField[]): readonly NestedField[] {
  let last = 0;
  return assignFreshIds(fields, () => {
    last += 1;
    return last;
  });
}

async function make(
  { target, layout, replace, ifNotExists }: NewTable,
  schema: Schema,
  rows: Reading | undefined,
  { options: { signal } }: Statement,
  context: StatementContext,
): Promise<void> {
  const spelled = <Init extends { readonly source: string }>(init: Init): Init => ({
    ...init,
    source:
      locateByName(schema, init.source, { caseSensitive: false })?.name ??
      columnNamed(schema, init.source, target.text).name,
  });
  const version = layout.properties["format-version"];
  try {
    await createOrReplaceTable(target.catalog, context.store, target.identifier, {
      schema,
      partitionSpec: layout.partitionSpec?.map(spelled),
      sortOrder: layout.sortOrder?.map(spelled),
      properties: layout.properties,
      formatVersion: version === undefined ? undefined : (Number(version) as FormatVersion),
      data: rows?.batches(schema) as AppendData<Record<string, unknown>> | undefined,
      ifExists: replace ? "replace" : "fail",
      engine: context.engine,
      signal,
    });
  } catch (error) {
    // Another was faster: there is a table now, as it was asked for.
    if (!(ifNotExists && tableExists.is(error))) throw error;
  }
}

async function exists({ catalog, identifier }: TargetName): Promise<boolean> {
  try {
    await catalog.loadTable(identifier);
    return true;
  } catch (error) {
    if (noSuchTable.is(error)) return false;
    throw error;
  }
}

async function createView(
  cursor: Cursor,
  replace: boolean,
  statement: Statement,
  context: StatementContext,
): Promise<QueryResult> {
  const ifNotExists = cursor.take("IF", "NOT", "EXISTS");
  const target = tableName(cursor.path(), statement, context);
  const columns = cursor.isSymbol("(") ? cursor.parentheses().list((_, item) => item.name()) : undefined;
  cursor.expect("AS");
  const { start } = cursor.until(() => false);
  // Behind the last token, for a value that stands there ends with a space.
  const end = cursor.peek()?.start ?? cursor.text.length;
  cursor.end();
  const { source, prepared, params, options } = statement;
  // As it was written, with its branches and points in time.
  const text = source.slice(prepared.original(start), prepared.original(end));
  try {
    await context.defineView(target, fromByteString(text), {
      params,
      columns,
      ifExists: replace ? "replace" : "fail",
      signal: options.signal,
    });
  } catch (error) {
    if (!(ifNotExists && viewExists.is(error))) throw error;
  }
  return countResult(context.relations, undefined);
}

async function createSchema(
  cursor: Cursor,
  replace: boolean,
  statement: Statement,
  context: StatementContext,
): Promise<QueryResult> {
  if (replace) {
    throw refusePart(cursor, "A namespace is not replaced.", "Write CREATE SCHEMA IF NOT EXISTS …");
  }
  const ifNotExists = cursor.take("IF", "NOT", "EXISTS");
  const { catalog, identifier } = targetName(cursor.path(), statement, context);
  cursor.end();
  try {
    await catalog.createNamespace([...identifier.namespace, identifier.name]);
  } catch (error) {
    if (!(ifNotExists && namespaceExists.is(error))) throw error;
  }
  return countResult(context.relations, undefined);
}

function noSuchThing(cursor: Cursor) {
  if (cursor.is("TEMP") || cursor.is("TEMPORARY")) {
    return refusePart(
      cursor,
      "There are no temporary tables.",
      "Name a part of a query by WITH, or make a table on a branch of its own.",
    );
  }
  return refusePart(
    cursor,
    "What a lakehouse has are tables, views and namespaces.",
    "Write CREATE TABLE, CREATE VIEW or CREATE SCHEMA.",
  );
}
