import type { Schema } from "../../iceberg/index.js";
import {
  identifier,
  type NamedRows,
  type QueryEngine,
  type SqlFragment,
  type SqlValue,
  sql,
} from "../../query/index.js";
import { type CheckedColumn, columnOf, joined, literalOf, mayBeNaN, written } from "./columns.js";
import { numberOf, type Planner, ROWS, whereOf } from "./plan.js";
import type { CheckOf, Distribution } from "./types.js";

/** At which index a column has drifted, where the check does not say. */
const MAX = 0.2;
const BINS = 10;
const COMMONEST = 20;
/** The least share that a bin is taken to have: one that was empty would make any row in it an endless drift. */
const LEAST = 1e-4;

export const drift: Planner<CheckOf<"drift">> = (check, { schema, baseline }) => {
  const before = baseline(check) as Distribution;
  const column = columnOf(schema, check.column, check.name);
  const counts = binsOf(column, before, check.name);
  return {
    aggregates: counts.map((bin) => sql`count(*) FILTER (WHERE ${whereOf(check)} IS TRUE AND ${bin})`),
    find: (values) => {
      const now = values.map(numberOf);
      const rows = sum(now);
      if (rows === 0) return { failing: 0, rows, detail: "no rows" };
      if (sum(before.counts) === 0) return { failing: 0, rows, detail: "nothing to compare with" };
      const index = stabilityIndex(before.counts, now);
      return { failing: index >= (check.max ?? MAX) ? 1 : 0, rows, measured: index };
    },
  };
};

/**
 * The distribution of a column's values, which a drift check compares with.
 *
 * @throws LakehouseError INVALID_CHECK
 */
export async function distributionOf(
  engine: Pick<QueryEngine, "sql">,
  rows: NamedRows,
  schema: Schema,
  check: Pick<CheckOf<"drift">, "column" | "name" | "where">,
  ref?: string,
): Promise<Distribution> {
  const column = columnOf(schema, check.column, check.name);
  const where = check.where === undefined ? sql`TRUE` : written(check.where);
  const ask = async (query: SqlFragment) => {
    const result = await engine.sql(query, { rows: { rows }, ref, tablesOnly: true });
    return (await result.rows()) as Record<string, SqlValue>[];
  };
  const isKnown = sql`${where} IS TRUE AND ${column.sql} IS NOT NULL${mayBeNaN(column) ? sql` AND NOT isnan(${column.sql})` : sql``}`;
  const edges: Omit<Distribution, "counts"> = isOrdered(column)
    ? { bounds: await boundsOf(ask, column, isKnown) }
    : { values: await commonest(ask, column, isKnown) };
  const bins = binsOf(column, { ...edges, counts: [] }, check.name);
  const aggregates = bins.map(
    (bin, i) => sql`count(*) FILTER (WHERE ${where} IS TRUE AND ${bin}) AS ${identifier(`n${i}`)}`,
  );
  const [counted = {}] = await ask(sql`SELECT ${joined(aggregates, sql`, `)} FROM ${ROWS}`);
  return { ...edges, counts: bins.map((_, i) => numberOf(counted[`n${i}`])) };
}

type Ask = (query: SqlFragment) => Promise<Record<string, SqlValue>[]>;

async function boundsOf(ask: Ask, column: CheckedColumn, isKnown: SqlFragment): Promise<string[]> {
  const at = Array.from({ length: BINS - 1 }, (_, i) => (i + 1) / BINS);
  const quantiles = sql`unnest(quantile_disc(${column.sql}, ${at}) FILTER (WHERE ${isKnown}))`;
  const found = await ask(
    sql`SELECT DISTINCT q, q::VARCHAR AS bound FROM (SELECT ${quantiles} AS q FROM ${ROWS}) ORDER BY q`,
  );
  return found.map(({ bound }) => String(bound));
}

async function commonest(ask: Ask, column: CheckedColumn, isKnown: SqlFragment): Promise<string[]> {
  const text = sql`${column.sql}::VARCHAR`;
  const found = await ask(
    sql`SELECT ${text} AS value FROM ${ROWS} WHERE ${isKnown} GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT ${COMMONEST}`,
  );
  return found.map(({ value }) => String(value));
}

/** A condition for each bin, then for other values, NaNs and NULLs. Every row is in one of them. */
function binsOf(column: CheckedColumn, { bounds, values = [] }: Distribution, check: string): SqlFragment[] {
  const { sql: value } = column;
  const notANumber = mayBeNaN(column) ? sql`coalesce(isnan(${value}), FALSE)` : sql`FALSE`;
  const tail = [notANumber, sql`${value} IS NULL`];
  if (bounds === undefined) {
    const bins = values.map((each) => sql`${value}::VARCHAR = ${each}`);
    const isOther =
      values.length === 0
        ? sql`${value} IS NOT NULL`
        : sql`${value}::VARCHAR NOT IN (${joined(
            values.map((each) => sql`${each}`),
            sql`, `,
          )})`;
    return [...bins, isOther, ...tail];
  }
  const at = bounds.map((bound) => literalOf(column, bound, check));
  const bins = [undefined, ...at].map((low, i) => {
    const high = at[i];
    const from = low === undefined ? sql`${value} IS NOT NULL` : sql`${value} >= ${low}`;
    return sql`${from}${high === undefined ? sql`` : sql` AND ${value} < ${high}`} AND NOT ${notANumber}`;
  });
  return [...bins, sql`FALSE`, ...tail];
}

/** Sum of (now - before) · ln(now / before) over the bins' shares. */
function stabilityIndex(before: readonly number[], now: readonly number[]): number {
  const [was, is] = [sum(before), sum(now)];
  return before.reduce((index, count, i) => {
    const [p, q] = [Math.max((now[i] ?? 0) / is, LEAST), Math.max(count / was, LEAST)];
    return index + (p - q) * Math.log(p / q);
  }, 0);
}

function isOrdered({ type }: CheckedColumn): boolean {
  return /^(int|long|float|double|decimal|date|time|timestamp.*)$/.test(type.type);
}

function sum(counts: readonly number[]): number {
  return counts.reduce((all, each) => all + each, 0);
}
