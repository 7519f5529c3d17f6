import { mapConcurrent, READ_CONCURRENCY } from "../../../concurrency.js";
import { invalidArgument } from "../../../errors.js";
import { observe } from "../../../observability/index.js";
import { checkOptions, type OptionNames } from "../../../options.js";
import type { ObjectStore } from "../../../storage/index.js";
import { DeleteIndex } from "../../files/deletes/delete-index.js";
import type { SequencedFile } from "../../files/deletes/delete-rules.js";
import { readManifests } from "../../files/manifest/list.js";
import { metadataColumns } from "../../files/manifest/partition-column.js";
import { readManifest, readMatching } from "../../files/manifest/reader.js";
import { specOf, specsById } from "../../files/manifest/specs.js";
import { and } from "../../model/expressions/builders.js";
import type { Expression } from "../../model/expressions/types.js";
import type {
  DataFile,
  FileBrief,
  ManifestEntry,
  ManifestFile,
} from "../../model/metadata/manifest-types.js";
import { METADATA_COLUMNS } from "../../model/metadata/metadata-columns.js";
import type { SequenceNumber, Snapshot, SnapshotId, TableMetadata } from "../../model/metadata/types.js";
import type { PartitionSpec } from "../../model/partitioning/types.js";
import { fieldByName, selectFields } from "../../model/schema/lookup.js";
import type { NestedField, Schema } from "../../model/types/types.js";
import { type PlannedScan, plannedScans } from "../metrics.js";
import { deleteReach, REACHES_ALL } from "./delete-reach.js";
import { deleteScope } from "./delete-scope.js";
import { fileFilter } from "./file-filter.js";
import { resolveSnapshot, type SnapshotAt } from "./snapshot-at.js";

/** `Name`: the columns, where the compiler knows them. */
export interface ScanOptions<Name extends string = string> extends SnapshotAt {
  /** Columns to read, by full name, and metadata columns (`_file`, `_pos`, …); all but these when absent. */
  readonly select?: readonly (Name | `_${string}`)[] | undefined;
  /** Only rows for which this is true; files that can have none are not read. */
  readonly filter?: Expression<Name> | undefined;
  /** Whether column names must match in case. Default true. */
  readonly caseSensitive?: boolean | undefined;
  /** Enough files for so many rows are planned, where that can be told: no deletes, no residual. */
  readonly limit?: number | undefined;
}

const SCAN: OptionNames<ScanOptions> = {
  snapshotId: true,
  ref: true,
  asOf: true,
  select: true,
  filter: true,
  caseSensitive: true,
  limit: true,
};

function checkKinds({ select, limit }: ScanOptions): void {
  if (select !== undefined && !(Array.isArray(select) && select.every((name) => typeof name === "string"))) {
    throw invalidArgument("select", "The columns to select are no array of names.", 'Write ["id", "name"].');
  }
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 0)) {
    throw invalidArgument(
      "limit",
      `${String(limit)} is no number of rows.`,
      "Give a whole number from 0 up.",
    );
  }
}

/** A data file to read, with what has to be taken away from it. */
export interface ScanTask {
  readonly dataFile: DataFile;
  /** Deletes to apply; equality and position deletes and deletion vectors by their `content` and `fileFormat`. */
  readonly deleteFiles: readonly DataFile[];
  /** What is left of the filter for the rows of this file: the partition has proven the rest. */
  readonly residual: Expression;
  readonly spec: PartitionSpec;
  /** Data sequence number of the file. */
  readonly sequenceNumber: SequenceNumber;
}

/** What planning looked at and what it could leave out. Sizes in bytes. */
export interface ScanReport {
  readonly snapshotId: SnapshotId | undefined;
  readonly totalDataManifests: number;
  readonly skippedDataManifests: number;
  readonly totalDeleteManifests: number;
  readonly skippedDeleteManifests: number;
  /** Data files in the manifests that were read, and in the skipped ones as far as these tell. */
  readonly totalDataFiles: number;
  readonly resultDataFiles: number;
  readonly skippedDataFiles: number;
  readonly resultDeleteFiles: number;
  readonly totalFileSizeInBytes: bigint;
  readonly resultFileSizeInBytes: bigint;
  readonly planningMs: number;
}

export interface ScanPlan {
  readonly tasks: readonly ScanTask[];
  readonly report: ScanReport;
}

/**
 * A read of a table at one snapshot: which files, which columns, which rows. Planning reads manifests only. It leaves
 * out a data file only when partition values or column metrics prove that none of its rows can match; on any doubt the
 * file is kept, so pruning never changes a result (spec, "Scan Planning"). A task has every delete that applies to its
 * file, whether or not the rows that it deletes match: so a task also serves whoever copies the rest of the file.
 *
 * @example
 * const { tasks, report } = await table.scan({ filter: eq("origin", "ATL") }).planAll();
 */
export class TableScan {
  readonly metadata: TableMetadata;
  /** `undefined` for a table without a snapshot: the scan has no tasks. */
  readonly snapshot: Snapshot | undefined;
  /** The columns that the scan gives, as the snapshot's schema has them. */
  readonly schema: Schema;
  /** What the scan gives beside them, of the table's metadata. */
  readonly metadataColumns: readonly NestedField[];
  /** All columns, for the filter's sake. */
  readonly tableSchema: Schema;
  readonly filter: Expression;
  readonly caseSensitive: boolean;
  readonly limit: number | undefined;
  readonly #store: ObjectStore;
  readonly #options: ScanOptions;

  constructor(store: ObjectStore, metadata: TableMetadata, options: ScanOptions = {}) {
    checkOptions("scan", options, SCAN);
    checkKinds(options);
    this.#store = store;
    this.#options = options;
    this.metadata = metadata;
    const { snapshot, schema } = resolveSnapshot(metadata, options);
    this.snapshot = snapshot;
    this.tableSchema = schema;
    this.caseSensitive = options.caseSensitive ?? true;
    const lookup = { caseSensitive: this.caseSensitive };
    const select = options.select?.filter((name) => !isMetadataColumn(schema, name));
    this.schema = select === undefined ? schema : selectFields(schema, select, lookup);
    this.metadataColumns =
      select?.length === options.select?.length
        ? []
        : metadataColumns(metadata).filter(
            ({ name }) => options.select?.includes(name) && isMetadataColumn(schema, name),
          );
    this.filter = options.filter ?? { type: "true" };
    this.limit = options.limit;
  }

  /**
   * The scan for a reader who filters its rows further: files are left out by `filter`, too. It has no limit, which
   * counts the rows that are left after that.
   */
  narrowed(filter: Expression): TableScan {
    const both = this.filter.type === "true" ? filter : and(this.filter, filter);
    return new TableScan(this.#store, this.metadata, { ...this.#options, filter: both, limit: undefined });
  }

  /** The tasks, as their manifests are read. */
  async *plan(): AsyncGenerator<ScanTask> {
    yield* (await this.planAll()).tasks;
  }

  /** All tasks at once, with a report of what was looked at. */
  planAll(): Promise<ScanPlan> {
    return observe(
      plannedScans,
      () => this.#planAll(),
      ({ result }) => result && plannedScan(this, result.report),
    );
  }

  async #planAll(): Promise<ScanPlan> {
    const began = performance.now();
    const store = this.#store;
    const specs = specsById(this.metadata);
    const filter = fileFilter(this.filter, this.tableSchema, specs, this.caseSensitive);
    const manifests = this.snapshot === undefined ? [] : await readManifests(store, this.snapshot);
    const counts = new PlanCounts(this.snapshot);
    const read = async (
      content: ManifestFile["content"],
      mayMatchManifest: (manifest: ManifestFile) => boolean,
      mayMatchFile: (file: FileBrief) => boolean,
    ): Promise<SequencedFile[]> => {
      const kept = manifests.filter((manifest) => {
        if (manifest.content !== content) return false;
        const keep = hasLiveFiles(manifest) && mayMatchManifest(manifest);
        counts.manifest(manifest, keep);
        return keep;
      });
      const entries = await mapConcurrent(kept, READ_CONCURRENCY, async (manifest) => {
        if (filter.selective) return readMatching(store, manifest, specs, mayMatchFile);
        const all = await readManifest(store, manifest, specs);
        return all.filter(({ status, dataFile }) => status !== "deleted" && mayMatchFile(dataFile));
      });
      return entries.flat().map(sequenced);
    };
    const data = await read("data", filter.mayMatchManifest, (file) => {
      counts.file(file);
      return filter.mayMatchFile(file);
    });
    // Deletes are looked for by the data files that are left, never by the filter.
    const reach = filter.selective ? deleteReach(data, specs) : REACHES_ALL;
    const deletes = await read("deletes", reach.mayReachManifest, reach.mayReachFile);
    const index = new DeleteIndex(deletes, deleteScope(this.metadata, this.tableSchema));
    const tasks: ScanTask[] = [];
    let rows = 0n;
    for (const { file: dataFile, sequenceNumber } of data) {
      if (this.limit !== undefined && rows >= BigInt(this.limit)) break;
      const task: ScanTask = {
        dataFile,
        deleteFiles: index.forDataFile({ file: dataFile, sequenceNumber }),
        residual: filter.residual(dataFile),
        spec: specOf(specs, dataFile.specId, dataFile.filePath).spec,
        sequenceNumber,
      };
      // Rows that a delete or the rest of the filter may take away do not count towards a limit.
      if (task.deleteFiles.length === 0 && task.residual.type === "true") rows += dataFile.recordCount;
      tasks.push(task);
    }
    const report = counts.report(tasks, performance.now() - began);
    return { tasks, report };
  }
}

function plannedScan({ metadata, filter }: TableScan, report: ScanReport): PlannedScan {
  return {
    table: metadata.location,
    filter,
    bytes: report.resultFileSizeInBytes,
    totalBytes: report.totalFileSizeInBytes,
    snapshotId: report.snapshotId,
    dataFiles: report.resultDataFiles,
    skippedDataFiles: report.skippedDataFiles,
    deleteFiles: report.resultDeleteFiles,
    skippedManifests: report.skippedDataManifests + report.skippedDeleteManifests,
    milliseconds: report.planningMs,
  };
}

/** A column of the table's own takes precedence. */
function isMetadataColumn(schema: Schema, name: string): boolean {
  return METADATA_COLUMNS.some((field) => field.name === name) && fieldByName(schema, name) === undefined;
}

function sequenced({ dataFile, sequenceNumber = 0n }: ManifestEntry): SequencedFile {
  return { file: dataFile, sequenceNumber };
}

function hasLiveFiles(manifest: ManifestFile): boolean {
  return manifest.addedFilesCount !== 0 || manifest.existingFilesCount !== 0;
}

/** Counts for the report, kept while planning goes on. */
class PlanCounts {
  #manifests = { data: 0, deletes: 0 };
  #skipped = { data: 0, deletes: 0 };
  #files = 0;
  #bytes = 0n;
  readonly #snapshot: Snapshot | undefined;
  /** From the snapshot's summary; without it the files are added up. */
  readonly #totalBytes: bigint | undefined;

  constructor(snapshot: Snapshot | undefined) {
    this.#snapshot = snapshot;
    const total = snapshot?.summary?.["total-files-size"];
    this.#totalBytes = total !== undefined && /^\d+$/.test(total) ? BigInt(total) : undefined;
  }

  manifest(manifest: ManifestFile, kept: boolean): void {
    this.#manifests[manifest.content] += 1;
    if (kept) return;
    this.#skipped[manifest.content] += 1;
    if (manifest.content === "data") {
      this.#files += (manifest.addedFilesCount ?? 0) + (manifest.existingFilesCount ?? 0);
    }
  }

  file(file: FileBrief): void {
    this.#files += 1;
    if (this.#totalBytes === undefined) this.#bytes += file.fileSizeInBytes;
  }

  report(tasks: readonly ScanTask[], planningMs: number): ScanReport {
    return {
      snapshotId: this.#snapshot?.snapshotId,
      totalDataManifests: this.#manifests.data,
      skippedDataManifests: this.#skipped.data,
      totalDeleteManifests: this.#manifests.deletes,
      skippedDeleteManifests: this.#skipped.deletes,
      totalDataFiles: this.#files,
      resultDataFiles: tasks.length,
      skippedDataFiles: this.#files - tasks.length,
      resultDeleteFiles: new Set(tasks.flatMap((task) => task.deleteFiles)).size,
      totalFileSizeInBytes: this.#totalBytes ?? this.#bytes,
      resultFileSizeInBytes: tasks.reduce((sum, task) => sum + task.dataFile.fileSizeInBytes, 0n),
      planningMs,
    };
  }
}
