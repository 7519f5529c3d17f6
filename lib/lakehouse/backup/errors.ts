import { errorKind } from "../errors.js";

/** An object of a backup that is missing, cut short, or does not hold the bytes that were written. */
export const backupCorrupt = errorKind("BACKUP_CORRUPT");
/** A file that a backup has to take is gone from the lakehouse. */
export const backupIncomplete = errorKind("BACKUP_INCOMPLETE");
/** A backup and a prune of the same place at one time. */
export const backupBusy = errorKind("BACKUP_BUSY");
/** There is no backup, or none of that name, at a place. */
export const noSuchBackup = errorKind("NO_SUCH_BACKUP");
/** What a restore would take the place of is there, and nobody said that it may go. */
export const restoreRefused = errorKind("RESTORE_REFUSED");
