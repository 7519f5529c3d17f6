import type { ScanTask, Table, TableScan } from "../../iceberg/index.js";
import type { RelationInput } from "../relation/relation.js";
import type { RelationSource, Relations } from "../relation/relations.js";
import type { Use } from "../result/use.js";
import { type ChangesOptions, changesSql } from "../rows/changes.js";
import { givenPlan, ScanPlans } from "./scan-plans.js";

/** What a relation shall have. */
export interface ScanRelationOptions extends Pick<RelationInput, "fields" | "metadataColumns"> {
  /** Files to read in place of those that the scan would plan. */
  readonly tasks?: readonly ScanTask[] | undefined;
  /** Files to read beside those. */
  readonly more?: readonly ScanTask[] | undefined;
}

/** Relations of what tables have, planned and with their files at hand. What is read is noted in the query's tables. */
export class PlannedRelations {
  readonly #relations: Relations;
  readonly #plans = new ScanPlans();

  constructor(relations: Relations) {
    this.#relations = relations;
  }

  /** The relation of a scan's rows, by its name. */
  async ofScan(
    table: Table,
    scan: TableScan,
    use: Use,
    { tasks: given, more = [], ...columns }: ScanRelationOptions,
  ): Promise<string> {
    const { tasks: planned, report } = given ? givenPlan(given) : await this.#plans.of(scan);
    const tasks = more.length === 0 ? planned : [...planned, ...more];
    use.tables.push({
      name: table.name,
      snapshotId: scan.snapshot?.snapshotId,
      dataFiles: tasks.length,
      skippedDataFiles: report.skippedDataFiles,
      deleteFiles: report.resultDeleteFiles,
      bytes: report.resultFileSizeInBytes,
      records: tasks.reduce((sum, task) => sum + task.dataFile.recordCount, 0n),
    });
    const { store, metadata } = table;
    return this.#relations.hold({ store, metadata, tasks, ...columns }, use);
  }

  /** The relation of rows in files of their own, which are no table's yet, by its name. */
  ofFiles(source: RelationSource, use: Use): Promise<string> {
    return this.#relations.hold(source, use);
  }

  /** The relation of a table's changes. */
  async ofChanges(table: Table, options: ChangesOptions, use: Use): ReturnType<typeof changesSql> {
    const changes = await changesSql(this.#relations, table, options, use);
    const files = changes.tasks.map((task) => task.dataFile);
    use.tables.push({
      name: `${table.name}.changes`,
      snapshotId: options.to ?? table.currentSnapshot?.snapshotId,
      dataFiles: files.length,
      skippedDataFiles: 0,
      deleteFiles: new Set(changes.tasks.flatMap((task) => task.deletesAfter ?? task.deletesBefore)).size,
      bytes: files.reduce((sum, file) => sum + file.fileSizeInBytes, 0n),
      records: files.reduce((sum, file) => sum + file.recordCount, 0n),
    });
    return changes;
  }
}
