import { drift } from "./drift.js";
import { unique } from "./keys.js";
import type { Plan, Planner, Target } from "./plan.js";
import { acceptedValues, expression, length, notNull, pattern, range, references } from "./rows.js";
import { freshness, rowCount, sqlCheck, types } from "./sets.js";
import type { Check, CheckKind, CheckOf, OfRows } from "./types.js";

/** How each kind of check is run. */
const PLANNERS: { readonly [Kind in CheckKind]: Planner<CheckOf<Kind>> } = {
  notNull,
  unique,
  range,
  acceptedValues,
  pattern,
  length,
  types,
  references,
  expression,
  sql: sqlCheck,
  rowCount,
  freshness,
  drift,
};

/** @throws LakehouseError INVALID_CHECK */
export function planOf(check: Check, target: Target): Plan {
  return (PLANNERS[check.kind] as Planner<Check>)(check, target);
}

/** Kinds that are about rows as a whole, not about each. */
const OF_ALL: ReadonlySet<CheckKind> = new Set<CheckKind>(["rowCount", "freshness", "drift", "sql"]);

/** True for a check of rows as a whole. */
export function isOfAll(check: Check): boolean {
  return OF_ALL.has(check.kind);
}

/** True for a check of the whole table, also where only new rows are looked at. */
export function isOfWhole(check: Check): boolean {
  return isOfAll(check) && (check as OfRows).of !== "new";
}
