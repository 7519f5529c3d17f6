import { ancestorsOf } from "../../model/metadata/lookup.js";
import { bigintProperty, numberProperty } from "../../model/metadata/properties.js";
import type { Snapshot, SnapshotId, TableMetadata } from "../../model/metadata/types.js";

/**
 * The snapshots that a commit lets go of, by the table's `history.expire.max-snapshots`: those of a branch's past beyond so
 * many, which no reference is at and no branch has among its own. A branch with a retention of its own keeps by that, and
 * where the table sets `history.expire.max-snapshot-age-ms`, what is younger stays. What no reference leads to stays, too:
 * it may be staged, and waits to be published. One that was published goes with the snapshot that says so: it would pass
 * for one that waits, and its rows would come twice.
 */
export function snapshotsBeyondBound(metadata: TableMetadata): SnapshotId[] {
  const bound = numberProperty(metadata, "history.expire.max-snapshots");
  if (bound === 0 || metadata.snapshots.length <= bound) return [];
  const age = "history.expire.max-snapshot-age-ms";
  const young =
    metadata.properties[age] === undefined ? undefined : BigInt(Date.now()) - bigintProperty(metadata, age);
  const least = Math.max(bound, numberProperty(metadata, "history.expire.min-snapshots-to-keep"));
  const stay = new Set<SnapshotId>();
  const past = new Set<SnapshotId>();
  for (const ref of Object.values(metadata.refs)) {
    stay.add(ref.snapshotId);
    if (ref.type === "tag") continue;
    const keepsAll = ref.maxSnapshotAgeMs !== undefined;
    const count = Math.max(least, ref.minSnapshotsToKeep ?? 0);
    let place = 0;
    for (const { snapshotId, timestampMs } of ancestorsOf(metadata, ref.snapshotId)) {
      const isYoung = young !== undefined && timestampMs >= young;
      if (keepsAll || isYoung || place < count) stay.add(snapshotId);
      else past.add(snapshotId);
      place += 1;
    }
  }
  const gone = metadata.snapshots.filter(({ snapshotId: id }) => past.has(id) && !stay.has(id));
  const isPublished = publishedBy(gone);
  return metadata.snapshots
    .filter((each) => !stay.has(each.snapshotId) && (past.has(each.snapshotId) || isPublished(each)))
    .map(({ snapshotId }) => snapshotId);
}

/** Tells staged snapshots that some others have published, as `CherryPick` does. */
function publishedBy(publishers: readonly Snapshot[]): (staged: Snapshot) => boolean {
  const ids = new Set(publishers.map(({ summary }) => summary?.["source-snapshot-id"]));
  const wapIds = new Set(
    publishers.flatMap(({ summary }) => [summary?.["wap.id"], summary?.["published-wap-id"]]),
  );
  return ({ snapshotId, summary }) =>
    ids.has(String(snapshotId)) || (summary?.["wap.id"] !== undefined && wapIds.has(summary["wap.id"]));
}
