import { randomBytes } from "node:crypto";
import type { SnapshotId, TableMetadata } from "../../model/metadata/types.js";

/** A random positive id that the table does not use yet (spec, Appendix F, "Assignment of Snapshot IDs"). */
export function newSnapshotId(metadata: TableMetadata): SnapshotId {
  for (;;) {
    const id = randomBytes(8).readBigUInt64BE() & 0x7fff_ffff_ffff_ffffn;
    if (id !== 0n && !metadata.snapshots.some((snapshot) => snapshot.snapshotId === id)) return id;
  }
}
