import { type Abortable, invalidArgument } from "../../errors.js";
import {
  bind,
  CHANGE_COLUMNS,
  type ChangelogTask,
  changelogSchema,
  type Expression,
  fieldById,
  invalidSchema,
  locateByName,
  type NestedField,
  POSITION,
  type ScanTask,
  type SnapshotRange,
  type Table,
} from "../../iceberg/index.js";
import { TASK } from "../relation/relation.js";
import type { Relations } from "../relation/relations.js";
import { whereSql } from "../relation/where.js";
import type { Use } from "../result/use.js";
import { columnName, fieldSql, internalName } from "../text/names.js";
import { sqlType } from "../types/sql-types.js";
import { rowsRelation } from "./reader.js";

export interface ChangesOptions<Name extends string = string> extends SnapshotRange, Abortable {
  /** Only changes for which this is true. It may name `_change_type`, `_change_ordinal` and `_commit_snapshot_id`. */
  readonly filter?: Expression<Name | `_${string}`> | undefined;
  /** Whether column names must match in case. Default true. */
  readonly caseSensitive?: boolean | undefined;
  /**
   * The key: a row that goes and one that comes with the same key are an update. Default: the schema's identifier
   * fields. With `[]`, and without any, all changes are inserts and deletes.
   */
  readonly on?: readonly Name[] | undefined;
  /** True for what is left of all changes together: a row that came and went again is in none. Default false. */
  readonly net?: boolean | undefined;
}

export interface ChangesSql {
  /** A relation, named as such, of the columns of `changelogSchema`. */
  readonly relation: string;
  readonly fields: readonly NestedField[];
  /** Expressions over these columns: oldest changes first, what goes before what comes. */
  readonly order: readonly string[];
  readonly tasks: readonly ChangelogTask[];
}

/**
 * The changes of a table in SQL. For each snapshot the rows that went are compared with those that came. Where a row
 * can have done both, since files were rewritten, equal rows cancel each other out one by one: what is left changed.
 */
export async function changesSql(
  relations: Relations,
  table: Table,
  options: ChangesOptions,
  use: Use,
): Promise<ChangesSql> {
  const { from, to, filter = { type: "true" }, caseSensitive = true, net = false } = options;
  const schema = changelogSchema(table.metadata);
  refuseNames(table);
  const bound = bind(schema, filter, { caseSensitive });
  const { fields } = table.schema;
  const key = keySql(table, options);
  // A change that the filter leaves out can still make an update of another, or cancel it out.
  const pruning = net ? {} : { filter, caseSensitive, pruneFiles: key.length === 0 };
  const tasks = await table.changelog({ from, to }, pruning);
  const [type = "", ordinal = "", snapshot = ""] = CHANGE_COLUMNS.map(columnName);
  const snapshots: string[] = [];
  for (const task of tasks) snapshots[task.changeOrdinal] = String(task.commitSnapshotId);
  const ids = `[${Array.from(snapshots, (id) => id ?? "NULL").join(", ")}]::BIGINT[]`;
  const changed = `SELECT ${cellsOf(fields)}, type AS ${type}, ord::INTEGER AS ${ordinal}, list_extract(${ids}, ord + 1) AS ${snapshot}`;
  const rows = await changedRows(relations, table, { fields, tasks, net, key }, use);
  return {
    relation: `(SELECT * FROM (${changed} FROM (${rows})) WHERE ${whereSql(bound, schema.fields)})`,
    fields: schema.fields,
    order: [ordinal, ...key, `${type} IN ('INSERT', 'UPDATE_AFTER')`],
    tasks,
  };
}

/** A changelog has columns of its own beside the table's, and a filter could not tell them apart by name. */
function refuseNames({ schema, name }: Table): void {
  const own = schema.fields.find((field) =>
    CHANGE_COLUMNS.some((column) => column.name === field.name || fieldById(schema, column.id) === field),
  );
  if (own === undefined) return;
  throw invalidSchema(
    own.name,
    `The changes of ${name} cannot be told: its column ${JSON.stringify(own.name)} has the name or the field id of a column that the Iceberg spec reserves for changelogs.`,
    `Rename the column ${JSON.stringify(own.name)}, or read the table itself.`,
  );
}

/** SQL for the columns of the key, in a relation of the table's columns. */
function keySql({ schema, name }: Table, { on, caseSensitive = true }: ChangesOptions): string[] {
  const ids = on?.map((column) => {
    const field = locateByName(schema, column, { caseSensitive });
    if (field?.path !== undefined) return field.field.id;
    throw invalidArgument(
      column,
      `${name} has no column ${JSON.stringify(column)} that can be a key of its changes.`,
    );
  });
  return (ids ?? schema.identifierFieldIds).map((id) => fieldSql(schema.fields, id) as string);
}

interface ChangedRows {
  readonly fields: readonly NestedField[];
  readonly tasks: readonly ChangelogTask[];
  readonly net: boolean;
  readonly key: readonly string[];
}

/** A SELECT of the table's columns, `type` and `ord`. */
async function changedRows(
  relations: Relations,
  table: Table,
  { fields, tasks, net, key }: ChangedRows,
  use: Use,
): Promise<string> {
  const cells = cellsOf(fields);
  const { plain, mixed } = split(tasks, net);
  const parts: string[] = [];
  for (const side of await sides(relations, table, fields, plain, use)) {
    parts.push(`SELECT ${cells}, ${typeSql("sign")}, ord FROM (${side})`);
  }
  const both = await sides(relations, table, fields, mixed, use);
  if (both.length > 0) {
    const counted = `SELECT ${cells}, sum(sign)::BIGINT AS n, ord FROM (${both.join(" UNION ALL ")}) GROUP BY ${cells}, ord HAVING sum(sign) <> 0`;
    const left = net ? netChanges(counted, cells) : counted;
    const each = `SELECT *, unnest(range(abs(n))) FROM (${left})`;
    const changes = `SELECT ${cells}, ${typeSql("n")}, ord FROM (${each})`;
    parts.push(key.length === 0 ? changes : withUpdates(changes, cells, net ? key : [...key, "ord"]));
  }
  if (parts.length > 0) return parts.join(" UNION ALL ");
  const none = fields.map((field) => `NULL::${sqlType(field.type)} AS ${columnName(field)}`);
  return `SELECT ${none.join(", ")}, NULL::VARCHAR AS type, NULL::BIGINT AS ord WHERE false`;
}

function typeSql(sign: string): string {
  return `CASE WHEN ${sign} > 0 THEN 'INSERT' ELSE 'DELETE' END AS type`;
}

/** What is left of the changes of all snapshots, each as of the last snapshot that made it. */
function netChanges(counted: string, cells: string): string {
  const last = "CASE WHEN sum(n) > 0 THEN max(ord) FILTER (n > 0) ELSE max(ord) FILTER (n < 0) END";
  return `SELECT ${cells}, sum(n)::BIGINT AS n, ${last} AS ord FROM (${counted}) GROUP BY ${cells} HAVING sum(n) <> 0`;
}

/** Where one row of a key goes and one comes, they are an update; keys that are no keys after all stay as they are. */
function withUpdates(changes: string, cells: string, key: readonly string[]): string {
  const count = (type: string) => `count(*) FILTER (type = '${type}') OVER k`;
  const update = `${count("DELETE")} = 1 AND ${count("INSERT")} = 1`;
  const type = `CASE WHEN NOT (${update}) THEN type WHEN type = 'DELETE' THEN 'UPDATE_BEFORE' ELSE 'UPDATE_AFTER' END`;
  return `SELECT ${cells}, ${type} AS type, ord FROM (${changes}) WINDOW k AS (PARTITION BY ${key.join(", ")})`;
}

/** Apart: snapshots of which no row can both have come and gone. They need no comparison, which has to hold all rows. */
function split(
  tasks: readonly ChangelogTask[],
  net: boolean,
): { readonly plain: readonly ChangelogTask[]; readonly mixed: readonly ChangelogTask[] } {
  const came = new Set<number>();
  const went = new Set<number>();
  for (const { deletesBefore, changeOrdinal } of tasks) {
    (deletesBefore === undefined ? came : went).add(changeOrdinal);
  }
  const isOneWay =
    tasks.every((task) => task.deletesBefore === undefined) ||
    tasks.every((task) => task.deletesAfter === undefined);
  const isMixed = ({ changeOrdinal }: ChangelogTask) =>
    net ? !isOneWay : came.has(changeOrdinal) && went.has(changeOrdinal);
  return { plain: tasks.filter((task) => !isMixed(task)), mixed: tasks.filter(isMixed) };
}

/** SELECTs of the table's columns, `sign` (1 for rows that came, -1 for rows that went) and `ord`. */
async function sides(
  relations: Relations,
  table: Table,
  fields: readonly NestedField[],
  tasks: readonly ChangelogTask[],
  use: Use,
): Promise<string[]> {
  const cells = fields.map((field) => `v.${columnName(field)}`).join(", ");
  const place = [TASK, POSITION]
    .map(internalName)
    .map((name) => `v.${name} = o.${name}`)
    .join(" AND ");
  const relation = (
    files: readonly ChangelogTask[],
    side: "deletesBefore" | "deletesAfter",
  ): Promise<string> => {
    const { store, metadata, schema } = table;
    const numbers = new Map(files.map((file, i) => [scanTask(file, file[side] ?? []), i]));
    const request = { store, metadata, tasks: [...numbers.keys()], schema: { ...schema, fields } };
    return rowsRelation(relations, request, use, true, numbers);
  };
  const select = (sign: 1 | -1, files: readonly ChangelogTask[], from: string): string => {
    const ordinals = files.map((task) => task.changeOrdinal).join(", ");
    return `SELECT ${cells}, ${sign} AS sign, list_extract([${ordinals}]::BIGINT[], v.${internalName(TASK)} + 1) AS ord FROM ${from} AS v`;
  };
  const found: string[] = [];
  for (const files of layers(tasks.filter((task) => task.deletesAfter === undefined))) {
    found.push(select(-1, files, await relation(files, "deletesBefore")));
  }
  for (const files of layers(tasks.filter((task) => task.deletesBefore === undefined))) {
    found.push(select(1, files, await relation(files, "deletesAfter")));
  }
  // In a file that stays, rows are the same where they stand at the same place.
  for (const files of layers(tasks.filter((task) => task.deletesBefore && task.deletesAfter))) {
    const was = await relation(files, "deletesBefore");
    const is = await relation(files, "deletesAfter");
    found.push(`${select(-1, files, was)} ANTI JOIN ${is} AS o ON ${place}`);
    found.push(`${select(1, files, is)} ANTI JOIN ${was} AS o ON ${place}`);
  }
  return found;
}

function scanTask(
  { dataFile, spec, sequenceNumber }: ChangelogTask,
  deleteFiles: ScanTask["deleteFiles"],
): ScanTask {
  return { dataFile, spec, sequenceNumber, deleteFiles, residual: { type: "true" } };
}

/** The tasks in lists, none of which has a file twice: a relation reads a file with one set of deletes. */
function layers(tasks: readonly ChangelogTask[]): ChangelogTask[][] {
  const found: Map<string, ChangelogTask>[] = [];
  for (const task of tasks) {
    let layer = found.find((files) => !files.has(task.dataFile.filePath));
    if (layer === undefined) {
      layer = new Map();
      found.push(layer);
    }
    layer.set(task.dataFile.filePath, task);
  }
  return found.map((files) => [...files.values()]);
}

function cellsOf(fields: readonly NestedField[]): string {
  return fields.map(columnName).join(", ");
}
