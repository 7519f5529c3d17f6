import { invalidArgument } from "../errors.js";
import { fieldByName } from "../iceberg/index.js";
import { checkObject } from "../options.js";
import type { Contract } from "../quality/index.js";
import { identifier } from "../query/index.js";

/** What names a slice: a day as `2001-03-04`, a number, a text. */
export type SliceValue = string | number | bigint;

/** New rows are added. `slice` is the column by which they can be made again. */
export interface AppendWrite {
  readonly kind: "append";
  readonly slice?: string | undefined;
}

/** New rows take the place of those that have their key: of rows with one key the one that is greatest in `newest` counts. */
export interface UpsertWrite {
  readonly kind: "upsert";
  readonly newest?: string | undefined;
  readonly slice?: string | undefined;
}

/** Slices of which rows have changed are made again, each as a whole. */
export interface ReplaceWrite {
  readonly kind: "replace";
  readonly slice: string;
  /** So many days before its own a row may depend on. */
  readonly lookback?: number | undefined;
}

export type Write = AppendWrite | UpsertWrite | ReplaceWrite;

/**
 * @param options `slice`: the column whose values can be made again on their own, as a day.
 * @example append()
 */
export function append(options: Omit<AppendWrite, "kind"> = {}): AppendWrite {
  return { ...options, kind: "append" };
}

/** @example upsert({ newest: "sent_at", slice: "flight_date" }) */
export function upsert(options: Omit<UpsertWrite, "kind"> = {}): UpsertWrite {
  return { ...options, kind: "upsert" };
}

/**
 * The query has to make a slice of the rows of that slice alone, and with `lookback` of those of so many days before it: its
 * inputs have the column, too.
 *
 * @example replace("flight_date", { lookback: 7 })
 */
export function replace(slice: string, options: Omit<ReplaceWrite, "kind" | "slice"> = {}): ReplaceWrite {
  return { ...options, kind: "replace", slice };
}

/** A table by its name, or by its contract. */
export type TaskTable = string | Pick<Contract, "name">;

export interface TaskInit<Row> {
  /** The table that it writes. Its checks decide whether what it writes comes to the branch. */
  readonly into: Contract<Row>;
  /** Tables of which it reads what has changed, by the names that they have in the query. */
  readonly changes: Readonly<Record<string, TaskTable>>;
  /** Tables of which it reads all rows each time. That these change makes nothing anew. */
  readonly reads?: Readonly<Record<string, TaskTable>> | undefined;
  /** Queries that the query reads by a name, as its WITH would have them. */
  readonly with?: Readonly<Record<string, string>> | undefined;
  /** A query of the table's rows, with all of its columns, whose types are not guessed: as `appendFrom` takes it. */
  readonly sql: string;
  /**
   * The query in Spark's SQL, as a whole: without it Spark is given `sql`, where that means the same to it. That both do is
   * its author's to see to.
   */
  readonly spark?: string | undefined;
  readonly write: Write;
}

/** A table that is made of others by a query. */
export interface Task {
  /** The table's. */
  readonly name: string;
  readonly into: Contract;
  readonly changes: Readonly<Record<string, string>>;
  readonly reads: Readonly<Record<string, string>>;
  /** The query as a whole. */
  readonly sql: string;
  /** What Spark runs in its place. */
  readonly spark?: string | undefined;
  readonly write: Write;
}

/**
 * Declares how a table is made of others.
 *
 * @throws LakehouseError INVALID_ARGUMENT for what cannot be run.
 * @example
 * const daily = task({
 *   into: dailyDelays, // a contract
 *   changes: { flights: "silver.flights" },
 *   sql: "select flight_date, origin, avg(delay) as mean_delay from flights group by all",
 *   write: replace("flight_date"),
 * });
 */
export function task<Row>(init: TaskInit<Row>): Task {
  checkObject("task", "parts", init);
  const { into, write, changes, reads = {}, with: queries = {} } = init;
  const { name, schema, keys } = into;
  const refuse = (why: string, remedy: string) => invalidArgument(name, why, remedy);
  const names = [...Object.keys(changes), ...Object.keys(reads), ...Object.keys(queries)];
  const twice = names.find((each, i) => names.indexOf(each) !== i);
  if (twice !== undefined)
    throw refuse(`The query of ${name} has two inputs of the name ${twice}.`, "Call one of them another.");
  const inputs = Object.keys(changes).length;
  if (inputs === 0) throw refuse(`${name} reads no changes of a table.`, "Name one in `changes`.");
  if (write.kind !== "replace" && inputs > 1)
    throw refuse(
      `${name} takes in the changes of ${inputs} tables row by row: what of them belongs together cannot be told.`,
      "Give one in `changes` and the others in `reads`, or write by replace(…).",
    );
  if (write.kind === "upsert" && keys.length === 0)
    throw refuse(`The contract of ${name} has no key to upsert by.`, "Give it `keys`.");
  for (const column of [write.slice, write.kind === "upsert" ? write.newest : undefined])
    if (column !== undefined && fieldByName(schema, column)?.required !== true)
      throw refuse(
        `${name} has no required column ${JSON.stringify(column)}.`,
        "Name one that every row has a value of.",
      );
  if (write.kind === "replace" && write.lookback !== undefined) {
    if (!Number.isInteger(write.lookback) || write.lookback < 0)
      throw refuse(`${write.lookback} is no number of days to look back.`, "Give a whole number from 0 on.");
    if (fieldByName(schema, write.slice)?.type.type !== "date")
      throw refuse(`The slices of ${name} are no days to look back from.`, "Slice it by a date.");
  }
  return {
    name,
    into: into as unknown as Contract,
    changes: namesOf(changes),
    reads: namesOf(reads),
    sql: withQueries(init.sql, queries),
    ...(init.spark !== undefined && { spark: plain(init.spark) }),
    write,
  };
}

function namesOf(tables: Readonly<Record<string, TaskTable>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(tables).map(([name, table]) => [name, typeof table === "string" ? table : table.name]),
  );
}

/** A query with those that it reads by name. Each ends on a line of its own, since its last may be a comment. */
function withQueries(sql: string, queries: Readonly<Record<string, string>>): string {
  const named = Object.entries(queries).map(
    ([name, query]) => `${identifier(name).text} AS (\n${plain(query)}\n)`,
  );
  return named.length === 0 ? plain(sql) : `WITH ${named.join(",\n")}\nSELECT * FROM (\n${plain(sql)}\n)`;
}

function plain(sql: string): string {
  return sql.trim().replace(/;$/, "");
}
