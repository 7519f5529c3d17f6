import type { Catalog, TableName } from "../catalog/index.js";
import type { Table } from "../iceberg/index.js";
import type { QueryEngine } from "../query/index.js";
import type { QueryWatch } from "./advice.js";
import type { CompactionReport } from "./compaction/compact.js";
import type { CompactOptions, FileChoice } from "./compaction/options.js";
import type { TableLayout } from "./layout.js";
import type { MaintainOptions, TableUpkeep } from "./maintain.js";

/** What upkeep needs of an open lakehouse. */
export interface MaintenanceContext {
  /** Seen on the lakehouse's branch. */
  readonly catalog: Catalog;
  readonly engine: QueryEngine;
}

/**
 * The upkeep of tables: `lake.maintenance`. What it writes is committed on the lakehouse's branch, beside whatever others
 * commit meanwhile, and changes no row.
 *
 * @example
 * await lake.maintenance.layout("flights.bronze");            // file sizes, files per partition, what they cost
 * await lake.maintenance.compact("flights.bronze");           // small files become large ones
 * await lake.maintenance.maintain("flights.bronze", { dryRun: true }); // what the table's policy asks for
 */
export class Maintenance {
  readonly #context: MaintenanceContext;

  constructor(context: MaintenanceContext) {
    this.#context = context;
  }

  /**
   * How a table's files lie: a histogram of their sizes, files per partition, deletes, manifests, and an estimate of what a
   * compaction would save. Only metadata is read.
   *
   * @throws LakehouseError NO_SUCH_TABLE
   */
  async layout(table: TableName, choice: FileChoice = {}): Promise<TableLayout> {
    const { tableLayout } = await import("./layout.js");
    return tableLayout(await this.#table(table), choice);
  }

  /**
   * Rewrites small files to large ones, too large ones to smaller ones, and those of which much is deleted without what is
   * deleted: one table, by partition, in up to `maxCommits` commits. Readers of earlier snapshots go on reading the files
   * that were replaced, which stay until their snapshots expire and `gc` finds that no commit leads to them.
   *
   * The rows stay the same, and in v3 their ids. Appends meanwhile are no obstacle; where another commit deletes from the
   * files that are rewritten, or replaces them, they are planned anew.
   *
   * @throws LakehouseError NO_SUCH_TABLE; INVALID_ARGUMENT; UNSUPPORTED_FEATURE for files that cannot be read; COMMIT_CONFLICT
   *   where others were in the way again and again and nothing could be committed.
   * @example
   * await lake.maintenance.compact("flights.bronze", { where: eq("origin", "ATL"), targetFileSizeBytes: 128 * 1024 ** 2 });
   * await lake.maintenance.compact("flights.bronze", { strategy: "z-order", by: ["origin", "destination"] });
   */
  async compact(table: TableName, options: CompactOptions = {}): Promise<CompactionReport> {
    const { compact } = await import("./compaction/compact.js");
    return compact(await this.#table(table), options);
  }

  /**
   * Does what a table wants: compaction, joining position deletes, rewriting manifests, expiring snapshots, each where it
   * finds something to do. The table's properties `maintenance.…` and `history.expire.…` are its policy.
   *
   * @param options `dryRun`: answers with what it wants, and why, from metadata alone.
   * @throws LakehouseError NO_SUCH_TABLE; INVALID_ARGUMENT for a policy that says nothing of the kind. What fails in a step
   *   is in the report.
   */
  async maintain(table: TableName, options: MaintainOptions = {}): Promise<TableUpkeep> {
    const { maintainTable } = await import("./maintain.js");
    return maintainTable(await this.#table(table), options);
  }

  /**
   * Watches what the queries of this process plan from now on, and advises on partitioning, sorting and Z-order by it.
   *
   * @example
   * const watch = await lake.maintenance.watch();
   * await lake.sql("select avg(delay) from flights.bronze where origin = 'ATL'");
   * const { advice } = await watch.advise("flights.bronze"); // [{ kind: "sort", by: ["origin"], why: … }]
   * watch.stop();
   */
  async watch(): Promise<QueryWatch> {
    const { QueryWatch } = await import("./advice.js");
    return new QueryWatch((name) => this.#table(name));
  }

  async #table(name: TableName): Promise<Table> {
    return (await this.#context.catalog.loadTable(name)).withEngine(this.#context.engine);
  }
}
