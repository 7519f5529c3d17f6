import { randomUUID } from "node:crypto";
import type { RecordBatch } from "apache-arrow";
import { type Catalog, isBranchingCatalog, type TableName } from "../catalog/index.js";
import { invalidArgument } from "../errors.js";
import {
  type AppendData,
  conformingBatches,
  type Schema,
  type SnapshotId,
  type Table,
} from "../iceberg/index.js";
import { observe } from "../observability/index.js";
import type { NamedRows, QueryEngine } from "../query/index.js";
import { notNulls, requireChecks } from "./checks/builders.js";
import { isOfWhole } from "./checks/planners.js";
import type { Check } from "./checks/types.js";
import { storedChecks } from "./contracts/stored.js";
import { History } from "./history.js";
import { checkRuns } from "./metrics.js";
import type { CheckReport, CheckResult, Scope } from "./run/report.js";
import { runChecks } from "./run/run-checks.js";

/** What the room needs of an open lakehouse. */
export interface QualityContext {
  /** Seen on one branch. */
  readonly catalog: Catalog;
  readonly engine: QueryEngine;
}

export interface CheckOptions {
  /** In place of those of the contract or of the table. */
  readonly checks?: readonly Check[] | undefined;
  /** Only rows that the table did not have at this snapshot. */
  readonly since?: SnapshotId | undefined;
  /** Rows to show of what fails. 5 where not given; 0 for data that nobody shall see. */
  readonly samples?: number | undefined;
  /** Whether the run is kept in the history. True where not given. */
  readonly record?: boolean | undefined;
  /** What counts as now, for freshness. */
  readonly now?: Date | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Which state of a table is checked, for whom it is recorded. */
export interface Checked {
  readonly table: Table;
  /** On which its other tables are read. */
  readonly ref?: string | undefined;
  /** As which it is recorded, where that is another. */
  readonly recordedRef?: string | undefined;
  /** True of a table that there was not before: its rows are recorded as new ones, with which later ones are compared. */
  readonly isNew?: boolean | undefined;
}

/** Rows of a failure that are shown, where nobody says. */
const SAMPLES = 5;

/** Checks a table, or what it has more than at a snapshot; nothing is recorded. */
export async function checkTable(
  context: QualityContext,
  { table, ref, recordedRef = ref, isNew = false }: Checked,
  options: CheckOptions,
): Promise<CheckReport> {
  const checks = requireChecks(options.checks ?? storedChecks(table));
  if (checks.length === 0)
    throw invalidArgument(
      table.name,
      `${table.name} has no checks.`,
      "Give some, or make the table carry them by lake.quality.setChecks.",
    );
  const { since } = options;
  const scope = since === undefined ? "table" : "new";
  const recorded = { table: table.name, ref: recordedRef, scope: isNew ? "new" : scope } as const;
  const whole: NamedRows = { table };
  const now = options.now ?? new Date();
  return timed({ ...recorded, state: table, since }, async () =>
    runChecks({
      engine: context.engine,
      ref,
      schema: table.schema,
      scope,
      rows: since === undefined ? whole : { table, since },
      whole,
      checks,
      samples: options.samples ?? SAMPLES,
      now,
      rowsAt: async (at) => ({ table: await tableAt(context.catalog, table.identifier, at) }),
      earlierCounts: await countsOf(context, checks, recorded),
      signal: options.signal,
    }),
  );
}

/** Checks rows that are in no table yet. */
export async function checkBatch<Row>(
  context: QualityContext,
  {
    rows,
    schema,
    name,
    existing,
    ref,
  }: {
    readonly rows: AppendData<Row>;
    readonly schema: Schema;
    readonly name: string;
    /** The table that they are for: keys must be new to it. */
    readonly existing: Table | undefined;
    readonly ref: string | undefined;
  },
  checks: readonly Check[],
  options: CheckOptions,
): Promise<CheckReport> {
  const all = [...notNulls(schema, requireChecks(checks)), ...checks];
  const relaxed = {
    ...schema,
    fields: schema.fields.map((field) => ({ ...field, required: false })),
    identifierFieldIds: [],
  };
  const batches: RecordBatch[] = [];
  for await (const batch of conformingBatches(relaxed, rows)) batches.push(batch);
  const now = options.now ?? new Date();
  return timed({ table: name, ref, scope: "batch", state: undefined, since: undefined }, async () =>
    runChecks({
      engine: context.engine,
      ref,
      schema: relaxed,
      scope: "batch",
      rows: { schema: relaxed, batches },
      whole: existing && { table: existing },
      checks: all,
      samples: options.samples ?? SAMPLES,
      now,
      rowsAt: async (at) => ({ table: await tableAt(context.catalog, name, at) }),
      earlierCounts: await countsOf(context, all, { table: name, ref, scope: "batch" }),
      signal: options.signal,
    }),
  );
}

/** The table on another ref of its catalog. */
async function tableAt(catalog: Catalog, name: TableName, ref: string): Promise<Table> {
  if (isBranchingCatalog(catalog)) return catalog.on(ref).loadTable(name);
  throw invalidArgument(
    ref,
    "This catalog has no branches to compare with.",
    "Give the distribution itself.",
  );
}

async function countsOf(
  { catalog, engine }: QualityContext,
  checks: readonly Check[],
  at: { readonly table: string; readonly ref: string | undefined; readonly scope: Scope },
): Promise<(check: Check) => readonly number[]> {
  const found = new Map<Check, readonly number[]>();
  for (const check of checks) {
    if (check.kind !== "rowCount" || check.change === undefined) continue;
    const { scope, ...where } = at;
    // Of the whole table it is the same count, whichever rows the other checks looked at.
    const scopes = isOfWhole(check) && scope !== "batch" ? ["table", "new"] : [scope];
    const asked = { ...where, scopes, check: check.name, runs: check.change.runs ?? 1, passed: true };
    found.set(
      check,
      (await new History(catalog, engine).read(asked)).map(({ rows }) => rows),
    );
  }
  return (check) => found.get(check) ?? [];
}

async function timed(
  {
    table,
    ref,
    scope,
    state,
    since,
  }: {
    readonly table: string;
    readonly ref: string | undefined;
    readonly scope: CheckReport["scope"];
    readonly state: Table | undefined;
    readonly since: SnapshotId | undefined;
  },
  work: () => Promise<CheckResult[]>,
): Promise<CheckReport> {
  const begun = new Date();
  const start = performance.now();
  const snapshot = state?.currentSnapshot?.snapshotId;
  const results = await observe(checkRuns, work, ({ result = [], outcome, milliseconds }) => {
    const failed = result.filter((each) => each.outcome === "fail");
    const warned = result.filter((each) => each.outcome === "warn");
    return {
      table,
      ref,
      scope,
      snapshot: snapshot === undefined ? undefined : String(snapshot),
      checks: result.length,
      failed: failed.length,
      warned: warned.length,
      failures: [...failed, ...warned].map(({ check }) => check.name).join(", "),
      outcome,
      milliseconds,
    };
  });
  return {
    run: randomUUID(),
    table,
    ...(ref !== undefined && { ref }),
    scope,
    ...(snapshot !== undefined && { snapshot: String(snapshot) }),
    ...(since !== undefined && { since: String(since) }),
    at: begun.toISOString(),
    milliseconds: Math.round(performance.now() - start),
    passed: results.every(({ outcome }) => outcome !== "fail"),
    results,
  };
}
