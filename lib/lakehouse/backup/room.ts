import type { Room } from "../room.js";
import { type Backup, type BackupContext, backupOf } from "./backup.js";
import * as errors from "./errors.js";
import { metrics } from "./metrics.js";

/** Backups, for the wiring. */
export const backupRoom = {
  name: "backup",
  errors,
  metrics,
  facade: backupOf,
  commands: async () => (await import("./commands.js")).backupCommands,
} as const satisfies Room<BackupContext, Backup>;
