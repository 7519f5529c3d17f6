import { join } from "node:path";
import Database from "better-sqlite3";
import { openSqlite } from "../../sqlite.js";
import { logInUse } from "../errors.js";
import { unusableFolder } from "./disk.js";

/**
 * Lets one process write from a folder at a time. The lock is the operating system's, by SQLite: it goes with the process.
 *
 * @returns what gives it back.
 * @throws LakehouseError LOG_IN_USE; STORAGE_FAILED where the disk fails or is full
 */
export function lockWriter(folder: string): () => void {
  try {
    const lock = openSqlite(join(folder, "writer.lock"), { timeout: 0 }, (db) =>
      db.exec(
        "pragma locking_mode = exclusive; begin exclusive; create table if not exists held (anything); commit;",
      ),
    );
    return () => void lock.close();
  } catch (cause) {
    if (!(cause instanceof Database.SqliteError)) throw cause;
    if (!cause.code.startsWith("SQLITE_BUSY")) throw unusableFolder(folder, cause);
    throw logInUse(
      folder,
      `Another process writes the log in ${folder}.`,
      "Append by that process, or wait until it is done. Reading is possible from here.",
      cause,
    );
  }
}
