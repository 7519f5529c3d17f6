import type { Catalog } from "../../catalog/index.js";
import { invalidArgument } from "../../errors.js";
import type { Schema } from "../../iceberg/index.js";
import { type QueryEngine, sql } from "../../query/index.js";
import type { Task } from "../task.js";
import { type InputColumn, queryLineage } from "./columns.js";

/** A column of a table. */
export interface TableColumn {
  readonly table: string;
  readonly column: string;
}

/** What a task's table is made of. */
export interface TaskLineage {
  readonly table: string;
  /** By its columns: of which columns of others their values are. None where they are constants or counts. */
  readonly columns: Readonly<Record<string, readonly TableColumn[]>>;
  /** Columns that decide which rows it has: filters, joins, groups. */
  readonly rows: readonly TableColumn[];
  /** By table: the schemas of this one and of those that its query reads. */
  readonly schemas: Readonly<Record<string, Schema>>;
}

interface LineageContext {
  readonly catalog: Catalog;
  readonly engine: Pick<QueryEngine, "sql">;
}

/**
 * What the tables of tasks are made of, column by column, as their queries say. Columns of inputs are those of the tasks that
 * make them, or of the tables themselves.
 *
 * @throws LakehouseError INVALID_ARGUMENT for a query of a table that its task does not name; UNSUPPORTED_FEATURE
 */
export async function lineageOf(
  { catalog, engine }: LineageContext,
  tasks: readonly Task[],
): Promise<readonly TaskLineage[]> {
  const made = new Map(tasks.map(({ name, into }) => [name, into.schema]));
  const found: TaskLineage[] = [];
  for (const task of tasks) {
    const tables = { ...task.changes, ...task.reads };
    const inputs = new Map<string, readonly string[]>();
    const schemas: Record<string, Schema> = { [task.name]: task.into.schema };
    for (const [name, table] of Object.entries(tables)) {
      const schema = made.get(table) ?? (await catalog.loadTable(table)).schema;
      schemas[table] = schema;
      inputs.set(
        name,
        schema.fields.map((field) => field.name),
      );
    }
    const { columns, rows } = queryLineage(await treeOf(engine, task.sql), inputs);
    const inTable = ({ input, column }: InputColumn): TableColumn => ({
      table: tables[input] as string,
      column,
    });
    const named = task.into.schema.fields.map(({ name }) => [name, (columns.get(name) ?? []).map(inTable)]);
    found.push({ table: task.name, columns: Object.fromEntries(named), rows: rows.map(inTable), schemas });
  }
  return found;
}

async function treeOf(engine: Pick<QueryEngine, "sql">, query: string): Promise<unknown> {
  const asked = sql`SELECT json_serialize_sql(${query}, skip_empty := true, skip_null := true, skip_default := true) AS tree`;
  const [row] = await (await engine.sql(asked)).rows<{ tree: string }>();
  const { statements } = JSON.parse(row?.tree ?? "{}") as { statements?: { node: unknown }[] };
  return statements?.[0]?.node;
}

/** Where a column's values come from in the end: columns of tables that none of the tasks makes. */
export function origins(lineage: readonly TaskLineage[], { table, column }: TableColumn): TableColumn[] {
  const made = new Map(lineage.map((each) => [each.table, each.columns]));
  const found = new Map<string, TableColumn>();
  const seen = new Set<string>();
  const visit = (at: TableColumn): void => {
    const key = JSON.stringify([at.table, at.column]);
    if (seen.has(key)) return;
    seen.add(key);
    const from = made.get(at.table);
    if (from === undefined) found.set(key, at);
    else for (const each of from[at.column] ?? []) visit(each);
  };
  visit({ table, column });
  return [...found.values()];
}

export interface LineageDiagramOptions {
  /** The table whose columns are followed back. All tables where not given, which is more than fits a page. */
  readonly to?: string | undefined;
}

/**
 * The lineage as a diagram in D2's language: a table each, and a line from each column to those that are made of it.
 *
 * @throws LakehouseError INVALID_ARGUMENT for a table that none of the tasks makes.
 * @example await writeFile("lineage.d2", lineageDiagram(lineage, { to: "gold.daily_delays" }));
 */
export function lineageDiagram(lineage: readonly TaskLineage[], { to }: LineageDiagramOptions = {}): string {
  const shown = to === undefined ? lineage : leadingTo(lineage, to);
  const tables = new Map<string, Set<string>>();
  const add = (table: string, column: string): void => {
    tables.set(table, (tables.get(table) ?? new Set()).add(column));
  };
  const lines = shown.flatMap(({ table, columns }) =>
    Object.entries(columns).flatMap(([column, from]) => {
      add(table, column);
      return from.map((source) => {
        add(source.table, source.column);
        return `${quoted(source.table)}.${quoted(source.column)} -> ${quoted(table)}.${quoted(column)}`;
      });
    }),
  );
  const shapes = [...tables].map(([table, columns]) =>
    [
      `${quoted(table)}: {`,
      "  shape: sql_table",
      ...[...columns].map((column) => `  ${quoted(column)}`),
      "}",
    ].join("\n"),
  );
  return `${["direction: right", ...shapes, ...lines].join("\n")}\n`;
}

/** A table with all of its columns, and of the tables before it those columns that lead to one of them. */
function leadingTo(lineage: readonly TaskLineage[], to: string): TaskLineage[] {
  const made = new Map(lineage.map((each) => [each.table, each]));
  const goal = made.get(to);
  if (goal === undefined)
    throw invalidArgument(
      to,
      `None of the tasks makes ${to}.`,
      `Give one of ${[...made.keys()].join(", ")}.`,
    );
  const wanted = new Map<string, Map<string, readonly TableColumn[]>>();
  const visit = (table: string, column: string): void => {
    const from = made.get(table)?.columns[column];
    if (from === undefined || wanted.get(table)?.has(column) === true) return;
    wanted.set(table, (wanted.get(table) ?? new Map()).set(column, from));
    for (const source of from) visit(source.table, source.column);
  };
  for (const column of Object.keys(goal.columns)) visit(to, column);
  return lineage.flatMap((each) => {
    const columns = wanted.get(each.table);
    if (columns === undefined) return [];
    // In the order that the table has them.
    const kept = Object.entries(each.columns).filter(([column]) => columns.has(column));
    return [{ ...each, columns: Object.fromEntries(kept) }];
  });
}

const quoted = (name: string) => JSON.stringify(name);
