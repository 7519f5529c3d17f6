import { identifier, type SqlFragment, type SqlValue, sql } from "../../query/index.js";
import { and, columnOf, joined } from "./columns.js";
import { type Finding, numberOf, type Planner, ROWS, type Target, WHOLE, whereOf } from "./plan.js";
import type { CheckOf } from "./types.js";

/** Types whose least and greatest value say, as they are written, which files can have one between them. */
const ORDERED: ReadonlySet<string> = new Set(["int", "long", "string", "date"]);

/**
 * Keys that are there more than once. Of the whole table it is a count beside the others. Of new rows the whole table is
 * asked for their keys alone, in files that can have them: a new row fails when its key was there, or came before it among
 * the new ones.
 */
export const unique: Planner<CheckOf<"unique">> = (check, target) => {
  const columns = check.columns.map((name) => columnOf(target.schema, name, check.name).sql);
  const isKey = sql`${whereOf(check)} IS TRUE AND ${and(columns.map((column) => sql`${column} IS NOT NULL`))}`;
  // Names of our own in between, since a table's may differ by case alone.
  const keys = columns.map((_, i) => identifier(`key ${i}`));
  const key = list(columns.map((column, i) => sql`${column} AS ${keys[i] as SqlFragment}`));
  const shown = list(check.columns.map((name, i) => sql`${keys[i] as SqlFragment} AS ${identifier(name)}`));
  const sampleOf = (counted: SqlFragment) =>
    sql`SELECT ${shown}, copies AS "(copies)" FROM (${counted}) WHERE copies > 1 ORDER BY copies DESC, ${list(keys)}`;
  const count = sql`count(*) FILTER (WHERE ${whereOf(check)})`;
  const find = (values: readonly SqlValue[]): Finding => ({
    failing: numberOf(values.at(-1)),
    rows: numberOf(values[0]),
  });
  if (!target.hasWhole) {
    const [only] = columns;
    const tuple = columns.length === 1 ? (only as SqlFragment) : sql`row(${list(columns)})`;
    const excess = sql`count(*) FILTER (WHERE ${isKey}) - count(DISTINCT ${tuple}) FILTER (WHERE ${isKey})`;
    const counted = sql`SELECT ${key}, count(*) AS copies FROM ${ROWS} WHERE ${isKey} GROUP BY ALL`;
    return { aggregates: [count, excess], find, sample: sampleOf(counted) };
  }
  const bounded = check.columns
    .map((name) => columnOf(target.schema, name, check.name))
    .filter(({ type }) => ORDERED.has(type.type));
  const bounds = bounded.flatMap(({ sql: column }) =>
    [sql`min`, sql`max`].map((bound) => sql`${bound}(${column}) FILTER (WHERE ${isKey})`),
  );
  const within = ([, ...values]: readonly SqlValue[]) =>
    and(
      bounded.flatMap(({ sql: column }, i) => {
        const [least = null, most = null] = values.slice(2 * i, 2 * i + 2) as (string | bigint | null)[];
        return least === null || most === null ? [] : [sql`${column} >= ${least}`, sql`${column} <= ${most}`];
      }),
    );
  return {
    aggregates: [count, ...bounds],
    query: (values) =>
      sql`SELECT sum(least(came, copies - 1)) FROM (${copies(target, key, isKey, keys, within(values))})`,
    find,
    sample: sampleOf(copies(target, key, isKey, keys, sql`TRUE`)),
  };
};

/**
 * Keys of the rows, how many of the rows have them (`came`), and how many there are of them altogether (`copies`).
 *
 * @param within true for every row of the table that has a key of the rows.
 */
function copies(
  { scope }: Target,
  key: SqlFragment,
  isKey: SqlFragment,
  keys: readonly SqlFragment[],
  within: SqlFragment,
): SqlFragment {
  const came = sql`SELECT ${key}, count(*) AS came FROM ${ROWS} WHERE ${isKey} GROUP BY ALL`;
  const there = sql`SELECT ${key}, count(*) AS there FROM ${WHOLE} AS "rows" WHERE ${within} AND ${isKey} GROUP BY ALL`;
  // A batch is no part of the table yet.
  const all = scope === "batch" ? sql`came + coalesce(there, 0)` : sql`there`;
  return sql`SELECT ${list(keys)}, came, ${all} AS copies FROM (${came}) LEFT JOIN (${there}) USING (${list(keys)})`;
}

function list(parts: readonly SqlFragment[]): SqlFragment {
  return joined(parts, sql`, `);
}
