import { mapConcurrent, READ_CONCURRENCY } from "../../../concurrency.js";
import type { LakehouseError } from "../../../errors.js";
import { keyOf } from "../../../keys.js";
import { checkOptions } from "../../../options.js";
import type { ObjectStore } from "../../../storage/index.js";
import { noSuchSnapshot } from "../../errors.js";
import { readManifests } from "../../files/manifest/list.js";
import { specOf, specsById } from "../../files/manifest/specs.js";
import { bind } from "../../model/expressions/bind.js";
import { type FileMetrics, inclusiveMetricsEvaluator } from "../../model/expressions/metrics.js";
import { currentSchema, snapshotById } from "../../model/metadata/lookup.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import { CHANGE_COLUMNS, CHANGE_ORDINAL, COMMIT_SNAPSHOT_ID } from "../../model/metadata/metadata-columns.js";
import type { SequenceNumber, Snapshot, SnapshotId, TableMetadata } from "../../model/metadata/types.js";
import type { PartitionSpec } from "../../model/partitioning/types.js";
import type { Schema } from "../../model/types/types.js";
import { toBinary } from "../../model/values/single-value.js";
import { fileFilter } from "./file-filter.js";
import {
  changedBy,
  INCREMENTAL,
  type IncrementalOptions,
  RANGE,
  type SnapshotRange,
  snapshotsIn,
} from "./incremental.js";
import { type ScanTask, TableScan } from "./scan.js";

/**
 * A data file whose rows changed with a snapshot. Rows that were live before and are not after were deleted, and the
 * other way round; a file that is rewritten shows its unchanged rows on both sides.
 */
export interface ChangelogTask {
  readonly dataFile: DataFile;
  readonly spec: PartitionSpec;
  /** Data sequence number of the file. */
  readonly sequenceNumber: SequenceNumber;
  /** Deletes that applied to the file before the snapshot; `undefined` when the file came with it. */
  readonly deletesBefore: readonly DataFile[] | undefined;
  /** Deletes that apply to the file since the snapshot; `undefined` when the file went with it. */
  readonly deletesAfter: readonly DataFile[] | undefined;
  /** Place of the snapshot among those of the range that change rows, from 0. */
  readonly changeOrdinal: number;
  readonly commitSnapshotId: SnapshotId;
}

/** The columns of a changelog's rows: the table's, then `_change_type`, `_change_ordinal` and `_commit_snapshot_id`. */
export function changelogSchema(metadata: TableMetadata): Schema {
  const schema = currentSchema(metadata);
  return { ...schema, fields: [...schema.fields, ...CHANGE_COLUMNS] };
}

export interface ChangelogOptions<Name extends string = string> extends IncrementalOptions<Name> {
  /** False to leave out whole snapshots only, by `_change_ordinal` and `_commit_snapshot_id`. Default true. */
  readonly pruneFiles?: boolean | undefined;
}

/**
 * The files whose rows each snapshot of a range changed, in order: files added and removed, and files that deletes of
 * any kind were added to or taken from. A compaction changes no rows and is passed over, as in Java.
 *
 * @param options the filter may name the columns of `changelogSchema`.
 * @throws LakehouseError NO_SUCH_SNAPSHOT, also when deletes have to be compared with a snapshot that has expired;
 *   INVALID_ARGUMENT when `from` is no ancestor of `to`.
 */
export async function changelog(
  store: ObjectStore,
  metadata: TableMetadata,
  range: SnapshotRange,
  options: ChangelogOptions,
): Promise<ChangelogTask[]> {
  checkOptions("changelog", range, RANGE);
  checkOptions("changelog", options, { ...INCREMENTAL, pruneFiles: true });
  const { caseSensitive = true, pruneFiles = true } = options;
  const filter = options.filter ?? { type: "true" };
  const schema = changelogSchema(metadata);
  const files = fileFilter(
    pruneFiles ? filter : { type: "true" },
    schema,
    specsById(metadata),
    caseSensitive,
  );
  const mayMatch = inclusiveMetricsEvaluator(bind(schema, filter, { caseSensitive }));
  const snapshots = snapshotsIn(metadata, range)
    .filter((snapshot) => snapshot.summary?.operation !== "replace")
    .map((snapshot, changeOrdinal) => ({ snapshot, changeOrdinal }))
    .filter(({ snapshot, changeOrdinal }) => mayMatch(metricsOf(snapshot, changeOrdinal)));
  const tasks = await mapConcurrent(snapshots, READ_CONCURRENCY, async ({ snapshot, changeOrdinal }) => {
    const changed = await changedFiles(store, metadata, snapshot);
    return changed
      .filter(({ dataFile }) => files.mayMatchFile(dataFile))
      .map((file): ChangelogTask => ({ ...file, changeOrdinal, commitSnapshotId: snapshot.snapshotId }));
  });
  return tasks.flat();
}

/** What is known of all changes of a snapshot. */
function metricsOf({ snapshotId }: Snapshot, changeOrdinal: number): FileMetrics {
  const bounds = new Map([
    [CHANGE_ORDINAL.id, toBinary({ type: "int" }, changeOrdinal)],
    [COMMIT_SNAPSHOT_ID.id, toBinary({ type: "long" }, snapshotId)],
  ]);
  return { recordCount: 1n, lowerBounds: bounds, upperBounds: bounds };
}

type ChangedFile = Omit<ChangelogTask, "changeOrdinal" | "commitSnapshotId">;

async function changedFiles(
  store: ObjectStore,
  metadata: TableMetadata,
  snapshot: Snapshot,
): Promise<ChangedFile[]> {
  const parentId = snapshot.parentSnapshotId;
  const parent = parentId === undefined ? undefined : snapshotById(metadata, parentId);
  const deletes = await mapConcurrent(
    [snapshot, ...(parent === undefined ? [] : [parent])],
    READ_CONCURRENCY,
    async (each) => (await readManifests(store, each)).some((manifest) => manifest.content === "deletes"),
  );
  if (!deletes.includes(true)) return addedAndRemoved(store, metadata, snapshot);
  if (parent === undefined && parentId !== undefined) throw expired(snapshot, parentId);
  const [before, after] = await mapConcurrent([parent, snapshot], READ_CONCURRENCY, (each) =>
    liveFiles(store, metadata, each),
  );
  return compare(before ?? new Map(), after ?? new Map());
}

/** Without delete files the entries that a snapshot wrote tell all. */
async function addedAndRemoved(
  store: ObjectStore,
  metadata: TableMetadata,
  snapshot: Snapshot,
): Promise<ChangedFile[]> {
  const specs = specsById(metadata);
  return (await changedBy(store, metadata, snapshot)).map(({ dataFile, status, sequenceNumber = 0n }) => ({
    dataFile,
    spec: specOf(specs, dataFile.specId, dataFile.filePath).spec,
    sequenceNumber,
    deletesBefore: status === "deleted" ? [] : undefined,
    deletesAfter: status === "deleted" ? undefined : [],
  }));
}

async function liveFiles(
  store: ObjectStore,
  metadata: TableMetadata,
  snapshot: Snapshot | undefined,
): Promise<ReadonlyMap<string, ScanTask>> {
  if (snapshot === undefined) return new Map();
  const { tasks } = await new TableScan(store, metadata, { snapshotId: snapshot.snapshotId }).planAll();
  return new Map(tasks.map((task) => [task.dataFile.filePath, task]));
}

function compare(before: ReadonlyMap<string, ScanTask>, after: ReadonlyMap<string, ScanTask>): ChangedFile[] {
  const changed: ChangedFile[] = [];
  const add = (task: ScanTask, was: ScanTask | undefined, is: ScanTask | undefined): void => {
    const { dataFile, spec, sequenceNumber } = task;
    const deletes = { deletesBefore: was?.deleteFiles, deletesAfter: is?.deleteFiles };
    changed.push({ dataFile, spec, sequenceNumber, ...deletes });
  };
  for (const [path, task] of before) {
    const is = after.get(path);
    if (is === undefined || deletesKey(task) !== deletesKey(is)) add(task, task, is);
  }
  for (const [path, task] of after) if (!before.has(path)) add(task, undefined, task);
  return changed;
}

function deletesKey({ deleteFiles }: ScanTask): string {
  return keyOf(deleteFiles.map(({ filePath, contentOffset }) => keyOf([filePath, contentOffset])).sort());
}

function expired({ snapshotId }: Snapshot, parentId: SnapshotId): LakehouseError {
  return noSuchSnapshot(
    String(parentId),
    `What snapshot ${snapshotId} deleted cannot be told: the snapshot before it, ${parentId}, has expired.`,
    `Ask for the changes from ${snapshotId} on.`,
  );
}
