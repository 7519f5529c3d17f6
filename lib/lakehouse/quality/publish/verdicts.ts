import { branchingOf } from "../../catalog/index.js";
import { PositionBitmap, type Table } from "../../iceberg/index.js";
import { identifier, type SqlFragment, sql } from "../../query/index.js";
import type { QualityContext } from "../check.js";
import { notNulls } from "../checks/builders.js";
import { and, columnOf, joined } from "../checks/columns.js";
import { type Target, whereOf } from "../checks/plan.js";
import { isOfAll, planOf } from "../checks/planners.js";
import type { Check, CheckOf } from "../checks/types.js";
import { invalidCheck } from "../errors.js";
import { isBlamed } from "../run/run-checks.js";

/** The place of a row among those that landed: `_row_id`, which ascends as they came. */
export const ORDER = identifier("(order)");
/** Names of the checks that a row fails, never empty. */
export const REASONS = identifier("(reasons)");
/** Of a row whose verdict depends on others': for each key the place of the first row that has it. Else NULL. */
const FIRSTS = identifier("(firsts)");

/** Rows to be judged, and where the verdicts are written down. */
export interface Landed {
  /** That they are for, as it is without them. */
  readonly table: Table;
  readonly rows: SqlFragment;
  readonly checks: readonly Check[];
  readonly now: Date;
  readonly branch: string;
  /** The name of a table that is not on the branch yet. */
  readonly verdicts: string;
}

/**
 * Judges the rows in the order in which they came: a row is kept if its other checks pass, and none of its keys is in the
 * table or in a row that was kept before it. So a row that is set aside takes no key from another, one that is set aside for
 * a key shares it with a row that is kept or there, and the order in which checks are written does not matter. With several
 * keys another choice may keep more rows; to find the most is NP-hard with three (3-dimensional matching).
 *
 * The verdicts are written down: asked again, by the clock or by chance, checks may say something else of a row.
 *
 * @returns how many rows are to be set aside; `verdictsOf` reads which.
 * @throws LakehouseError INVALID_CHECK
 */
export async function writeVerdicts(context: QualityContext, landed: Landed): Promise<number> {
  const { table, checks, branch, verdicts } = landed;
  // What is about rows together says of none of them that it is bad.
  const blocking = checks.filter((check) => check.severity === "block" && !isOfAll(check));
  const all = [...notNulls(table.schema, blocking), ...blocking];
  const suspected = sql`SELECT ${ORDER}, ${REASONS}, ${FIRSTS} FROM (${suspectedRows(landed, all)}) WHERE len(${REASONS}) > 0`;
  const [found] = await context.engine
    .sql(sql`CREATE TABLE ${nameOf(verdicts)} AS ${suspected}`, { ref: branch, tablesOnly: true })
    .then((result) => result.rows())
    .catch((cause: unknown) => {
      throw isBlamed(cause) ? impossible(table.name, cause as Error) : cause;
    });
  const keys = all.filter(isUnique).map(({ name }) => name);
  const bad = Number(found?.Count);
  return keys.length < 2 || bad === 0 ? bad : bad - (await settle(context, landed, keys));
}

/** Rows that are set aside, as a table of `ORDER` and `REASONS`. */
export function verdictsOf(verdicts: string): SqlFragment {
  return sql`(SELECT ${ORDER}, ${REASONS} FROM ${nameOf(verdicts)} WHERE ${FIRSTS} IS NULL)`;
}

/**
 * The rows with the checks that each fails, in few scans: of keys, those that the table has, and those that a row before it
 * has which might be kept. With one key such a row is kept, the first of them. With several it may be set aside for another
 * key: then the places of the first rows are given, for `settle`.
 */
function suspectedRows({ table, rows, now }: Landed, all: readonly Check[]): SqlFragment {
  const target: Target = {
    schema: table.schema,
    scope: "batch",
    hasWhole: true,
    now,
    earlierCounts: () => [],
    baseline: () => undefined,
  };
  const flags = all.flatMap((check) => {
    const fails = isUnique(check) ? undefined : planOf(check, target).fails;
    return fails === undefined ? [] : [sql`CASE WHEN ${fails} THEN ${check.name} END`];
  });
  const keys = all.filter(isUnique);
  const [has, isTaken, first] = (["has", "taken", "first"] as const).map(
    (what) => (i: number) => identifier(`(${what} ${i})`),
  ) as [Named, Named, Named];
  const known = keys.map((check) => knownKeys(table, check));
  const ofKeys = keys.map((check, i) => {
    const isKey = keyOf(table, check);
    return sql`, ${isKey} AS ${has(i)}, ${isKey} AND ${known[i]?.isKnown as SqlFragment} AS ${isTaken(i)}`;
  });
  const own = sql`SELECT "rows".*, _row_id AS ${ORDER}, ${reasonsOf(flags)} AS "(own)"${joined(ofKeys, sql``)} FROM ${rows} AS "rows" ${joined(
    known.map(({ join }) => join),
    sql` `,
  )}`;
  const mayBeKept = and([sql`len("(own)") = 0`, ...keys.map((_, i) => sql`NOT ${isTaken(i)}`)]);
  const firsts = keys.map((check, i) => {
    const columns = check.columns.map((column) => columnOf(table.schema, column, check.name).sql);
    const before = sql`min(${ORDER}) FILTER (WHERE ${mayBeKept}) OVER (PARTITION BY ${has(i)}, ${joined(columns, sql`, `)})`;
    return sql`, CASE WHEN ${has(i)} AND len("(own)") = 0 THEN ${before} END AS ${first(i)}`;
  });
  const placed = sql`SELECT *${joined(firsts, sql``)} FROM (${own}) AS "rows"`;
  const isAfter = keys.map((_, i) => sql`(${first(i)} < ${ORDER}) IS TRUE`);
  const taken = keys.map(
    ({ name }, i) =>
      sql`CASE WHEN len("(own)") = 0 AND (${isTaken(i)} OR ${isAfter[i] as SqlFragment}) THEN ${name} END`,
  );
  const places = joined(
    keys.map((_, i) => first(i)),
    sql`, `,
  );
  const isOpen = keys.length < 2 ? sql`FALSE` : sql`(${joined(isAfter, sql` OR `)})`;
  return sql`SELECT ${ORDER}, list_concat("(own)", ${reasonsOf(taken)}) AS ${REASONS}, CASE WHEN ${isOpen} THEN [${places}]::BIGINT[] END AS ${FIRSTS} FROM (${placed}) AS "rows"`;
}

type Named = (i: number) => SqlFragment;

/**
 * Goes through the rows whose verdict depends on others', as they came, and adds the verdicts of those that are set aside.
 * What it holds meanwhile is a bit or so for each of these rows and of their keys.
 *
 * @param keys names of the checks, as `FIRSTS` has them.
 * @returns how many are kept.
 */
async function settle(
  { catalog, engine }: QualityContext,
  { branch, verdicts }: Landed,
  keys: readonly string[],
): Promise<number> {
  const setAside = new PositionBitmap();
  // Of each check the keys that a row has taken which was gone through here, by the places of their first rows.
  const taken = keys.map(() => new PositionBitmap());
  let kept = 0;
  const open = sql`SELECT ${ORDER} AS place, ${REASONS} AS reasons, ${FIRSTS} AS firsts FROM ${nameOf(verdicts)} WHERE ${FIRSTS} IS NOT NULL ORDER BY 1`;
  const judged = async function* () {
    for await (const row of await engine.sql(open, { ref: branch, tablesOnly: true })) {
      const place = Number(row.place);
      const firsts = (row.firsts as (bigint | null)[]).map((each) =>
        each === null ? undefined : Number(each),
      );
      const why = keys.filter((name, i) => {
        const first = firsts[i];
        // There is a first one only where the table has not the key.
        if (first === undefined) return (row.reasons as string[]).includes(name);
        return first < place && (!setAside.has(first) || taken[i]?.has(first) === true);
      });
      if (why.length > 0) {
        setAside.add(place);
        yield { "(order)": place, "(reasons)": why, "(firsts)": null };
        continue;
      }
      kept++;
      for (const [i, first] of firsts.entries()) if (first !== undefined) taken[i]?.add(first);
    }
  };
  await (await branchingOf(catalog).on(branch).loadTable(verdicts)).append(judged());
  return kept;
}

function isUnique(check: Check): check is CheckOf<"unique"> {
  return check.kind === "unique";
}

export function reasonsOf(flags: readonly SqlFragment[]): SqlFragment {
  return sql`list_filter([${joined(flags, sql`, `)}]::VARCHAR[], lambda each: each IS NOT NULL)`;
}

/** Rows that the check is not about take no key. */
function keyOf({ schema }: Table, check: CheckOf<"unique">): SqlFragment {
  const columns = check.columns.map((column) => columnOf(schema, column, check.name).sql);
  return sql`(${whereOf(check)} IS TRUE AND ${and(columns.map((column) => sql`${column} IS NOT NULL`))})`;
}

/** The keys that the table has already, each once. */
function knownKeys(
  table: Table,
  check: CheckOf<"unique">,
): { readonly join: SqlFragment; readonly isKnown: SqlFragment } {
  const columns = check.columns.map((column) => columnOf(table.schema, column, check.name).sql);
  const alias = identifier(`known by ${check.name}`);
  const names = columns.map((_, i) => identifier(`${check.name} known ${i}`));
  const selected = columns.map((column, i) => sql`${column} AS ${names[i] as SqlFragment}`);
  const isKey = keyOf(table, check);
  const on = and(columns.map((column, i) => sql`${column} = ${alias}.${names[i] as SqlFragment}`));
  const join = sql`LEFT JOIN (SELECT DISTINCT ${joined(selected, sql`, `)} FROM ${nameOf(table.name)} AS "rows" WHERE ${isKey}) AS ${alias} ON ${on}`;
  return { join, isKnown: sql`(${alias}.${names[0] as SqlFragment} IS NOT NULL)` };
}

function impossible(name: string, cause: Error) {
  return invalidCheck(name, `A check of ${name} cannot be run: ${cause.message}`, undefined, cause);
}

export function nameOf(name: string): SqlFragment {
  return identifier(...name.split("."));
}
