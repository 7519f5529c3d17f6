import { expect } from "vitest";
import {
  applyUpdates,
  defineSchema,
  int,
  newTableMetadata,
  type Snapshot,
  string,
  type TableMetadata,
  type TableUpdate,
  timestamp,
} from "../../../lib/lakehouse/iceberg/index.js";
export const schema = defineSchema({ ts: timestamp(), n: int(), note: string().optional() });
export const wider = defineSchema({
  ts: timestamp(),
  n: int(),
  note: string().optional(),
  more: int().optional(),
});
export const table = newTableMetadata({ schema, location: "s3://lake/t" });
export const v3 = newTableMetadata({ schema, location: "s3://lake/t", formatVersion: 3 });
export const apply = (metadata: TableMetadata, ...updates: TableUpdate[]) =>
  applyUpdates(metadata, updates, { now: 5000n });

export function snapshot(id: bigint, sequenceNumber: bigint, more: Partial<Snapshot> = {}): Snapshot {
  return {
    snapshotId: id,
    sequenceNumber,
    timestampMs: (id % 1000n) * 1000n,
    manifestList: `l${id}`,
    summary: { operation: "append" },
    ...more,
  };
}
export const add = (id: bigint, sequence = id, more: Partial<Snapshot> = {}): TableUpdate => ({
  action: "add-snapshot",
  snapshot: snapshot(id, sequence, id > 1n ? { parentSnapshotId: id - 1n, ...more } : more),
});
export const point = (refName: string, id: bigint, type: "branch" | "tag" = "branch"): TableUpdate => ({
  action: "set-snapshot-ref",
  refName,
  ref: { type, snapshotId: id },
});
export const refused = expect.objectContaining({ code: "INVALID_ARGUMENT" });
