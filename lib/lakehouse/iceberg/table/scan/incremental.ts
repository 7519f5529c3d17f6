import { mapConcurrent, READ_CONCURRENCY } from "../../../concurrency.js";
import { invalidArgument } from "../../../errors.js";
import { checkOptions, type OptionNames } from "../../../options.js";
import type { ObjectStore } from "../../../storage/index.js";
import { noSuchSnapshot } from "../../errors.js";
import { readManifests } from "../../files/manifest/list.js";
import { readManifest } from "../../files/manifest/reader.js";
import { specOf, specsById } from "../../files/manifest/specs.js";
import type { Expression } from "../../model/expressions/types.js";
import { ancestorsOf, currentSchema } from "../../model/metadata/lookup.js";
import type { ManifestEntry } from "../../model/metadata/manifest-types.js";
import type { Snapshot, SnapshotId, TableMetadata } from "../../model/metadata/types.js";
import { fileFilter } from "./file-filter.js";
import type { ScanTask } from "./scan.js";
import { resolveSnapshot } from "./snapshot-at.js";

/** Snapshots of one history. `from` is left out of the range, `to` is in it. */
export interface SnapshotRange {
  /**
   * Default: before the first snapshot, which is an error where that has expired: the rest would pass for all of the
   * history. `oldest` begins with the oldest snapshot that the table still has.
   */
  readonly from?: SnapshotId | "oldest" | undefined;
  /** Default: the current snapshot. */
  readonly to?: SnapshotId | undefined;
}

export interface IncrementalOptions<Name extends string = string> {
  readonly filter?: Expression<Name> | undefined;
  readonly caseSensitive?: boolean | undefined;
}

export const RANGE: OptionNames<SnapshotRange> = { from: true, to: true };

export const INCREMENTAL: OptionNames<IncrementalOptions> = { filter: true, caseSensitive: true };

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
  checkOptions("incrementalAppends", range, RANGE);
  checkOptions("incrementalAppends", options, INCREMENTAL);
  const { filter: expression = { type: "true" }, caseSensitive = true } = options;
  const specs = specsById(metadata);
  const filter = fileFilter(expression, currentSchema(metadata), specs, caseSensitive);
  const snapshots = snapshotsIn(metadata, range).filter(({ summary }) => summary?.operation === "append");
  const entries = await mapConcurrent(snapshots, READ_CONCURRENCY, (snapshot) =>
    changedBy(store, metadata, snapshot),
  );
  return entries
    .flat()
    .filter((entry) => entry.status === "added" && filter.mayMatchFile(entry.dataFile))
    .map(({ dataFile, sequenceNumber = 0n }) => ({
      dataFile,
      deleteFiles: [],
      residual: filter.residual(dataFile),
      spec: specOf(specs, dataFile.specId, dataFile.filePath).spec,
      sequenceNumber,
    }));
}

/** The snapshots of a range, oldest first. Throws as `incrementalAppends` does. */
export function snapshotsIn(metadata: TableMetadata, { from, to }: SnapshotRange): Snapshot[] {
  const last = resolveSnapshot(metadata, { snapshotId: to }).snapshot;
  if (typeof from === "bigint") resolveSnapshot(metadata, { snapshotId: from });
  const snapshots: Snapshot[] = [];
  for (const snapshot of ancestorsOf(metadata, last?.snapshotId)) {
    if (snapshot.snapshotId === from) return snapshots.reverse();
    snapshots.push(snapshot);
  }
  if (from === "oldest") return snapshots.reverse();
  if (from === undefined) {
    const expired = snapshots.at(-1)?.parentSnapshotId;
    if (expired === undefined) return snapshots.reverse();
    throw noSuchSnapshot(
      String(expired),
      `The history goes back beyond the snapshots that the table has: ${expired} has expired.`,
      'Name the snapshot to start from, or "oldest"; a first read takes the rows of a snapshot and goes on from there.',
    );
  }
  throw invalidArgument(
    String(from),
    `Snapshot ${from} is no ancestor of ${last?.snapshotId}: what changed between them cannot be told.`,
  );
}

/** The entries that a snapshot wrote about its own changes. */
export async function changedBy(
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
