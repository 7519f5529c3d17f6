import {
  Column,
  commitConflict,
  isPrimitiveType,
  locateByName,
  type NestedField,
  noSuchTable,
  type PendingUpdate,
  replaceSortOrder,
  type Table,
  UpdatePartitionSpec,
  UpdateSchema,
  updateProperties,
} from "../../iceberg/index.js";
import { invalidSql } from "../errors.js";
import type { QueryResult } from "../result/query-result.js";
import type { Span } from "../text/compose.js";
import { quoteIdentifier } from "../text/tokens.js";
import { sqlType } from "../types/sql-types.js";
import type { Statement, StatementContext } from "./context.js";
import type { Cursor } from "./cursor.js";
import { defineColumns } from "./define.js";
import { type Beginning, refusePart } from "./kind.js";
import { readPartitioning, readProperties, readSortOrder, readWord } from "./layout.js";
import { loadTarget, type TargetName, tableName } from "./names.js";
import { countResult } from "./outcome.js";

/** `ALTER TABLE …`, which is Iceberg's evolution, and `ALTER VIEW … RENAME TO …`. */
export async function alter(
  { cursor }: Beginning,
  statement: Statement,
  context: StatementContext,
): Promise<QueryResult> {
  const isView = cursor.take("VIEW");
  if (!isView) cursor.expect("TABLE");
  const ifExists = cursor.take("IF", "EXISTS");
  const target = tableName(cursor.path(), statement, context);
  const done = () => countResult(context.relations, undefined);
  if (cursor.take("RENAME", "TO")) {
    const to = { namespace: target.identifier.namespace, name: cursor.name() };
    cursor.end();
    if (isView) await target.catalog.renameView(target.identifier, to);
    else await renameTable(target, to, ifExists);
    return done();
  }
  if (isView) throw refusePart(cursor, "A view is only renamed.", "Write CREATE OR REPLACE VIEW.");
  let table: Table;
  try {
    table = await loadTarget(target, context);
  } catch (error) {
    if (ifExists && noSuchTable.is(error)) return done();
    throw error;
  }
  const updates = await evolution(cursor, table, statement, context);
  const { signal } = statement.options;
  await table.update(updates, { message: `ALTER TABLE ${table.name}`, signal });
  return done();
}

async function renameTable(
  { catalog, identifier }: TargetName,
  to: TargetName["identifier"],
  ifExists: boolean,
): Promise<void> {
  try {
    await catalog.renameTable(identifier, to);
  } catch (error) {
    if (!(ifExists && noSuchTable.is(error))) throw error;
  }
}

const RENAMED = { caseSensitive: false } as const;

/** The change that a statement asks for. Steps are none where it is made already, and IF [NOT] EXISTS says that this is right. */
async function evolution(
  cursor: Cursor,
  table: Table,
  statement: Statement,
  context: StatementContext,
): Promise<readonly PendingUpdate[]> {
  const schema = new UpdateSchema(RENAMED);
  if (cursor.take("SET")) return settings(cursor, table);
  if (cursor.take("RESET")) {
    if (cursor.take("PARTITIONED", "BY")) return [repartition(table, [])];
    if (cursor.take("SORTED", "BY")) return [replaceSortOrder([])];
    return [updateProperties({ remove: cursor.parentheses().list((_, item) => readWord(item)) })];
  }
  if (cursor.take("RENAME")) {
    cursor.take("COLUMN");
    const { parts } = cursor.path();
    cursor.expect("TO");
    return [schema.renameColumn(parts.join("."), cursor.name())];
  }
  if (cursor.take("DROP")) {
    cursor.take("COLUMN");
    const ifExists = cursor.take("IF", "EXISTS");
    const name = cursor.path().parts.join(".");
    if (cursor.is("CASCADE"))
      throw refusePart(cursor, "Nothing hangs on a column that could go with it.", "Leave CASCADE out.");
    return ifExists && !hasColumn(table, name) ? [] : [schema.dropColumn(name)];
  }
  if (cursor.take("ADD")) {
    const isKey =
      cursor.is("PRIMARY", "KEY") || cursor.is("CONSTRAINT") || cursor.is("UNIQUE") || cursor.is("CHECK");
    if (isKey)
      throw refusePart(
        cursor,
        "Constraints are not added to a table.",
        "Set identifier fields by table.update([new UpdateSchema().setIdentifierFields([…])]).",
      );
    cursor.take("COLUMN");
    const ifNotExists = cursor.take("IF", "NOT", "EXISTS");
    const { parts } = cursor.path();
    const field = await defined(
      parts.at(-1) ?? "",
      cursor.until(() => false),
      statement,
      context,
    );
    if (ifNotExists && hasColumn(table, parts.join("."))) return [];
    return [schema.addColumn(parts, new Column(field.type, !field.required, { ...byDefault(field) }))];
  }
  cursor.expect("ALTER");
  cursor.take("COLUMN");
  const name = cursor.path().parts.join(".");
  return alterColumn(cursor, table, name, schema, statement, context);
}

/** Rows that were there before read as the default, as in DuckDB. */
function byDefault({ writeDefault }: NestedField): { initialDefault?: unknown; writeDefault?: unknown } {
  return writeDefault === undefined ? {} : { initialDefault: writeDefault, writeDefault };
}

async function alterColumn(
  cursor: Cursor,
  table: Table,
  name: string,
  schema: UpdateSchema,
  statement: Statement,
  context: StatementContext,
): Promise<readonly PendingUpdate[]> {
  if (cursor.take("SET", "NOT", "NULL")) return [await required(table, name, context)];
  if (cursor.take("DROP", "NOT", "NULL")) return [schema.makeOptional(name)];
  if (cursor.take("DROP", "DEFAULT")) return [schema.updateDefault(name, undefined)];
  if (cursor.take("SET", "DEFAULT")) {
    const found = locateByName(table.schema, name, RENAMED);
    const type = found === undefined ? "VARCHAR" : sqlType(found.field.type);
    const { writeDefault } = await defined(
      "value",
      cursor.until(() => false),
      statement,
      context,
      `${type} DEFAULT `,
    );
    return [schema.updateDefault(name, writeDefault)];
  }
  cursor.take("SET", "DATA");
  cursor.expect("TYPE");
  const type = cursor.untilWords("USING");
  if (cursor.is("USING")) {
    throw refusePart(
      cursor,
      "A type is only widened, as Iceberg allows: the values stay as they are.",
      "For other types, add a column, fill it by UPDATE, and drop the old one.",
    );
  }
  const field = await defined("value", type, statement, context);
  if (isPrimitiveType(field.type)) return [schema.updateType(name, field.type)];
  throw invalidSql(
    name,
    `The type of ${JSON.stringify(name)} cannot become a nested one.`,
    "Add a column of that type.",
  );
}

/** A column of a definition, such as `INTEGER DEFAULT 3`. */
async function defined(
  name: string,
  definition: Span,
  statement: Statement,
  context: StatementContext,
  head = "",
): Promise<NestedField> {
  const pieces = [`${quoteIdentifier(name)} ${head}`, definition];
  const { fields } = await defineColumns(pieces, statement, context.relations);
  return fields[0] as NestedField;
}

function hasColumn({ schema }: Table, name: string): boolean {
  return locateByName(schema, name, RENAMED) !== undefined;
}

/** Makes a column required where no row has a null, and none comes meanwhile. */
async function required(table: Table, name: string, context: StatementContext): Promise<PendingUpdate> {
  const update = new UpdateSchema({ ...RENAMED, allowIncompatibleChanges: true }).makeRequired(name);
  const column = locateByName(table.schema, name, RENAMED)?.name ?? name;
  const { tasks } = await table.scan({ filter: { type: "is-null", term: column } }).planAll();
  const { store, metadata, schema } = table;
  const where = { type: "is-null", term: column } as const;
  const nulls = await context.engine.matchingPositions({ store, metadata, tasks, schema, where });
  if (nulls.size > 0) {
    throw invalidSql(
      column,
      `${JSON.stringify(column)} cannot be made NOT NULL: rows of ${table.name} have no value for it.`,
      "Give them one by UPDATE first.",
    );
  }
  return {
    propose(base) {
      if (base.currentSnapshotId === metadata.currentSnapshotId) return update.propose(base);
      throw commitConflict(
        table.name,
        `Rows came to ${table.name} while it was made sure that none lacks ${JSON.stringify(column)}.`,
        "Run the statement again.",
      );
    },
  };
}

/** `SET PARTITIONED BY (…)`, `SET SORTED BY (…)`, `SET ('key' = 'value')`. */
function settings(cursor: Cursor, table: Table): readonly PendingUpdate[] {
  if (cursor.take("PARTITIONED", "BY")) return [repartition(table, readPartitioning(cursor))];
  if (cursor.take("SORTED", "BY")) return [replaceSortOrder(readSortOrder(cursor))];
  return [updateProperties({ set: readProperties(cursor) })];
}

/** The spec of these fields alone: those that it has already stay. */
function repartition(table: Table, fields: ReturnType<typeof readPartitioning>): PendingUpdate {
  const update = new UpdatePartitionSpec(RENAMED);
  for (const { name } of table.spec.fields) update.removeField(name);
  for (const field of fields) update.addField(field);
  return update;
}
