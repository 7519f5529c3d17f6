import { mkdtemp, readdir, rm, stat, utimes } from "node:fs/promises";
import path from "node:path";
import Database from "better-sqlite3";
import { openSqlite } from "../../sqlite.js";
import { makeFolders } from "../local/folders.js";
import { isLeftOver, ownerPrefix } from "../local/scratch.js";

/** The name of the file in a folder by which others see that it is in use. */
const OWNER = "owner.sqlite";

/** A folder is given up for lost after a day without a sign of life: so a sign an hour is plenty. */
const SIGN_OF_LIFE_MS = 60 * 60 * 1000;

/** A folder of this process among those of others. */
export interface OwnedFolder {
  readonly path: string;
  /** Removes it. */
  release(): Promise<void>;
}

/**
 * Makes a folder of this process's own in `dir`, and removes those that dead processes left there.
 *
 * A folder is taken for left over when two things hold: nobody has the lock of its owner file, and its process is dead
 * or has given no sign of life for a day. The lock is the kernel's, so it ends with its process, is not fooled by a
 * process id that is used again, and is seen by containers that share the folder but not their process ids. A process
 * that sleeps or is stopped for days keeps it. The sign of life stands in for it where a lock is not seen by all: on
 * some network file systems.
 */
export async function ownFolder(dir: string): Promise<OwnedFolder> {
  makeFolders(dir);
  for (const name of await readdir(dir)) {
    const folder = path.join(dir, name);
    if (await isAbandoned(folder)) await rm(folder, { recursive: true, force: true });
  }
  const own = await mkdtemp(path.join(dir, `${ownerPrefix()}.`));
  const owner = path.join(own, OWNER);
  const lock = openSqlite(owner, { timeout: 1_000 });
  try {
    lock.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    // A file system without locks: signs of life have to do.
    if (!(error instanceof Database.SqliteError)) throw error;
  }
  const timer = setInterval(() => {
    const now = new Date();
    void utimes(owner, now, now).catch(() => undefined);
  }, SIGN_OF_LIFE_MS);
  timer.unref();
  return {
    path: own,
    async release() {
      clearInterval(timer);
      lock.close();
      await rm(own, { recursive: true, force: true });
    },
  };
}

async function isAbandoned(folder: string): Promise<boolean> {
  const owner = path.join(folder, OWNER);
  const signs = stat(owner).catch(() => stat(folder));
  return (await isLeftOver(path.basename(folder), signs)) && !isLocked(owner);
}

function isLocked(owner: string): boolean {
  let lock: Database.Database | undefined;
  try {
    lock = openSqlite(owner, { fileMustExist: true, timeout: 0 });
    lock.exec("PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE");
    return false;
  } catch (error) {
    return error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY");
  } finally {
    lock?.close();
  }
}
