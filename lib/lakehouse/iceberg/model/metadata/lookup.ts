import { invalidMetadata } from "../../../errors.js";
import { noSuchRef, noSuchSnapshot } from "../../errors.js";
import type { PartitionSpec, SortOrder, SortOrderId, SpecId } from "../partitioning/types.js";
import type { Schema, SchemaId } from "../types/types.js";
import type { Snapshot, SnapshotId, TableMetadata, TimestampMs } from "./types.js";

function missing(metadata: TableMetadata, what: string): never {
  throw invalidMetadata(metadata.location, `The table at ${metadata.location} has no ${what}.`);
}

export function schemaById(metadata: TableMetadata, id: SchemaId): Schema | undefined {
  return metadata.schemas.find((schema) => schema.schemaId === id);
}

/** Throws `INVALID_METADATA` when the metadata is inconsistent. */
export function currentSchema(metadata: TableMetadata): Schema {
  return (
    schemaById(metadata, metadata.currentSchemaId) ?? missing(metadata, `schema ${metadata.currentSchemaId}`)
  );
}

export function specById(metadata: TableMetadata, id: SpecId): PartitionSpec | undefined {
  return metadata.partitionSpecs.find((spec) => spec.specId === id);
}

/** Throws `INVALID_METADATA` when the metadata is inconsistent. */
export function defaultSpec(metadata: TableMetadata): PartitionSpec {
  return (
    specById(metadata, metadata.defaultSpecId) ??
    missing(metadata, `partition spec ${metadata.defaultSpecId}`)
  );
}

export function sortOrderById(metadata: TableMetadata, id: SortOrderId): SortOrder | undefined {
  return metadata.sortOrders.find((order) => order.orderId === id);
}

/** Throws `INVALID_METADATA` when the metadata is inconsistent. */
export function defaultSortOrder(metadata: TableMetadata): SortOrder {
  return (
    sortOrderById(metadata, metadata.defaultSortOrderId) ??
    missing(metadata, `sort order ${metadata.defaultSortOrderId}`)
  );
}

const snapshotIndexes = new WeakMap<readonly Snapshot[], ReadonlyMap<SnapshotId, Snapshot>>();

export function snapshotById(
  metadata: Pick<TableMetadata, "snapshots">,
  id: SnapshotId,
): Snapshot | undefined {
  let index = snapshotIndexes.get(metadata.snapshots);
  if (index === undefined) {
    index = new Map(metadata.snapshots.map((snapshot) => [snapshot.snapshotId, snapshot]));
    snapshotIndexes.set(metadata.snapshots, index);
  }
  return index.get(id);
}

/** The metadata with `main` at another snapshot, or at none. All else stays, the current schema among it. */
export function withMainAt(metadata: TableMetadata, snapshotId: SnapshotId | undefined): TableMetadata {
  const { main: _, ...others } = metadata.refs;
  const refs: TableMetadata["refs"] =
    snapshotId === undefined ? others : { ...others, main: { type: "branch", snapshotId } };
  return { ...metadata, refs, currentSnapshotId: snapshotId };
}

/** The snapshot of `main`; `undefined` for a table without one. */
export function currentSnapshot(metadata: TableMetadata): Snapshot | undefined {
  return metadata.currentSnapshotId === undefined
    ? undefined
    : snapshotById(metadata, metadata.currentSnapshotId);
}

/** The snapshot that a branch or tag is at. `main` of an empty table has none; any other unknown name throws `NO_SUCH_REF`. */
export function snapshotByRef(metadata: TableMetadata, name: string): Snapshot | undefined {
  const ref = Object.hasOwn(metadata.refs, name) ? metadata.refs[name] : undefined;
  if (ref !== undefined) return snapshotById(metadata, ref.snapshotId);
  if (name === "main") return undefined;
  throw noSuchRef(
    name,
    `The table at ${metadata.location} has no branch or tag "${name}".`,
    `It has ${Object.keys(metadata.refs).join(", ") || "none"}.`,
  );
}

/** How far from now a time still means now, in milliseconds. */
const NOW_MS = 60_000n;

/**
 * The snapshot that was current at a time, by the snapshot log (spec, "Point in Time Reads"). Its times are those of
 * the writers' clocks, and never go back: after a writer whose clock was fast, others bear its time as well. What
 * bears a time that has not come yet was made before now, and who asks for now sees it. Throws `NO_SUCH_SNAPSHOT` for
 * a time before the first.
 */
export function snapshotAsOf(metadata: TableMetadata, timestampMs: TimestampMs): Snapshot {
  const now = BigInt(Date.now());
  const isNow = timestampMs > now - NOW_MS;
  const entry = metadata.snapshotLog.findLast(
    (candidate) => candidate.timestampMs <= timestampMs || (isNow && candidate.timestampMs > now),
  );
  const snapshot = entry && snapshotById(metadata, entry.snapshotId);
  if (snapshot !== undefined) return snapshot;
  const first = metadata.snapshotLog[0];
  throw noSuchSnapshot(
    metadata.location,
    `The table at ${metadata.location} had no snapshot at ${isoTime(timestampMs)}.`,
    first ? `Its history starts at ${isoTime(first.timestampMs)}.` : "It has no history.",
  );
}

function isoTime(ms: bigint): string {
  const date = new Date(Number(ms));
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString();
}

/** The snapshot and its ancestors, newest first, as far as the table still has them. */
export function* ancestorsOf(
  metadata: Pick<TableMetadata, "snapshots">,
  id: SnapshotId | undefined,
): Generator<Snapshot> {
  const seen = new Set<SnapshotId>();
  for (let next = id; next !== undefined && !seen.has(next); ) {
    seen.add(next);
    const snapshot = snapshotById(metadata, next);
    if (snapshot === undefined) return;
    yield snapshot;
    next = snapshot.parentSnapshotId;
  }
}

/** True when `ancestor` is `id` or one of its ancestors. */
export function isAncestorOf(
  metadata: Pick<TableMetadata, "snapshots">,
  id: SnapshotId | undefined,
  ancestor: SnapshotId,
): boolean {
  for (const snapshot of ancestorsOf(metadata, id)) if (snapshot.snapshotId === ancestor) return true;
  return false;
}

/** The schema a snapshot is read with: its own, or the current one where it names none (v1). */
export function schemaOfSnapshot(metadata: TableMetadata, snapshot: Snapshot): Schema {
  const own = snapshot.schemaId === undefined ? undefined : schemaById(metadata, snapshot.schemaId);
  return own ?? currentSchema(metadata);
}
