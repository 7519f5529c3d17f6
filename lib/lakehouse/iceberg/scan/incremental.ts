import { LakehouseError } from "../../errors.js";
import type { ObjectStore } from "../../storage/index.js";
import { mapConcurrent, READ_CONCURRENCY } from "../concurrency.js";
import type { Expression } from "../expressions/types.js";
import { readManifests } from "../manifest/list.js";
import { readManifest } from "../manifest/reader.js";
import { specOf, specsById } from "../manifest/specs.js";
import type { ManifestEntry } from "../manifest/types.js";
import { ancestorsOf, currentSchema } from "../metadata/lookup.js";
import type { Snapshot, SnapshotId, TableMetadata } from "../metadata/types.js";
import { type FileFilter, fileFilter } from "./file-filter.js";
import type { ScanTask } from "./scan.js";
import { resolveSnapshot } from "./snapshot-at.js";

/** Snapshots of one history. `from` is left out of the range, `to` is in it. */
export interface SnapshotRange {
  /** Default: before the first snapshot. */
  readonly from?: SnapshotId | undefined;
  /** Default: the current snapshot. */
  readonly to?: SnapshotId | undefined;
}

export interface IncrementalOptions {
  readonly filter?: Expression | undefined;
  readonly caseSensitive?: boolean | undefined;
}

/** A data file whose rows came or went with a snapshot. */
export interface ChangelogTask extends ScanTask {
  readonly change: "insert" | "delete";
  /** Place of the snapshot in the range, from 0. */
  readonly changeOrdinal: number;
  readonly commitSnapshotId: SnapshotId;
}

/**
 * The files that the appends of a range added. Overwrites, deletes and compactions are passed over, as in Java: they
 * are for the changelog.
 *
 * @throws LakehouseError NO_SUCH_SNAPSHOT, INVALID_ARGUMENT when `from` is no ancestor of `to`.
 */
export async function incrementalAppends(
  store: ObjectStore,
  metadata: TableMetadata,
  range: SnapshotRange,
  options: IncrementalOptions,
): Promise<ScanTask[]> {
  const filter = filterOf(metadata, options);
  const snapshots = snapshotsIn(metadata, range).filter((snapshot) => operationOf(snapshot) === "append");
  const entries = await mapConcurrent(snapshots, READ_CONCURRENCY, (snapshot) =>
    changedBy(store, metadata, snapshot),
  );
  return entries
    .flat()
    .filter((entry) => entry.status === "added" && filter.mayMatchFile(entry.dataFile))
    .map((entry) => taskOf(metadata, filter, entry));
}

/**
 * What each snapshot of a range added and removed, file by file. A compaction changes no rows and is passed over.
 *
 * @throws LakehouseError UNSUPPORTED_FEATURE for a snapshot with delete files: which rows it took is known to a reader of
 *   rows only. Otherwise as `incrementalAppends`.
 */
export async function changelog(
  store: ObjectStore,
  metadata: TableMetadata,
  range: SnapshotRange,
  options: IncrementalOptions,
): Promise<ChangelogTask[]> {
  const filter = filterOf(metadata, options);
  const snapshots = snapshotsIn(metadata, range).filter((snapshot) => operationOf(snapshot) !== "replace");
  const tasks = await mapConcurrent(snapshots, READ_CONCURRENCY, async (snapshot, changeOrdinal) => {
    const entries = await changedBy(store, metadata, snapshot);
    const deletes = entries.find((entry) => entry.dataFile.content !== "data");
    if (deletes !== undefined) {
      throw new LakehouseError({
        code: "UNSUPPORTED_FEATURE",
        subject: deletes.dataFile.filePath,
        message: `Snapshot ${snapshot.snapshotId} has delete files, which a changelog of files cannot show.`,
        remedy: "Compare the rows of the two snapshots instead.",
      });
    }
    return entries
      .filter((entry) => entry.status !== "existing" && filter.mayMatchFile(entry.dataFile))
      .map(
        (entry): ChangelogTask => ({
          ...taskOf(metadata, filter, entry),
          change: entry.status === "added" ? "insert" : "delete",
          changeOrdinal,
          commitSnapshotId: snapshot.snapshotId,
        }),
      );
  });
  return tasks.flat();
}

function filterOf(metadata: TableMetadata, { filter, caseSensitive = true }: IncrementalOptions): FileFilter {
  return fileFilter(filter ?? { type: "true" }, currentSchema(metadata), specsById(metadata), caseSensitive);
}

function operationOf(snapshot: Snapshot): string | undefined {
  return snapshot.summary?.operation;
}

function taskOf(metadata: TableMetadata, filter: FileFilter, entry: ManifestEntry): ScanTask {
  const { dataFile, sequenceNumber = 0n } = entry;
  return {
    dataFile,
    deleteFiles: [],
    residual: filter.residual(dataFile),
    spec: specOf(specsById(metadata), dataFile.specId, dataFile.filePath).spec,
    sequenceNumber,
  };
}

/** The snapshots of a range, oldest first. */
function snapshotsIn(metadata: TableMetadata, { from, to }: SnapshotRange): Snapshot[] {
  const last = resolveSnapshot(metadata, { snapshotId: to }).snapshot;
  if (from !== undefined) resolveSnapshot(metadata, { snapshotId: from });
  const snapshots: Snapshot[] = [];
  for (const snapshot of ancestorsOf(metadata, last?.snapshotId)) {
    if (snapshot.snapshotId === from) return snapshots.reverse();
    snapshots.push(snapshot);
  }
  if (from === undefined) return snapshots.reverse();
  throw new LakehouseError({
    code: "INVALID_ARGUMENT",
    subject: String(from),
    message: `Snapshot ${from} is no ancestor of ${last?.snapshotId}: what changed between them cannot be told.`,
  });
}

/** The entries that a snapshot wrote about its own changes. */
async function changedBy(
  store: ObjectStore,
  metadata: TableMetadata,
  snapshot: Snapshot,
): Promise<ManifestEntry[]> {
  const specs = specsById(metadata);
  const manifests = (await readManifests(store, snapshot)).filter(
    (manifest) => manifest.addedSnapshotId === snapshot.snapshotId,
  );
  const entries = await mapConcurrent(manifests, READ_CONCURRENCY, (manifest) =>
    readManifest(store, manifest, specs),
  );
  return entries
    .flat()
    .filter((entry) => entry.status !== "existing" && entry.snapshotId === snapshot.snapshotId);
}
