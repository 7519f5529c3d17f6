import {
  type Column,
  defineSchema,
  type FormatVersion,
  identity,
  long,
  type Schema,
  type Table,
  type WriteMode,
} from "../../../lib/lakehouse/iceberg/index.js";
import { catalog, engine, newName } from "./lake.js";
export type Row = Record<string, unknown>;

export interface Options {
  readonly formatVersion?: FormatVersion;
  readonly mode?: WriteMode;
  readonly partitionedBy?: string | undefined;
  readonly name?: string;
}

export async function create(schema: Schema, options: Options = {}): Promise<Table> {
  const { formatVersion = 2, mode = "copy-on-write", partitionedBy, name = newName() } = options;
  const properties = { "write.delete.mode": mode, "write.update.mode": mode, "write.merge.mode": mode };
  const partitionSpec = partitionedBy === undefined ? undefined : [identity(partitionedBy)];
  const table = await catalog.createTable(name, { schema, formatVersion, properties, partitionSpec });
  return table.withEngine(engine) as Table;
}

export const optional = (names: readonly string[]) =>
  defineSchema(
    Object.fromEntries(names.map((name) => [name, long().optional()])) as Record<
      string,
      Column<bigint, true>
    >,
  );

export const row = (names: readonly string[], values: readonly (bigint | null)[]): Row =>
  Object.fromEntries(names.map((name, i) => [name, values[i] ?? null]));

export const text = (value: unknown) =>
  JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}n` : part));

/** Rows as texts, their columns in one order, the rows sorted. */
export const sorted = (rows: readonly Row[]) =>
  rows.map((each) => text(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))).sort();

export async function read(table: Table): Promise<Row[]> {
  return (await engine.scan(table, table.scan())).rows();
}

export const sql = async (query: string): Promise<Row[]> => (await engine.sql(query)).rows();

export const message = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "no error",
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );

export const modes: readonly [FormatVersion, WriteMode][] = [
  [1, "copy-on-write"],
  [2, "copy-on-write"],
  [2, "merge-on-read"],
  [3, "copy-on-write"],
  [3, "merge-on-read"],
];
