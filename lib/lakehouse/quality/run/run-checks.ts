import { invalidArgument, isLakehouseError } from "../../errors.js";
import type { Schema } from "../../iceberg/index.js";
import {
  identifier,
  type NamedRows,
  type QueryEngine,
  type SqlFragment,
  type SqlValue,
  sql,
} from "../../query/index.js";
import { joined } from "../checks/columns.js";
import { distributionOf } from "../checks/drift.js";
import { type Plan, ROWS, type Target } from "../checks/plan.js";
import { isOfWhole, planOf } from "../checks/planners.js";
import type { Check, Distribution } from "../checks/types.js";
import { invalidCheck } from "../errors.js";
import { judged } from "./judge.js";
import type { CheckResult, JsonRow, Scope } from "./report.js";

/** What a run of checks needs. */
export interface RunRequest {
  readonly engine: Pick<QueryEngine, "sql">;
  /** Where other tables are looked up: those of references and of SQL. */
  readonly ref?: string | undefined;
  readonly schema: Schema;
  readonly scope: Scope;
  /** What is looked at. */
  readonly rows: NamedRows;
  /** Of new rows the table with them; of a batch the table without it. */
  readonly whole?: NamedRows | undefined;
  readonly checks: readonly Check[];
  /** Rows to show of what fails. */
  readonly samples: number;
  readonly now: Date;
  /** The rows of a drift check's ref. */
  readonly rowsAt: (ref: string) => Promise<NamedRows>;
  readonly earlierCounts: Target["earlierCounts"];
  readonly signal?: AbortSignal | undefined;
}

/** Checks of the same rows: they share a query. */
interface Group {
  readonly target: Target;
  readonly rows: Readonly<Record<string, NamedRows>>;
  readonly checks: readonly Check[];
}

/**
 * Runs checks, in one query over the rows and, where only new rows are looked at, one over the whole table for the checks
 * that are about that. Queries of their own have: keys of new rows, `sql`, and what is shown of failures.
 *
 * @throws LakehouseError INVALID_CHECK for the first check that cannot be run.
 */
export async function runChecks(request: RunRequest): Promise<CheckResult[]> {
  const baselines = await baselinesOf(request);
  const results = new Map<Check, CheckResult>();
  for (const group of groupsOf(request, baselines)) {
    const plans = group.checks.map((check) => ({ check, plan: planOf(check, group.target) }));
    for (const result of await runGroup(request, group, plans)) results.set(result.check, result);
  }
  return request.checks.map((check) => results.get(check) as CheckResult);
}

async function baselinesOf(request: RunRequest): Promise<ReadonlyMap<Check, Distribution>> {
  const found = new Map<Check, Distribution>();
  for (const check of request.checks) {
    if (check.kind !== "drift") continue;
    const { against } = check;
    const taken =
      typeof against === "string"
        ? await named(check, async () =>
            distributionOf(request.engine, await request.rowsAt(against), request.schema, check, request.ref),
          )
        : against;
    found.set(check, taken);
  }
  return found;
}

function groupsOf(request: RunRequest, baselines: ReadonlyMap<Check, Distribution>): Group[] {
  const { rows, whole, scope, schema, now, earlierCounts } = request;
  const target: Target = {
    schema,
    scope,
    now,
    earlierCounts,
    hasWhole: whole !== undefined && scope !== "table",
    baseline: (check) => baselines.get(check),
  };
  const names = { rows, ...(whole !== undefined && { "whole table": whole }) };
  if (scope !== "new" || whole === undefined) return [{ target, rows: names, checks: request.checks }];
  const all: Target = { ...target, scope: "table", hasWhole: false };
  return [
    { target, rows: names, checks: request.checks.filter((check) => !isOfWhole(check)) },
    { target: all, rows: { rows: whole }, checks: request.checks.filter(isOfWhole) },
  ].filter(({ checks }) => checks.length > 0);
}

interface Planned {
  readonly check: Check;
  readonly plan: Plan;
}

async function runGroup(
  request: RunRequest,
  group: Group,
  plans: readonly Planned[],
): Promise<CheckResult[]> {
  const ask = asker(request, group);
  const aggregated = await aggregates(ask, plans);
  const results: CheckResult[] = [];
  for (const [i, { check, plan }] of plans.entries()) {
    const values = aggregated[i] ?? [];
    const own = plan.query?.(values);
    const more = own === undefined ? [] : Object.values((await named(check, () => ask(own)))[0] ?? {});
    const finding = plan.find([...values, ...more]);
    const samples = finding.failing === 0 ? [] : await named(check, () => samplesOf(request, group, plan));
    results.push(judged(check, finding, samples));
  }
  return results;
}

type Ask = (query: SqlFragment) => Promise<Record<string, SqlValue>[]>;

function asker({ engine, ref, signal }: RunRequest, { rows }: Group): Ask {
  return async (query) => (await engine.sql(query, { rows, ref, signal, tablesOnly: true })).rows();
}

/** The aggregates of all checks, by one query. Where it fails, the check that is to blame is found by its own. */
async function aggregates(ask: Ask, plans: readonly Planned[]): Promise<SqlValue[][]> {
  try {
    return await aggregate(ask, plans);
  } catch (error) {
    if (!isBlamed(error)) throw error;
    for (const planned of plans) await named(planned.check, () => aggregate(ask, [planned]));
    throw error;
  }
}

async function aggregate(ask: Ask, plans: readonly Planned[]): Promise<SqlValue[][]> {
  const all = plans.flatMap(({ plan }) => plan.aggregates ?? []);
  if (all.length === 0) return plans.map(() => []);
  const columns = all.map((each, i) => sql`${each} AS ${identifier(`v${i}`)}`);
  const [row = {}] = await ask(sql`SELECT ${joined(columns, sql`, `)} FROM ${ROWS}`);
  // A comment that one check opens and another closes takes all between them out of the query.
  if (Object.keys(row).length !== all.length)
    throw invalidArgument("checks", "One of the checks has a comment that does not end.", "End it.");
  let next = 0;
  return plans.map(({ plan }) => (plan.aggregates ?? []).map(() => row[`v${next++}`] ?? null));
}

async function samplesOf(request: RunRequest, { rows }: Group, plan: Plan): Promise<JsonRow[]> {
  const { engine, ref, signal, samples } = request;
  if (samples === 0) return [];
  if (plan.shown !== undefined) return plan.shown.slice(0, samples);
  if (plan.sample === undefined) return [];
  const result = await engine.sql(sql`${plan.sample} LIMIT ${samples}`, {
    rows,
    ref,
    signal,
    tablesOnly: true,
  });
  return JSON.parse(await result.format("json")) as JsonRow[];
}

/** Codes of errors that a check's own text or table can be to blame for. */
const BLAMED: ReadonlySet<string> = new Set([
  "INVALID_SQL",
  "NO_SUCH_TABLE",
  "INVALID_ARGUMENT",
  "NO_SUCH_REF",
]);

/** True for an error that a check is to blame for, and not the lakehouse. */
export function isBlamed(error: unknown): boolean {
  return isLakehouseError(error) && BLAMED.has(error.code);
}

/** Names the check in an error that it is to blame for. */
async function named<T>(check: Check, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!isBlamed(cause)) throw cause;
    throw invalidCheck(
      check.name,
      `The check ${JSON.stringify(check.name)} cannot be run: ${(cause as Error).message}`,
      undefined,
      cause,
    );
  }
}
