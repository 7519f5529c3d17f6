import type { Room } from "../room.js";
import { type Backup, type BackupContext, backupOf } from "./backup.js";
import * as errors from "./errors.js";

/** Backups, for the wiring. */
export const backupRoom = {
  name: "backup",
  errors,
  facade: backupOf,
  commands: async () => (await import("./commands.js")).backupCommands,
} as const satisfies Room<BackupContext, Backup>;
