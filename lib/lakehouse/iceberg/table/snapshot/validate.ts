import { mapConcurrent, READ_CONCURRENCY } from "../../../concurrency.js";
import type { LakehouseError } from "../../../errors.js";
import type { ObjectStore } from "../../../storage/index.js";
import { commitConflict } from "../../errors.js";
import { DeleteIndex } from "../../files/deletes/delete-index.js";
import { isDeletionVector } from "../../files/deletes/deletion-vector.js";
import { readManifests } from "../../files/manifest/list.js";
import { readManifest } from "../../files/manifest/reader.js";
import { specsById } from "../../files/manifest/specs.js";
import { ancestorsOf } from "../../model/metadata/lookup.js";
import type {
  DataFile,
  EntryStatus,
  ManifestContent,
  ManifestEntry,
} from "../../model/metadata/manifest-types.js";
import type { Operation, Snapshot, SnapshotId, TableMetadata } from "../../model/metadata/types.js";
import { deleteScope } from "../scan/delete-scope.js";

/**
 * How much of what others committed meanwhile a row-level change tolerates.
 *
 * - `serializable`: rows that others added and that the change's filter matches are a conflict. As if the change had
 *   run alone.
 * - `snapshot`: such rows are tolerated: the change saw the table as it was when it began, and leaves them alone.
 *
 * With both, it is a conflict when others deleted from, or removed, the files that the change replaces.
 */
export type IsolationLevel = "serializable" | "snapshot";

/** What to check against: the branch's snapshots after `start`, up to `parent`. */
export interface Since {
  readonly store: ObjectStore;
  readonly base: TableMetadata;
  readonly parent: Snapshot | undefined;
  /** The snapshot that the change was planned on; `undefined` for a table that had none. */
  readonly start: SnapshotId | undefined;
  /** Snapshots of the same transaction: its own changes are no conflict. */
  readonly own?: ReadonlySet<SnapshotId> | undefined;
}

/** @throws LakehouseError COMMIT_CONFLICT when data files were added for which `matches` holds. */
export async function validateNoNewDataFiles(
  since: Since,
  matches: (file: DataFile) => boolean,
): Promise<void> {
  const added = await addedSince(since, "data", ["append", "overwrite"]);
  const found = added.find((entry) => matches(entry.dataFile));
  if (found !== undefined) {
    throw conflict(found.dataFile.filePath, "Another commit added rows that this change covers");
  }
}

/** @throws LakehouseError COMMIT_CONFLICT when delete files were added for which `matches` holds. */
export async function validateNoNewDeleteFiles(
  since: Since,
  matches: (file: DataFile) => boolean,
): Promise<void> {
  const added = await addedSince(since, "deletes", ["overwrite", "delete"]);
  const found = added.find((entry) => matches(entry.dataFile));
  if (found !== undefined) {
    throw conflict(found.dataFile.filePath, "Another commit deleted rows that this change covers");
  }
}

/**
 * @param files data files that the change replaces.
 * @param ignoreEquality where the new files keep the age of the old ones, so that equality deletes go on to apply.
 * @throws LakehouseError COMMIT_CONFLICT when deletes were added that apply to one of the files.
 */
export async function validateNoNewDeletesFor(
  since: Since,
  files: readonly DataFile[],
  ignoreEquality = false,
): Promise<void> {
  if (since.base.formatVersion === 1 || files.length === 0) return;
  const added = await addedSince(since, "deletes", ["overwrite", "delete", "replace"]);
  if (added.length === 0) return;
  const vectors = new Set(
    added.flatMap(({ dataFile }) => (isDeletionVector(dataFile) ? [dataFile.referencedDataFile] : [])),
  );
  const others = added
    .filter(({ dataFile }) => !isDeletionVector(dataFile))
    .map(({ dataFile, sequenceNumber = 0n }) => ({ file: dataFile, sequenceNumber }));
  const index = new DeleteIndex(others, deleteScope(since.base));
  const startSequence = since.base.snapshots.find((s) => s.snapshotId === since.start)?.sequenceNumber ?? 0n;
  for (const file of files) {
    const found = index
      .forDataFile({ file, sequenceNumber: startSequence })
      .some((each) => !ignoreEquality || each.content !== "equality-deletes");
    if (found || vectors.has(file.filePath)) {
      throw conflict(file.filePath, "Another commit deleted rows of a file that this change replaces");
    }
  }
}

/**
 * @param paths data files that the change deletes rows from.
 * @throws LakehouseError COMMIT_CONFLICT when one was removed or rewritten: the rows may be in another file now.
 */
export async function validateDataFilesExist(since: Since, paths: ReadonlySet<string>): Promise<void> {
  if (paths.size === 0) return;
  const removed = await changedSince(since, "data", ["overwrite", "replace", "delete"], "deleted");
  const found = removed.find((entry) => paths.has(entry.dataFile.filePath));
  if (found !== undefined) {
    throw conflict(
      found.dataFile.filePath,
      "Another commit removed a file that this change deletes rows from",
    );
  }
}

/**
 * @param paths data files that the change writes deletion vectors for.
 * @throws LakehouseError COMMIT_CONFLICT when one has got another vector: there can be one only.
 */
export async function validateNoNewVectors(since: Since, paths: ReadonlySet<string>): Promise<void> {
  if (since.base.formatVersion < 3 || paths.size === 0) return;
  const added = await addedSince(since, "deletes", ["overwrite", "delete", "replace"]);
  const found = added.find(
    ({ dataFile }) => isDeletionVector(dataFile) && paths.has(dataFile.referencedDataFile ?? ""),
  );
  if (found !== undefined) {
    throw conflict(
      found.dataFile.referencedDataFile ?? "",
      "Another commit deleted rows of a file that this change deletes rows from",
    );
  }
}

/** Entries that snapshots after `start` added, of the operations given. */
function addedSince(
  since: Since,
  content: ManifestContent,
  operations: readonly Operation[],
): Promise<ManifestEntry[]> {
  return changedSince(since, content, operations, "added");
}

/** Entries that snapshots after `start` gave a status, of the operations given. */
async function changedSince(
  { store, base, parent, start, own }: Since,
  content: ManifestContent,
  operations: readonly Operation[],
  status: EntryStatus,
): Promise<ManifestEntry[]> {
  if (parent === undefined || parent.snapshotId === start) return [];
  const snapshots: Snapshot[] = [];
  let reached = false;
  for (const snapshot of ancestorsOf(base, parent.snapshotId)) {
    // Planned on an empty table: all that came since is known where it begins with the table's first.
    reached = start === undefined && snapshot.parentSnapshotId === undefined;
    if (snapshot.snapshotId === start) {
      reached = true;
      break;
    }
    if (own?.has(snapshot.snapshotId) !== true) snapshots.push(snapshot);
  }
  if (!reached) {
    if (start === undefined)
      throw conflict(base.location, "Of what came since this change was planned, snapshots have expired");
    throw conflict(
      String(start),
      "The snapshot that this change was planned on is no longer in the branch's history",
    );
  }
  const relevant = snapshots.filter(
    (each) => each.summary === undefined || operations.includes(each.summary.operation),
  );
  const ids = new Set(relevant.map((snapshot) => snapshot.snapshotId));
  const specs = specsById(base);
  const manifests = await mapConcurrent(relevant, READ_CONCURRENCY, async (snapshot) =>
    (await readManifests(store, snapshot)).filter(
      (manifest) => manifest.content === content && manifest.addedSnapshotId === snapshot.snapshotId,
    ),
  );
  const entries = await mapConcurrent(manifests.flat(), READ_CONCURRENCY, (manifest) =>
    readManifest(store, manifest, specs),
  );
  return entries
    .flat()
    .filter(
      (entry) => entry.status === status && entry.snapshotId !== undefined && ids.has(entry.snapshotId),
    );
}

function conflict(subject: string, why: string): LakehouseError {
  return commitConflict(subject, `${why} (${subject}).`, "Run the change again on the refreshed table.");
}
