import { ancestorsOf } from "../../model/metadata/lookup.js";
import type { SnapshotId, TableMetadata } from "../../model/metadata/types.js";

// A table's metadata as plain rows, named as Iceberg's metadata tables name their columns.

export interface SnapshotRow {
  readonly committedAt: Date;
  readonly snapshotId: SnapshotId;
  readonly parentId: SnapshotId | undefined;
  readonly operation: string | undefined;
  readonly manifestList: string | undefined;
  readonly summary: Readonly<Record<string, string>>;
}

export function inspectSnapshots(metadata: TableMetadata): SnapshotRow[] {
  return metadata.snapshots.map((snapshot) => {
    const { operation, ...summary } = snapshot.summary ?? { operation: undefined };
    return {
      committedAt: new Date(Number(snapshot.timestampMs)),
      snapshotId: snapshot.snapshotId,
      parentId: snapshot.parentSnapshotId,
      operation,
      manifestList: snapshot.manifestList,
      summary,
    };
  });
}

export interface HistoryRow {
  readonly madeCurrentAt: Date;
  readonly snapshotId: SnapshotId;
  readonly parentId: SnapshotId | undefined;
  /** False for a snapshot that was rolled back since. */
  readonly isCurrentAncestor: boolean;
}

export function inspectHistory(metadata: TableMetadata): HistoryRow[] {
  const current = metadata.currentSnapshotId;
  const ancestors = new Set(
    current === undefined ? [] : [...ancestorsOf(metadata, current)].map((snapshot) => snapshot.snapshotId),
  );
  return metadata.snapshotLog.map(({ timestampMs, snapshotId }) => ({
    madeCurrentAt: new Date(Number(timestampMs)),
    snapshotId,
    parentId: metadata.snapshots.find((snapshot) => snapshot.snapshotId === snapshotId)?.parentSnapshotId,
    isCurrentAncestor: ancestors.has(snapshotId),
  }));
}

export interface RefRow {
  readonly name: string;
  readonly type: "branch" | "tag";
  readonly snapshotId: SnapshotId;
  readonly maxReferenceAgeInMs: bigint | undefined;
  readonly minSnapshotsToKeep: number | undefined;
  readonly maxSnapshotAgeInMs: bigint | undefined;
}

export function inspectRefs(metadata: TableMetadata): RefRow[] {
  return Object.entries(metadata.refs).map(([name, ref]) => ({
    name,
    type: ref.type,
    snapshotId: ref.snapshotId,
    maxReferenceAgeInMs: ref.maxRefAgeMs,
    minSnapshotsToKeep: ref.minSnapshotsToKeep,
    maxSnapshotAgeInMs: ref.maxSnapshotAgeMs,
  }));
}
