import { invalidArgument, type LakehouseError } from "../../../errors.js";
import { noSuchSnapshot } from "../../errors.js";
import {
  currentSchema,
  schemaOfSnapshot,
  snapshotAsOf,
  snapshotById,
  snapshotByRef,
} from "../../model/metadata/lookup.js";
import type { Snapshot, SnapshotId, TableMetadata } from "../../model/metadata/types.js";
import type { Schema } from "../../model/types/types.js";

/** Which snapshot of a table. At most one is given; without any it is the current one. */
export interface SnapshotAt {
  /** Reads this snapshot, with the schema it was written with. */
  readonly snapshotId?: SnapshotId | undefined;
  /** Reads the snapshot of a branch or tag. A branch is read with the table's current schema, a tag with its snapshot's. */
  readonly ref?: string | undefined;
  /** Reads the snapshot that was current at a time; a bigint is milliseconds from 1970. */
  readonly asOf?: Date | bigint | undefined;
}

/** The snapshot that the options name, and the schema that it is read with. */
export function resolveSnapshot(
  metadata: TableMetadata,
  options: SnapshotAt,
): { snapshot: Snapshot | undefined; schema: Schema } {
  const given = [options.snapshotId, options.ref, options.asOf].filter((value) => value !== undefined);
  if (given.length > 1) {
    throw invalidArgument("scan", "A scan takes one of snapshotId, ref and asOf, not several.");
  }
  if (options.snapshotId !== undefined) {
    const snapshot = snapshotById(metadata, options.snapshotId);
    if (snapshot === undefined) throw noSnapshot(options.snapshotId);
    return { snapshot, schema: schemaOfSnapshot(metadata, snapshot) };
  }
  if (options.asOf !== undefined) {
    const snapshot = snapshotAsOf(metadata, millisecondsOf(options.asOf));
    return { snapshot, schema: schemaOfSnapshot(metadata, snapshot) };
  }
  const snapshot = snapshotByRef(metadata, options.ref ?? "main");
  const tag = options.ref !== undefined && metadata.refs[options.ref]?.type === "tag";
  const schema =
    tag && snapshot !== undefined ? schemaOfSnapshot(metadata, snapshot) : currentSchema(metadata);
  return { snapshot, schema };
}

function noSnapshot(id: SnapshotId): LakehouseError {
  return noSuchSnapshot(
    String(id),
    `The table has no snapshot ${id}.`,
    "List its snapshots: it may have expired.",
  );
}

function millisecondsOf(time: Date | bigint): bigint {
  if (!(time instanceof Date)) return time;
  if (!Number.isNaN(time.getTime())) return BigInt(time.getTime());
  throw invalidArgument(
    "asOf",
    "The Date to read the table as of is invalid.",
    "Make it of text such as 2026-11-01T12:00:00Z.",
  );
}
