import {
  BEGINNING,
  type BranchingCatalog,
  type Catalog,
  isBranchingCatalog,
  namespaceExists,
  tableExists,
} from "../catalog/index.js";
import {
  defineSchema,
  double,
  long,
  noSuchRef,
  noSuchTable,
  type RowOf,
  refExists,
  string,
  type Table,
  timestamptz,
} from "../iceberg/index.js";
import { type QueryEngine, type SqlFragment, sql } from "../query/index.js";
import type { CheckReport } from "./run/report.js";

/**
 * The results of all runs, one row a check, in the table `quality.results` on a branch of its own: so no branch of data
 * changes because it was looked at. Where the catalog has no branches, the table is among the others.
 * Rows that failed are not kept: what is deleted from a table shall not live on in its reports.
 */
export const HISTORY_TABLE = "quality.results";
export const HISTORY_BRANCH = "quality-history";

const SCHEMA = defineSchema({
  run: string().doc("Names a run."),
  at: timestamptz().doc("When it began."),
  table_name: string(),
  ref: string().optional().doc("The branch, tag or commit that was looked at."),
  scope: string().doc("table, new or batch: which rows were looked at."),
  snapshot_id: long().optional(),
  check_name: string(),
  kind: string(),
  severity: string(),
  outcome: string().doc("pass, warn or fail."),
  failing: long().doc("Rows that were wrong; of a check of rows as a whole 1 when it failed."),
  rows: long().doc("Rows that were looked at."),
  measured: double().optional().doc("A count, an age in seconds or an index of drift."),
  message: string(),
  milliseconds: long().doc("Of the run."),
});

type HistoryRow = RowOf<typeof SCHEMA>;

/** A check's result in an earlier run. */
export interface PastResult {
  readonly run: string;
  readonly at: Date;
  readonly ref: string | undefined;
  readonly scope: string;
  readonly check: string;
  readonly outcome: string;
  readonly failing: number;
  readonly rows: number;
  readonly measured: number | undefined;
}

/** Which results of a table to read. */
export interface PastRequest {
  readonly table: string;
  readonly ref?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly check?: string | undefined;
  /** Only runs that began before. */
  readonly before?: Date | undefined;
  /** Runs at most, the newest. */
  readonly runs?: number | undefined;
  /** Only results that neither failed nor warned. */
  readonly passed?: boolean | undefined;
}

export class History {
  readonly #catalog: Catalog;
  readonly #engine: Pick<QueryEngine, "sql">;

  constructor(catalog: Catalog, engine: Pick<QueryEngine, "sql">) {
    this.#catalog = isBranchingCatalog(catalog) ? catalog.on(HISTORY_BRANCH) : catalog;
    this.#engine = engine;
  }

  /** Adds a run. */
  async record(report: CheckReport): Promise<void> {
    const rows = report.results.map(
      ({ check, outcome, failing, rows, measured, message }): HistoryRow => ({
        run: report.run,
        at: report.at,
        table_name: report.table,
        ref: report.ref,
        scope: report.scope,
        snapshot_id: report.snapshot === undefined ? undefined : BigInt(report.snapshot),
        check_name: check.name,
        kind: check.kind,
        severity: check.severity,
        outcome,
        failing,
        rows,
        measured,
        message,
        milliseconds: report.milliseconds,
      }),
    );
    await (await this.#table()).append(rows);
  }

  /** Results of earlier runs, newest first; none where nothing was recorded yet. */
  async read(request: PastRequest): Promise<PastResult[]> {
    const { table, runs = 30, ...only } = request;
    const conditions: SqlFragment[] = [sql`table_name = ${table}`];
    if (only.ref !== undefined) conditions.push(sql`ref = ${only.ref}`);
    if (only.scopes !== undefined) conditions.push(sql`scope = any(${only.scopes})`);
    if (only.check !== undefined) conditions.push(sql`check_name = ${only.check}`);
    if (only.before !== undefined) conditions.push(sql`"at" < ${only.before}`);
    if (only.passed === true) conditions.push(sql`outcome = 'pass'`);
    const where = conditions.reduce((before, each) => sql`${before} AND ${each}`);
    let at: Table;
    try {
      at = await this.#catalog.loadTable(HISTORY_TABLE);
    } catch (error) {
      if (noSuchTable.is(error) || noSuchRef.is(error)) return [];
      throw error;
    }
    const result = await this.#engine.sql(
      sql`SELECT run, epoch_ms("at") AS "at", ref, scope, check_name, outcome, failing, rows, measured FROM "history"
        WHERE ${where} AND run IN (SELECT run FROM "history" WHERE ${where} GROUP BY run ORDER BY max("at") DESC, run LIMIT ${runs})
        ORDER BY "at" DESC, run`,
      { rows: { history: { table: at } } },
    );
    return (await result.rows()).map((row) => ({
      run: String(row.run),
      at: new Date(Number(row.at)),
      ref: row.ref === null ? undefined : String(row.ref),
      scope: String(row.scope),
      check: String(row.check_name),
      outcome: String(row.outcome),
      failing: Number(row.failing),
      rows: Number(row.rows),
      measured: row.measured === null ? undefined : Number(row.measured),
    }));
  }

  async #table(): Promise<Table<HistoryRow>> {
    const catalog = this.#catalog;
    try {
      return await catalog.loadTable<HistoryRow>(HISTORY_TABLE);
    } catch (error) {
      if (!noSuchTable.is(error) && !noSuchRef.is(error)) throw error;
    }
    // Others may make them at the same time.
    if (isBranchingCatalog(catalog)) await unless(refExists, () => startBranch(catalog));
    await unless(namespaceExists, () => catalog.createNamespace("quality"));
    await unless(tableExists, () =>
      catalog.createTable(HISTORY_TABLE, {
        schema: SCHEMA,
        properties: {
          comment: "Results of quality checks, one row a check and run.",
          "write.metadata.delete-after-commit.enabled": "true",
          "write.metadata.previous-versions-max": "20",
        },
      }),
    );
    return catalog.loadTable<HistoryRow>(HISTORY_TABLE);
  }
}

async function startBranch(catalog: BranchingCatalog): Promise<void> {
  await catalog.createBranch(HISTORY_BRANCH, { from: `@${BEGINNING}`, message: "Results of quality checks" });
}

async function unless(kind: { is(error: unknown): boolean }, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!kind.is(error)) throw error;
  }
}
