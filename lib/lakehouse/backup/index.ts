/**
 * Backups, `lake.backup`: the tables of a lakehouse, or all of it with branches, tags and history, copied to any object
 * store at one moment, each content once; and back, to the same place or another one.
 */
export type {
  Backup,
  BackupContext,
  BackupLocation,
  BackupOptions,
  FromBackup,
  PruneBackups,
  RestoreOptions,
} from "./backup.js";
export type { BackedUpFile, BackupIndex, BackupSummary, FileKind, ObjectRef } from "./model.js";
export { fromPack, packInto } from "./pack.js";
export { type BackupPlace, type BackupStore, openPlace } from "./place.js";
export type { PruneOptions, PruneReport } from "./prune.js";
export { type LakeTarget, type RestoreReport, restoreLake } from "./restore-lake.js";
export type { RestoreTablesOptions } from "./restore-tables.js";
export type { RestoredRuns } from "./runs.js";
export type { BackupReport, TakeOptions } from "./take.js";
export { type VerifyReport, verifyBackup } from "./verify.js";
