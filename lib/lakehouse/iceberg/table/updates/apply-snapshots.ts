import { snapshotById } from "../../model/metadata/lookup.js";
import { MAIN_BRANCH } from "../../model/metadata/parse.js";
import type { Snapshot, SnapshotId, SnapshotLogEntry, SnapshotRef } from "../../model/metadata/types.js";
import { change, conflict, type Draft, refuse } from "./draft.js";

/** Adds a snapshot to the table; it becomes visible when a reference is set to it. */
export function addSnapshot(draft: Draft, snapshot: Snapshot): void {
  const { metadata } = draft;
  if (metadata.schemas.length === 0) refuse(draft, "Cannot add a snapshot before a schema.");
  if (snapshotById(metadata, snapshot.snapshotId) !== undefined) {
    refuse(draft, `The table already has a snapshot ${snapshot.snapshotId}.`);
  }
  if (
    metadata.formatVersion > 1 &&
    snapshot.sequenceNumber <= metadata.lastSequenceNumber &&
    snapshot.parentSnapshotId !== undefined
  ) {
    conflict(
      draft,
      `The snapshot's sequence number ${snapshot.sequenceNumber} is not above the table's last, ${metadata.lastSequenceNumber}.`,
    );
  }
  let { nextRowId } = metadata;
  if (metadata.formatVersion >= 3) {
    if (snapshot.firstRowId === undefined)
      refuse(draft, "A snapshot of format version 3 needs a first-row-id.");
    if (snapshot.firstRowId < nextRowId) {
      conflict(
        draft,
        `The snapshot's first-row-id ${snapshot.firstRowId} is behind the table's next-row-id ${nextRowId}.`,
      );
    }
    nextRowId += snapshot.addedRows ?? 0n;
  }
  let { lastSequenceNumber } = metadata;
  if (metadata.formatVersion > 1 && snapshot.sequenceNumber > lastSequenceNumber) {
    lastSequenceNumber = snapshot.sequenceNumber;
  }
  draft.addedSnapshots.add(snapshot.snapshotId);
  change(draft, {
    snapshots: [...metadata.snapshots, snapshot],
    lastSequenceNumber,
    nextRowId,
  });
}

function sameRef(a: SnapshotRef, b: SnapshotRef): boolean {
  return (
    a.type === b.type &&
    a.snapshotId === b.snapshotId &&
    a.minSnapshotsToKeep === b.minSnapshotsToKeep &&
    a.maxSnapshotAgeMs === b.maxSnapshotAgeMs &&
    a.maxRefAgeMs === b.maxRefAgeMs
  );
}

/** Creates or moves a reference. `main` takes the table's current snapshot with it, and the snapshot log. */
export function setSnapshotRef(draft: Draft, name: string, ref: SnapshotRef): void {
  const { metadata } = draft;
  const existing = Object.hasOwn(metadata.refs, name) ? metadata.refs[name] : undefined;
  if (existing !== undefined && sameRef(existing, ref)) return;
  const snapshot = snapshotById(metadata, ref.snapshotId);
  if (snapshot === undefined) {
    refuse(draft, `Cannot set "${name}" to the snapshot ${ref.snapshotId}, which the table does not have.`);
  }
  if (name === "") refuse(draft, "A reference cannot have an empty name.");
  if (ref.type === "tag" && (ref.minSnapshotsToKeep !== undefined || ref.maxSnapshotAgeMs !== undefined)) {
    refuse(draft, `The tag "${name}" cannot have snapshots to keep: only branches do.`);
  }
  if (draft.addedSnapshots.has(ref.snapshotId)) draft.lastUpdatedMs = snapshot.timestampMs;
  if (name === MAIN_BRANCH) setMain(draft, ref);
  change(draft, { refs: { ...draft.metadata.refs, [name]: ref } });
}

function setMain(draft: Draft, ref: SnapshotRef): void {
  const { metadata } = draft;
  if (ref.type !== "branch") refuse(draft, `"${MAIN_BRANCH}" must be a branch.`);
  const before = metadata.currentSnapshotId;
  if (before === ref.snapshotId) return;
  if (before !== undefined && draft.addedSnapshots.has(before)) draft.passedByMain.add(before);
  draft.passedByMain.delete(ref.snapshotId);
  draft.lastUpdatedMs ??= draft.now;
  const entry: SnapshotLogEntry = { timestampMs: draft.lastUpdatedMs, snapshotId: ref.snapshotId };
  change(draft, { currentSnapshotId: ref.snapshotId, snapshotLog: [...metadata.snapshotLog, entry] });
}

export function removeSnapshotRef(draft: Draft, name: string): void {
  if (!Object.hasOwn(draft.metadata.refs, name)) return;
  const { [name]: _removed, ...refs } = draft.metadata.refs;
  change(draft, name === MAIN_BRANCH ? { refs, currentSnapshotId: undefined } : { refs });
}

/** Removes snapshots with their statistics, and references that would be left without one. */
export function removeSnapshots(draft: Draft, ids: readonly SnapshotId[]): void {
  const gone = new Set(ids);
  const { metadata } = draft;
  const snapshots = metadata.snapshots.filter((snapshot) => !gone.has(snapshot.snapshotId));
  if (snapshots.length === metadata.snapshots.length) return;
  draft.snapshotsRemoved = true;
  change(draft, {
    snapshots,
    statistics: metadata.statistics.filter((file) => !gone.has(file.snapshotId)),
    partitionStatistics: metadata.partitionStatistics.filter((file) => !gone.has(file.snapshotId)),
  });
  for (const [name, ref] of Object.entries(metadata.refs))
    if (gone.has(ref.snapshotId)) removeSnapshotRef(draft, name);
}

/**
 * The log without what nobody could see, and, where snapshots were removed, without all that is older than a
 * removed one: a log with holes would answer "as of" wrongly.
 */
export function upkeepSnapshotLog(draft: Draft): readonly SnapshotLogEntry[] {
  const { metadata, passedByMain, snapshotsRemoved } = draft;
  if (passedByMain.size === 0 && !snapshotsRemoved) return metadata.snapshotLog;
  let log: SnapshotLogEntry[] = [];
  for (const entry of metadata.snapshotLog) {
    if (snapshotById(metadata, entry.snapshotId) === undefined) {
      if (snapshotsRemoved) log = [];
    } else if (!passedByMain.has(entry.snapshotId)) log.push(entry);
  }
  return log;
}
