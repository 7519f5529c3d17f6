import { type Abortable, invalidArgument, throwIfAborted } from "../errors.js";
import type { BackupPlace } from "./place.js";

export interface PruneOptions extends Abortable {
  /** How many of the newest backups stay: 1 at the least. */
  readonly keep: number;
  /** Whether it only says what would go. */
  readonly dryRun?: boolean | undefined;
}

export interface PruneReport {
  readonly dryRun: boolean;
  readonly kept: readonly string[];
  /** Ids of the backups that went. */
  readonly removed: readonly string[];
  /** Objects that no backup had any more, also of backups that were never finished. */
  readonly objects: number;
  readonly bytes: number;
}

/**
 * Removes all backups but the newest, and what only they had. First the backups go, then objects: one that is killed leaves
 * objects that no backup has, which the next one removes.
 *
 * @throws LakehouseError BACKUP_BUSY where a backup is being made; BACKUP_CORRUPT where one that stays has no sound index:
 *   nothing was deleted then; INVALID_ARGUMENT; STORAGE_FAILED; ABORTED.
 */
export async function prune(
  place: BackupPlace,
  { keep, dryRun = false, signal }: PruneOptions,
): Promise<PruneReport> {
  if (!Number.isSafeInteger(keep) || keep < 1)
    throw invalidArgument("keep", `${String(keep)} is no number of backups to keep.`, "Keep 1 at the least.");
  const work = async (): Promise<PruneReport> => {
    const summaries = await place.summaries();
    const [kept, removed] = [summaries.slice(0, keep), summaries.slice(keep)];
    const needed = new Set<string>();
    for (const summary of kept) {
      throwIfAborted(signal);
      needed.add(summary.index.sha256);
      for (const { sha256 } of (await place.index(summary)).files) needed.add(sha256);
    }
    const unneeded = [...(await place.objects())].filter(([name]) => !needed.has(name));
    if (!dryRun) {
      await place.remove(removed);
      await place.removeObjects(unneeded.map(([name]) => name));
    }
    return {
      dryRun,
      kept: kept.map(({ id }) => id),
      removed: removed.map(({ id }) => id),
      objects: unneeded.length,
      bytes: unneeded.reduce((sum, [, size]) => sum + size, 0),
    };
  };
  return dryRun ? work() : place.alone("prune", work);
}
