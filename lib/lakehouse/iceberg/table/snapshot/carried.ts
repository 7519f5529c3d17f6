import { ancestorsOf } from "../../model/metadata/lookup.js";
import type { Snapshot, SnapshotId, TableMetadata } from "../../model/metadata/types.js";

/**
 * Summary keys that each snapshot takes over from the one before it, since they say what the rows of the table are up
 * to: how far it has taken in a stream. Whoever commits next, be it a compaction, has them, so that they outlive the
 * snapshot that set them.
 */
export const CARRIED = "sololakehouse.carried.";

/**
 * Carried with the others from a table's first snapshot on, so that none is missing where it is: another writer, after which
 * keys may have expired, leaves it out as well.
 */
export const CARRIED_WHOLE = `${CARRIED}whole`;

/** What is carried to a snapshot from its parent, each key as the nearest of its ancestors has it; other writers leave them out. */
export function carriedTo(
  metadata: Pick<TableMetadata, "snapshots">,
  id: SnapshotId | undefined,
): Record<string, string> {
  return id === undefined ? { [CARRIED_WHOLE]: "true" } : carriedBy(ancestorsOf(metadata, id));
}

/** What snapshots carry, each key as the first of them has it. @param snapshots newest first. */
export function carriedBy(snapshots: Iterable<Snapshot>): Record<string, string> {
  const carried: Record<string, string> = {};
  for (const { summary } of snapshots)
    for (const [key, value] of Object.entries(summary ?? {}))
      if (key.startsWith(CARRIED) && value !== undefined) carried[key] ??= value;
  return carried;
}
