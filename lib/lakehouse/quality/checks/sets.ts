import { locateByName, typeToString } from "../../iceberg/index.js";
import { type SqlRow, sql } from "../../query/index.js";
import { invalidCheck } from "../errors.js";
import { milliseconds } from "./builders.js";
import { columnOf, written } from "./columns.js";
import { numberOf, type Planner, whereOf } from "./plan.js";
import type { CheckOf } from "./types.js";

/** Earlier runs that a count is compared with, where the check does not say. */
const RUNS = 1;
/** What quotients of counts are inexact by, and more; a row among a billion is more than that. */
const ROUNDING = 1e-12;

export const rowCount: Planner<CheckOf<"rowCount">> = (check, { earlierCounts }) => ({
  aggregates: [sql`count(*) FILTER (WHERE ${whereOf(check)})`],
  find: ([value]) => {
    const { min, max, change } = check;
    const count = numberOf(value);
    const wrong: string[] = [];
    if (min !== undefined && count < min) wrong.push(`fewer than ${min}`);
    if (max !== undefined && count > max) wrong.push(`more than ${max}`);
    const earlier = change === undefined ? [] : earlierCounts(check).slice(0, change.runs ?? RUNS);
    const mean = earlier.reduce((sum, each) => sum + each, 0) / earlier.length;
    if (change !== undefined && earlier.length > 0) {
      const moved = mean === 0 ? (count === 0 ? 0 : Number.POSITIVE_INFINITY) : count / mean - 1;
      const said = `${moved >= 0 ? "+" : ""}${Math.round(moved * 1000) / 10} % against ${Math.round(mean * 10) / 10}`;
      // 110 rows against 100 are 0.1 more and a little in floating point, and not more than 0.1.
      if (change.min !== undefined && moved < change.min - ROUNDING) wrong.push(said);
      if (change.max !== undefined && moved > change.max + ROUNDING) wrong.push(said);
    }
    const isFirst = change !== undefined && earlier.length === 0;
    const detail =
      wrong.length > 0 ? wrong.join(", ") : isFirst ? "no earlier run to compare with" : undefined;
    return { failing: wrong.length > 0 ? 1 : 0, rows: count, measured: count, detail };
  },
});

export const freshness: Planner<CheckOf<"freshness">> = (check, { schema, now }) => {
  const { sql: column, type } = columnOf(schema, check.column, check.name);
  if (!/^(date|timestamp)/.test(type.type)) {
    throw invalidCheck(
      check.name,
      `The check ${check.name} asks how old ${check.column} is, which is no date or timestamp.`,
      "Name a column of points in time.",
    );
  }
  // Times without a zone are UTC, as in Iceberg. Nanoseconds are cut: an age is not told by them.
  const utc = sql`epoch_us(CAST(${column} AS ${type.type.startsWith("timestamptz") ? sql`TIMESTAMPTZ` : sql`TIMESTAMP`}))`;
  const until = BigInt(now.getTime()) * 1000n;
  return {
    aggregates: [
      sql`count(*) FILTER (WHERE ${whereOf(check)})`,
      sql`max(${utc}) FILTER (WHERE ${whereOf(check)} IS TRUE AND ${utc} <= ${until})`,
    ],
    find: ([rows, newest]) => {
      const limit = milliseconds(check.within, check.name);
      if (newest === null || newest === undefined)
        return { failing: 1, rows: numberOf(rows), detail: "there is no time in it up to now" };
      const age = now.getTime() - numberOf(newest) / 1000;
      const detail = `newest ${new Date(numberOf(newest) / 1000).toISOString()}`;
      return { failing: age > limit ? 1 : 0, rows: numberOf(rows), measured: age / 1000, detail };
    },
  };
};

/** The query in parentheses: a comment at its end, or a semicolon, does no harm. */
export const sqlCheck: Planner<CheckOf<"sql">> = (check) => {
  const query = written(check.sql.replace(/;\s*$/, ""));
  return {
    aggregates: [sql`count(*)`],
    query: () => sql`SELECT count(*) FROM ${query}`,
    find: ([rows, failing]) => ({ failing: numberOf(failing), rows: numberOf(rows) }),
    sample: sql`SELECT * FROM ${query}`,
  };
};

export const types: Planner<CheckOf<"types">> = (check, { schema }) => {
  const wrong: SqlRow[] = [];
  for (const [column, expected] of Object.entries(check.columns)) {
    const found = locateByName(schema, column)?.field.type;
    if (found === undefined) wrong.push({ column, expected, found: null });
    else if (canonical(typeToString(found)) !== canonical(expected))
      wrong.push({ column, expected, found: typeToString(found) });
  }
  const rows = Object.keys(check.columns).length;
  return { find: () => ({ failing: wrong.length, rows }), shown: wrong };
};

/** Blanks and case do not matter in the text of a type. */
function canonical(type: string): string {
  return type.replace(/\s+/g, "").toLowerCase();
}
