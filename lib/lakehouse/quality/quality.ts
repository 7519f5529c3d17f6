import { isBranchingCatalog, type TableName } from "../catalog/index.js";
import { invalidArgument } from "../errors.js";
import type {
  AppendData,
  IngestOptions,
  Source,
  StreamOptions,
  StreamWriter,
  Table,
} from "../iceberg/index.js";
import type { TableStream, Topic, ToTableOptions } from "../log/index.js";
import { checkOptions, type OptionNames } from "../options.js";
import type { CheckOptions, QualityContext } from "./check.js";
import type { Allowance, Check, Distribution, DriftCheck } from "./checks/types.js";
import type { Contract } from "./contracts/contract.js";
import type { PastRequest, PastResult } from "./history.js";
import type { WriteRows } from "./publish/landing.js";
import type { AuditOptions, Publication } from "./publish/publish.js";
import type { CheckReport } from "./run/report.js";

/** A table by its name, or by its contract, which brings its checks. */
export type TableOrContract<Row> = TableName | Contract<Row>;

export interface PublishOptions extends AuditOptions, IngestOptions {
  /**
   * Rows that checks block are set aside in `<table>_rejected`, each with the names of its checks, and the others go on: both by
   * one commit. Checks of rows as a whole still block all of it. Allowances of single checks do not count here.
   */
  readonly quarantine?: boolean | undefined;
  /** With `quarantine`: how many rows may be set aside. Any where not given. */
  readonly maxRejected?: Allowance | undefined;
}

export interface BatchOptions extends Omit<CheckOptions, "since"> {
  /** The table that they are for, by name: keys must be new to it. */
  readonly into?: TableName | undefined;
}

export interface CheckedStreamOptions extends StreamOptions {
  /** In place of those of the contract or of the table. */
  readonly checks?: readonly Check[] | undefined;
  /** Rows to show of what fails. 5 where not given; 0 for data that nobody shall see. */
  readonly samples?: number | undefined;
}

export interface CheckedTopicOptions extends Omit<ToTableOptions, "judge"> {
  /** In place of those of the contract or of the table. */
  readonly checks?: readonly Check[] | undefined;
}

const CHECK_OPTIONS: OptionNames<CheckOptions> = {
  checks: true,
  since: true,
  samples: true,
  record: true,
  now: true,
  signal: true,
};

const PUBLISH_OPTIONS: OptionNames<PublishOptions> = {
  checks: true,
  samples: true,
  record: true,
  now: true,
  signal: true,
  token: true,
  audit: true,
  message: true,
  quarantine: true,
  maxRejected: true,
  cast: true,
  extraFields: true,
  missingFields: true,
};

/**
 * `lake.quality`: checks, contracts, and write-audit-publish, on the branch that the lakehouse is seen on.
 *
 * @example
 * const report = await lake.quality.check("flights.silver", { checks: [notNull("origin"), unique("id")] });
 * await lake.quality.publish(silver, rows); // lands on a branch, is checked there, and comes to main; or throws
 */
export class Quality {
  readonly #context: QualityContext;

  constructor(context: QualityContext) {
    this.#context = context;
  }

  /**
   * Runs a table's checks: those given, those of its contract, or those that the table carries. The run is kept in the history.
   *
   * @throws LakehouseError NO_SUCH_TABLE; INVALID_CHECK for a check that cannot be run; NO_SUCH_SNAPSHOT; SCHEMA_MISMATCH
   *   for a table that is not as its contract says.
   */
  async check<Row>(table: TableOrContract<Row>, options: CheckOptions = {}): Promise<CheckReport> {
    checkOptions("check", options, CHECK_OPTIONS);
    requireRun(options);
    const { checkTable } = await import("./check.js");
    const { name, contract } = await named(table);
    const opened = await this.#context.catalog.loadTable(name);
    if (contract !== undefined) {
      const { requireFit } = await import("../iceberg/index.js");
      requireFit(opened.name, opened.schema, contract.schema);
    }
    const checks = options.checks ?? contract?.checks;
    const report = await checkTable(this.#context, { table: opened, ref: this.#ref }, { ...options, checks });
    if (options.record !== false) await (await this.#history()).record(report);
    return report;
  }

  /**
   * Checks rows that are in no table yet, held in memory: a batch of a stream, say. Their columns are those of a contract, or
   * of the table that they are for. Nothing is recorded unless `record` says so.
   */
  async checkRows<Row>(
    rows: AppendData<Row>,
    table: TableOrContract<Row>,
    options: BatchOptions = {},
  ): Promise<CheckReport> {
    const { into, ...rest } = options;
    checkOptions("checkRows", rest, CHECK_OPTIONS);
    requireRun(options);
    const [{ checkBatch }, { storedChecks }] = await Promise.all([
      import("./check.js"),
      import("./contracts/stored.js"),
    ]);
    const { name, contract } = await named(table);
    const known = contract === undefined ? await this.#context.catalog.loadTable(name) : undefined;
    const existing = into === undefined ? undefined : await this.#context.catalog.loadTable(into);
    const schema = contract?.schema ?? (known as Table).schema;
    const checks = options.checks ?? contract?.checks ?? storedChecks(known as Table);
    const batch = { rows, schema, name: known?.name ?? String(name), existing, ref: this.#ref };
    const report = await checkBatch(this.#context, batch, checks, rest);
    if (options.record === true) await (await this.#history()).record(report);
    return report;
  }

  /**
   * Writes, audits and publishes: what is given lands on a branch of its own, the checks run there against what this branch
   * is by then, and if none blocks the branch moves to it in one step. If one does, the branch is as it was, and what was not
   * let through stays on the branch that the error names. A crash at any point leaves one or the other; the same `token`
   * again goes on from there.
   *
   * @param given rows, files or a query to append; or a function that writes to the table on the branch that it is given, by
   *   any number of commits, and to no other table.
   * @throws CheckFailedError CHECK_FAILED, with the report
   * @throws LakehouseError COMMIT_CONFLICT, REF_CONFLICT, SCHEMA_MISMATCH, INVALID_CHECK, UNSUPPORTED_FEATURE where the
   *   catalog has no branches.
   * @example
   * await lake.quality.publish(silver, rows, { token: "2026-11-29" });
   * await lake.quality.publish("flights.silver", async ({ branch }) => {
   *   await lake.sql("delete from flights.silver where date < '2001-01-01'", { ref: branch });
   * });
   */
  async publish<Row>(
    table: TableOrContract<Row>,
    given: Source<Row> | WriteRows<Row>,
    options: PublishOptions = {},
  ): Promise<Publication> {
    checkOptions("publish", options, PUBLISH_OPTIONS);
    requireRun(options);
    const [{ publish }, { landingOf }, { quarantineOf }, { newToken }] = await Promise.all([
      import("./publish/publish.js"),
      import("./publish/landing.js"),
      import("./publish/quarantine.js"),
      import("./publish/branches.js"),
    ]);
    const { name, contract } = await named(table);
    // Where it is missing, that is said of this branch, and not of the one that rows land on.
    if (contract === undefined) await this.#context.catalog.loadTable(name);
    const { requireChecks } = await import("./checks/builders.js");
    const { cast, extraFields, missingFields, quarantine = false, maxRejected, ...audit } = options;
    const ingest = { cast, extraFields, missingFields };
    const checks = requireChecks(audit.checks ?? contract?.checks ?? (await this.#carried(name)));
    if (!quarantine)
      return publish(
        this.#context,
        name,
        checks,
        landingOf(this.#context, name, contract, given, ingest),
        audit,
      );
    if (typeof given === "function")
      throw invalidArgument(
        name,
        "A function writes as it likes, and its rows cannot be parted.",
        "Give the rows, files or a query.",
      );
    const from = audit.token ?? newToken();
    const parting = { ...ingest, maxRejected, from, now: audit.now ?? new Date() };
    const landing = quarantineOf(this.#context, name, contract, given, checks, parting);
    return publish(this.#context, name, checks, landing, audit);
  }

  /**
   * `table.stream`, with checks before each commit, of the rows that it would bring and against the table that they would
   * come to. Where one that blocks fails, nothing of that interval is committed, and the stream ends: by the call after that,
   * or by `flush` or `close`. Nothing is recorded, and there is no quarantine: that is for `publish`.
   *
   * @throws RowsRefusedError CHECK_FAILED, of calls of the stream
   * @throws LakehouseError NO_SUCH_TABLE; INVALID_ARGUMENT for a table that carries no checks, where none are given;
   *   INVALID_CHECK; POSITION_LOST, as `table.stream`
   * @example
   * await using writer = await lake.quality.stream(readings, { source: "sensor-7" });
   * for await (const { offset, ...row } of sensor.after(writer.position)) await writer.write(row, { offset });
   */
  async stream<Row>(
    table: TableOrContract<Row>,
    options: CheckedStreamOptions = {},
  ): Promise<StreamWriter<Row>> {
    const { checks: given, ...rest } = options;
    requireRun(options);
    const [{ openContract }, { checkedStream }, { requireChecks }, { requireKnown }] = await Promise.all([
      import("./publish/landing.js"),
      import("./publish/stream.js"),
      import("./checks/builders.js"),
      import("./checks/columns.js"),
    ]);
    const { name, contract } = await named(table);
    const opened =
      contract === undefined
        ? (await this.#context.catalog.loadTable<Row>(name)).withEngine(this.#context.engine)
        : await openContract(this.#context, contract);
    const checks = requireChecks(given ?? contract?.checks ?? (await this.#carried(name)));
    requireKnown(opened.schema, checks);
    return checkedStream(this.#context, opened, this.#ref, checks, rest);
  }

  /**
   * `topic.toTable`, with a look at each row: a record whose row a blocking check refuses goes to the topic of dead letters,
   * with the checks' names and its topic, partition and offset in headers, and the others go on. The commit of the rows is
   * the one that passes both.
   *
   * Each row is judged by itself: a check of keys, or of rows as a whole, is refused where it blocks. Checks that warn are not
   * run.
   *
   * @param topic of the same lakehouse, seen on the same branch.
   * @throws LakehouseError INVALID_CHECK; NO_SUCH_TABLE or INVALID_ARGUMENT where no checks are given, and no table carries
   *   any; SCHEMA_MISMATCH for a table that is not as its contract says; as `topic.toTable`
   * @example
   * const stream = await lake.quality.toTable(lake.log.topic("flights"), "raw.flights", { checks: [notNull("origin")] });
   */
  async toTable<Row>(
    topic: Pick<Topic, "toTable">,
    table: TableOrContract<Row>,
    options: CheckedTopicOptions = {},
  ): Promise<TableStream> {
    const { checks: given, ...rest } = options;
    const [{ openContract }, { rowJudge }, { requireChecks }] = await Promise.all([
      import("./publish/landing.js"),
      import("./publish/row-judge.js"),
      import("./checks/builders.js"),
    ]);
    const { name, contract } = await named(table);
    const checks = requireChecks(given ?? contract?.checks ?? (await this.#carried(name)));
    const judge = rowJudge(this.#context, name, checks, this.#ref);
    if (contract !== undefined) await openContract(this.#context, contract);
    return topic.toTable(name, { ...rest, judge });
  }

  /**
   * Makes the table of a contract, or takes over its checks where there is one: the table carries them from then on, so that
   * `check` and `slh check` know them.
   *
   * @throws LakehouseError SCHEMA_MISMATCH where there is one with other columns.
   */
  async createTable<Row>(contract: Contract<Row>): Promise<Table<Row>> {
    const [{ openContract }, { storeChecks }] = await Promise.all([
      import("./publish/landing.js"),
      import("./contracts/stored.js"),
    ]);
    return storeChecks(await openContract(this.#context, contract), contract.checks);
  }

  /** The checks that a table carries. */
  async checksOf(table: TableName): Promise<readonly Check[]> {
    const { storedChecks } = await import("./contracts/stored.js");
    return storedChecks(await this.#context.catalog.loadTable(table));
  }

  /** Makes a table carry checks, in place of those it had. */
  async setChecks(table: TableName, checks: readonly Check[]): Promise<void> {
    const [{ storeChecks }, { requireChecks }, { requireKnown }] = await Promise.all([
      import("./contracts/stored.js"),
      import("./checks/builders.js"),
      import("./checks/columns.js"),
    ]);
    const opened = await this.#context.catalog.loadTable(table);
    requireKnown(opened.schema, requireChecks(checks));
    await storeChecks(opened, checks);
  }

  /** Results of earlier runs of a table's checks, newest first. SQL has all of it: `quality.results@"quality-history"`. */
  async history(table: string, options: Omit<PastRequest, "table"> = {}): Promise<PastResult[]> {
    return (await this.#history()).read({ ...options, table });
  }

  /** A column's values as they are now, to compare with later: `drift("delay", { against: … })`. */
  async distribution(table: TableName, column: string): Promise<Distribution> {
    const { distributionOf } = await import("./checks/drift.js");
    const opened = await this.#context.catalog.loadTable(table);
    const check: Pick<DriftCheck, "column" | "name"> = { column, name: `distribution of ${column}` };
    return distributionOf(this.#context.engine, { table: opened }, opened.schema, check);
  }

  /** A report as a page that stands alone, with each check's earlier runs of the same kind of rows as a line. */
  async html(report: CheckReport): Promise<string> {
    const { reportPage } = await import("./report/page.js");
    const { table, ref, scope } = report;
    const past = await this.history(table, { ref, scopes: [scope], before: new Date(report.at), runs: 30 });
    return reportPage(report, past);
  }

  /** The checks that a table carries, some at least: rows that nothing looks at are not published by an oversight. */
  async #carried(name: string): Promise<readonly Check[]> {
    const checks = await this.checksOf(name);
    if (checks.length > 0) return checks;
    throw invalidArgument(
      name,
      `${name} carries no checks.`,
      "Give some, or make the table carry them by lake.quality.setChecks; [] is for none.",
    );
  }

  async #history() {
    const { History } = await import("./history.js");
    return new History(this.#context.catalog, this.#context.engine);
  }

  get #ref(): string | undefined {
    const { catalog } = this.#context;
    return isBranchingCatalog(catalog) ? catalog.ref : undefined;
  }
}

/** @throws LakehouseError INVALID_ARGUMENT */
function requireRun({ samples, now }: Pick<CheckOptions, "samples" | "now">): void {
  if (samples !== undefined && !(Number.isSafeInteger(samples) && samples >= 0))
    throw invalidArgument("samples", `samples is ${String(samples)}.`, "Give a whole number from 0 up.");
  if (now !== undefined && !(now instanceof Date && !Number.isNaN(now.getTime())))
    throw invalidArgument("now", `now is ${String(now)}, which is no point in time.`, "Give a Date.");
}

async function named<Row>(table: TableOrContract<Row>): Promise<{ name: string; contract?: Contract<Row> }> {
  const { isContract } = await import("./contracts/contract.js");
  if (isContract<Row>(table)) return { name: table.name, contract: table };
  if (typeof table === "string") return { name: table };
  if (typeof table === "object" && table !== null && "namespace" in table)
    return { name: [...table.namespace, table.name].join(".") };
  throw invalidArgument(
    "table",
    "A table is given by its name, or by its contract.",
    "Write it as in flights.silver.",
  );
}
