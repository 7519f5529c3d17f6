import Database from "better-sqlite3";
import { brokenInstall } from "./errors.js";

const kept = new Set<unknown>();

export interface SqliteOptions {
  /** How long a transaction waits for another process's, in milliseconds. */
  readonly timeout: number;
  readonly readonly?: boolean;
  readonly fileMustExist?: boolean;
}

/**
 * Opens a SQLite file. The connection's object is held for good, and so must be every statement: see {@link keep}.
 *
 * @param prepare what the connection is not used without. Where it throws, the file is closed again: on a full disk it
 *   fails each time, and a process that tries again would run out of descriptors.
 * @throws LakehouseError BROKEN_INSTALL where the binding is missing, or was built for another Node; else what SQLite does.
 */
export function openSqlite(
  path: string,
  options: SqliteOptions,
  prepare: (db: Database.Database) => void = () => {},
): Database.Database {
  const db = connect(path, options);
  try {
    prepare(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function connect(path: string, options: SqliteOptions): Database.Database {
  try {
    return keep(new Database(path, options));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const isMissing = code === undefined && message.startsWith("Could not locate the bindings file");
    if (!isMissing && code !== "ERR_DLOPEN_FAILED") throw error;
    throw brokenInstall(
      "better-sqlite3",
      `The native part of better-sqlite3 ${isMissing ? "was not built" : `does not load in Node ${process.versions.node}: it was built for another version, or another machine`}.`,
      // npm says that it has rebuilt, and has done nothing, where a .npmrc turns install scripts off.
      'Run "npm rebuild better-sqlite3 --ignore-scripts=false" with this Node.',
      error,
    );
  }
}

/**
 * Holds an object of better-sqlite3 until the process ends. From Node 24.19 on, the garbage collector aborts the
 * process where it frees one outside of running JavaScript. Version 13 mends that and needs Node 22. What is held
 * is a wrapper of some bytes: SQLite's own memory and files go when the connection is closed.
 *
 * So no `db.pragma()` and no `db.prepare()` for one call, which leave objects behind: `db.exec()` leaves none.
 */
export function keep<T extends object>(object: T): T {
  kept.add(object);
  return object;
}
