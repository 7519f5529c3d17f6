import { accessSync, chmodSync, constants, copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import type Database from "better-sqlite3";
import { openSqlite } from "../../../sqlite.js";
import { isDiskFull, makeFolders, systemCode } from "../../../storage/index.js";

/** How long a writer waits for another process's transaction, in milliseconds. One takes under a millisecond. */
const BUSY_TIMEOUT_MS = 30_000;

export interface SqliteFile {
  readonly db: Database.Database;
  readonly readOnly: boolean;
  /** True where it is only read since the disk is full. */
  readonly isFull: boolean;
}

/**
 * Opens the file of a catalog, to be written where it can be; `prepare` makes its tables. One in a folder where nothing
 * can be written, or on a full disk, is opened to be read.
 *
 * @throws what SQLite and the file system do.
 */
export function openCatalogFile(path: string, prepare: (db: Database.Database) => void): SqliteFile {
  let db: Database.Database | undefined;
  try {
    if (path !== ":memory:") makeFolders(dirname(path));
    // SQLite itself says so only when something is to be written.
    if (existsSync(path)) accessSync(path, constants.W_OK);
    db = openSqlite(path, { timeout: BUSY_TIMEOUT_MS });
    // FULL: a commit that was acknowledged survives a power cut, not only the death of the process.
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    prepare(db);
    return { db, readOnly: false, isFull: false };
  } catch (error) {
    db?.close();
    const isFull = isNoRoom(error);
    if (!(isFull || isWriteRefused(error)) || !existsSync(path)) throw error;
    return { db: openToRead(path, error), readOnly: true, isFull };
  }
}

/** SQLite says "cannot open" where it may not make the files that belong to a write-ahead log. */
function isWriteRefused(error: unknown): boolean {
  const code = systemCode(error) ?? "";
  return /^(SQLITE_(READONLY|CANTOPEN)|EROFS|EACCES|EPERM)/.test(code);
}

/** SQLite says FULL, or of the index beside the log that it cannot be made or made larger; the system may limit files. */
function isNoRoom(error: unknown): boolean {
  return (
    isDiskFull(error) || /^(EFBIG|SQLITE_(FULL|IOERR_(SHM|WRITE|TRUNCATE)))/.test(systemCode(error) ?? "")
  );
}

/**
 * Even to be read, a database with a write-ahead log needs the log's index beside it. Where another process has it open,
 * the index is there, and the file is read in place. Else nobody is writing, and a copy is read: in it the log can be
 * brought in. The copy has no name any more once it is open, so it goes with the process.
 *
 * @throws `why` it could not be opened to be written, where it cannot be read either.
 */
function openToRead(path: string, why: unknown): Database.Database {
  let db: Database.Database | undefined;
  try {
    db = openSqlite(path, { timeout: BUSY_TIMEOUT_MS, readonly: true });
    db.exec("SELECT count(*) FROM refs");
    return db;
  } catch {
    db?.close();
  }
  let folder: string | undefined;
  try {
    folder = mkdtempSync(join(tmpdir(), "slh-catalog-"));
    const copy = join(folder, basename(path));
    for (const end of ["", "-wal"]) {
      if (!existsSync(path + end)) continue;
      copyFileSync(path + end, copy + end);
      chmodSync(copy + end, 0o600); // the copy has the modes of its original
    }
    return openSqlite(copy, { timeout: BUSY_TIMEOUT_MS }, (opened) =>
      opened.exec("PRAGMA journal_mode = DELETE; SELECT count(*) FROM refs"),
    );
  } catch (error) {
    // There is no room for the copy either: what is wrong is the disk, and not the catalog.
    throw isNoRoom(error) ? why : error;
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}
