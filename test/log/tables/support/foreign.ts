import type { PendingUpdate } from "../../../../lib/lakehouse/iceberg/index.js";
import type { Lakehouse } from "../../../../lib/lakehouse/index.js";

/** A snapshot of `raw.events` as another engine makes it: it carries nothing over. */
export async function commitForeign(
  lake: Pick<Lakehouse, "table">,
  operation: "append" | "replace" = "replace",
): Promise<void> {
  await (await lake.table("raw.events")).update([foreign(operation)]);
}

const foreign = (operation: "append" | "replace"): PendingUpdate => ({
  propose: (base) => {
    const current = base.snapshots.find(({ snapshotId }) => snapshotId === base.currentSnapshotId);
    if (current === undefined) throw new Error("The table is empty.");
    const snapshotId = current.snapshotId + 1n;
    const snapshot = {
      ...current,
      snapshotId,
      parentSnapshotId: current.snapshotId,
      sequenceNumber: base.lastSequenceNumber + 1n,
      summary: { operation },
    };
    return {
      requirements: [],
      updates: [
        { action: "add-snapshot", snapshot },
        { action: "set-snapshot-ref", refName: "main", ref: { type: "branch", snapshotId } },
      ],
    };
  },
});
