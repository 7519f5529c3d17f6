import type { Schema } from "../../iceberg/index.js";
import { type SqlFragment, type SqlRow, type SqlValue, sql } from "../../query/index.js";
import { written } from "./columns.js";
import type { Check, CheckBase, Distribution } from "./types.js";

/** The rows that checks look at, by these names in their SQL. */
export const ROWS = sql`"rows"`;
/** The whole table, where only some of it is looked at: what keys are held against. */
export const WHOLE = sql`"whole table"`;

/** What a plan may know of what it is for. */
export interface Target {
  readonly schema: Schema;
  /** `table`: the rows are all there are. `new`: those that came. `batch`: rows that are in no table yet. */
  readonly scope: "table" | "new" | "batch";
  /** `WHOLE` can be read: always of new rows, and of a batch where it was said which table it is for. */
  readonly hasWhole: boolean;
  readonly now: Date;
  /** Rows that the check's earlier runs of the same scope counted, where they passed, newest first. */
  readonly earlierCounts: (check: Check) => readonly number[];
  /** The distribution that a drift check compares with. */
  readonly baseline: (check: Check) => Distribution | undefined;
}

/** What a check found, before thresholds. */
export interface Finding {
  /** Rows that are wrong; for a check of rows as a whole 1 when it fails. */
  readonly failing: number;
  /** Rows that it looked at. */
  readonly rows: number;
  /** What was measured, where that is more than a count: a count, an age in seconds, an index. */
  readonly measured?: number | undefined;
  /** What to say of it beside the numbers. */
  readonly detail?: string | undefined;
}

/** How a check is run. */
export interface Plan {
  /** Aggregates over `ROWS`, for the one query of all checks that have such. */
  readonly aggregates?: readonly SqlFragment[] | undefined;
  /** A query of its own, made of the aggregates' values, with one row; its columns come after them. */
  readonly query?: ((values: readonly SqlValue[]) => SqlFragment) | undefined;
  /** @param values of the aggregates, then of the query's row. */
  readonly find: (values: readonly SqlValue[]) => Finding;
  /** Rows to show where it fails, the most telling first; LIMIT is put behind it. */
  readonly sample?: SqlFragment | undefined;
  /** True for a row of `ROWS` that fails, never NULL: what quarantine goes by. */
  readonly fails?: SqlFragment | undefined;
  /** Where it reads no rows, what to show. */
  readonly shown?: readonly SqlRow[] | undefined;
}

/** Makes the plan of a check. @throws LakehouseError INVALID_CHECK for a column that is not there, or is of no fitting type. */
export type Planner<C extends Check> = (check: C, target: Target) => Plan;

/** The condition of a check's `where`. */
export function whereOf({ where }: CheckBase): SqlFragment {
  return where === undefined ? sql`TRUE` : written(where);
}

export function numberOf(value: SqlValue | undefined): number {
  return value === null || value === undefined ? 0 : Number(value);
}

/** A check that tells of each row by itself whether it fails. */
export function rowPlan(check: Check, fails: SqlFragment): Plan {
  const isMeant = check.where === undefined ? undefined : whereOf(check);
  const bad = isMeant === undefined ? sql`(${fails})` : sql`(${isMeant} IS TRUE AND (${fails}))`;
  const all = isMeant === undefined ? sql`count(*)` : sql`count(*) FILTER (WHERE ${isMeant})`;
  return {
    // In two thirds of the time of count(*) with a filter, which copies references to the rows that pass it.
    aggregates: [sql`count_if(${bad})::BIGINT`, all],
    find: ([failing, rows]) => ({ failing: numberOf(failing), rows: numberOf(rows) }),
    sample: sql`SELECT * FROM ${ROWS} WHERE ${bad}`,
    fails: bad,
  };
}
