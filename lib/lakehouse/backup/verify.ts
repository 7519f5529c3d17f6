import { mapConcurrent, READ_CONCURRENCY } from "../concurrency.js";
import { type Abortable, type LakehouseError, throwIfAborted } from "../errors.js";
import { backupCorrupt } from "./errors.js";
import type { BackupSummary } from "./model.js";
import type { BackupPlace } from "./place.js";

export interface VerifyReport {
  /** The id of the backup. */
  readonly backup: string;
  readonly objects: number;
  readonly bytes: number;
  /** Objects that are missing or damaged, and which file of the lakehouse each holds. */
  readonly corrupt: readonly { readonly object: string; readonly why: string }[];
}

/**
 * Reads every object of a backup and holds it against its checksum.
 *
 * @throws LakehouseError BACKUP_CORRUPT where its index is damaged, without which nothing can be restored.
 */
export async function verifyBackup(
  place: BackupPlace,
  backup: BackupSummary,
  { signal }: Abortable = {},
): Promise<VerifyReport> {
  const { files } = await place.index(backup);
  const objects = [...new Map(files.map((file) => [file.sha256, file])).values()];
  const found = await mapConcurrent(objects, READ_CONCURRENCY, async (file) => {
    throwIfAborted(signal);
    try {
      for await (const _ of place.stream(file, file.location));
      return [];
    } catch (error) {
      if (!backupCorrupt.is(error)) throw error;
      return [error as LakehouseError];
    }
  });
  return {
    backup: backup.id,
    objects: objects.length,
    bytes: objects.reduce((sum, { size }) => sum + size, 0),
    corrupt: found.flat().map(({ subject, message }) => ({ object: subject, why: message })),
  };
}
