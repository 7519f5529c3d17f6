import { existsSync, realpathSync } from "node:fs";
import Database from "better-sqlite3";
import {
  closed,
  corruptFile,
  type ErrorKind,
  invalidConfig,
  isLakehouseError,
  type LakehouseError,
  readOnly,
  unsupported,
} from "../../../errors.js";
import { keep } from "../../../sqlite.js";
import { fileUri, storageFailed, systemCode } from "../../../storage/index.js";
import { catalogUnavailable } from "../../errors.js";
import type { Hash } from "../../model/hash.js";
import type { Backend, RefMove, StoredObjectInfo } from "../backend.js";
import type { StoredObject } from "../stored-object.js";
import { notMoved } from "./before-move.js";
import { openCatalogFile } from "./sqlite-file.js";

/** Raised when the tables change in a way that an older program cannot read. */
const FORMAT = 1;

/**
 * The embedded backend: one SQLite file, shared by any number of processes on one machine (write-ahead log, so
 * that readers never wait). Every move of a ref is one transaction, on disk before it is acknowledged.
 *
 * Do not put the file on a network file system: SQLite's locks do not hold there.
 */
export class SqliteBackend implements Backend {
  readonly place: string | undefined;
  readonly readOnly: boolean;
  readonly #path: string;
  readonly #isFull: boolean;
  readonly #db: Database.Database;
  readonly #statements: ReturnType<typeof prepare>;

  /** @param path the file, made with its folders where absent; ":memory:" for one that dies with the process. */
  constructor(path: string) {
    this.#path = path;
    if (path === "") {
      // SQLite would keep it in a temporary file, and delete that in the end.
      throw invalidConfig(
        "sqlite:",
        "The catalog's SQLite file has no path.",
        "Write sqlite:<path of the file>.",
      );
    }
    try {
      const { db, readOnly, isFull } = openCatalogFile(path, (opened) => createTables(opened, path));
      this.#db = db;
      this.readOnly = readOnly;
      this.#isFull = isFull;
      this.place = path === ":memory:" ? undefined : fileUri(realpathSync(path));
      this.#statements = keep(prepare(db));
    } catch (cause) {
      if (isLakehouseError(cause)) throw cause;
      // Opening writes a little, which a full disk refuses, and so does a lock: then nothing is wrong with the path. Nor is
      // it with that of a damaged catalog, in whose place no new one is to be made.
      if (cause instanceof Database.SqliteError && /^SQLITE_(FULL|IOERR|BUSY|CORRUPT)/.test(cause.code))
        throw failure(path, cause);
      if (/^(EIO|ENOSPC|EDQUOT|EMFILE|ENFILE)$/.test(systemCode(cause) ?? ""))
        throw storageFailed(
          path,
          `The catalog ${path} cannot be used: ${(cause as Error).message}.`,
          "Look whether its disk is full or failing, and try again.",
          cause,
        );
      throw invalidConfig(
        path,
        `Cannot open the catalog ${path}: ${(cause as Error).message}.`,
        existsSync(path)
          ? "Give the path of a catalog. If this was one, restore it from a backup."
          : "Give the path of a catalog, or of a new file in a folder that can be written.",
        cause,
      );
    }
  }

  async get(hashes: readonly Hash[]): Promise<(Uint8Array | undefined)[]> {
    const { get } = this.#statements;
    return this.#run(() => hashes.map((hash) => get.get(toBlob(hash)) as Uint8Array | undefined));
  }

  async put(objects: readonly StoredObject[]): Promise<void> {
    this.#transact(() => this.#insert(objects));
  }

  async getRef(name: string): Promise<string | undefined> {
    return this.#run(() => this.#statements.getRef.get(name) as string | undefined);
  }

  async listRefs(prefix = ""): Promise<{ name: string; value: string }[]> {
    const end = `${prefix}\u{10ffff}`;
    const rows = this.#run(
      () => this.#statements.listRefs.all(prefix, end) as { name: string; value: string }[],
    );
    return rows.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }

  async moveRef({ name, expected, next }: RefMove, objects: readonly StoredObject[]): Promise<boolean> {
    const statements = this.#statements;
    return this.#transact(() => {
      if (statements.getRef.get(name) !== expected) return false;
      this.#insert(objects);
      if (next === undefined) statements.deleteRef.run(name);
      else statements.setRef.run(name, next);
      return true;
    });
  }

  async *scan(): AsyncGenerator<StoredObjectInfo> {
    let after = 0;
    for (;;) {
      const rows = this.#run(() => this.#statements.scan.all(after) as ScannedRow[]);
      for (const row of rows) {
        yield { hash: row.hash.toString("hex"), size: row.size, storedAt: new Date(row.stored_at) };
      }
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last.id;
    }
  }

  async deleteObjects(hashes: readonly Hash[]): Promise<void> {
    this.#transact(() => {
      for (const hash of hashes) this.#statements.delete.run(toBlob(hash));
    });
  }

  /** All who share the file are on one machine. */
  async now(): Promise<Date> {
    return new Date();
  }

  async close(): Promise<void> {
    this.#db.close();
  }

  #transact<T>(work: () => T): T {
    if (this.#isFull) throw fullDisk(this.#path);
    if (this.readOnly) throw readOnlyCatalog(this.#path);
    let isWorkDone = false;
    const transaction = this.#db.transaction(() => {
      const result = work();
      isWorkDone = true;
      return result;
    });
    try {
      return this.#run(() => transaction.immediate());
    } catch (error) {
      // Before the transaction was to be committed, nothing of it can have happened.
      throw !isWorkDone && storageFailed.is(error) ? notMoved(error) : error;
    }
  }

  #run<T>(work: () => T): T {
    if (!this.#db.open) throw closed(`catalog ${this.#path}`);
    try {
      return work();
    } catch (error) {
      throw error instanceof Database.SqliteError ? failure(this.#path, error) : error;
    }
  }

  #insert(objects: readonly StoredObject[]): void {
    const now = Date.now();
    for (const { hash, bytes } of objects) this.#statements.insert.run(toBlob(hash), bytes, now);
  }
}

function readOnlyCatalog(path: string): LakehouseError {
  return readOnly(
    path,
    `The catalog ${path} lies where nothing can be written, and is only read.`,
    "Copy the lakehouse's folder to a place that can be written, and open it there.",
  );
}

function fullDisk(path: string): LakehouseError {
  return catalogUnavailable(
    path,
    `The catalog ${path} cannot be written: the disk was full when it was opened, and it is only read.`,
    "Free some space and open it again.",
  );
}

interface ScannedRow {
  readonly id: number;
  readonly hash: Buffer;
  readonly size: number;
  readonly stored_at: number;
}

/**
 * What an error of SQLite means for the catalog. Only `STORAGE_FAILED` leaves open whether a transaction happened: the
 * others come before it could be written whole.
 */
function failure(path: string, cause: InstanceType<typeof Database.SqliteError>): LakehouseError {
  const as = (kind: ErrorKind, why: string, remedy?: string) =>
    kind(path, `The catalog ${path} cannot be used: ${why}.`, remedy, cause);
  const code = cause.code.split("_")[1];
  if (code === "FULL") return as(catalogUnavailable, "the disk is full", "Free some space and try again.");
  if (code === "IOERR")
    return as(storageFailed, cause.message, "Look whether its disk is full or failing, and try again.");
  if (code === "BUSY")
    return as(
      catalogUnavailable,
      "another process has kept it locked for 30 s",
      "Try again when that process is done with it.",
    );
  if (code === "READONLY") return readOnlyCatalog(path);
  // SQLite says CORRUPT for a read that the disk refused, too: then a backup in its place would lose commits.
  if (code === "CORRUPT" || code === "NOTADB")
    return as(
      corruptFile,
      cause.message,
      "Look whether its disk is failing, and try again. If it stays so, restore it from a backup.",
    );
  return as(storageFailed, cause.message);
}

function toBlob(hash: Hash): Buffer {
  return Buffer.from(hash, "hex");
}

function createTables(db: Database.Database, path: string): void {
  const userVersion = keep(db.prepare("SELECT user_version FROM pragma_user_version").pluck());
  const create = (): void => {
    const found = userVersion.get() as number;
    if (found > FORMAT) {
      throw unsupported(
        path,
        `The catalog ${path} has format ${found}; this version reads up to ${FORMAT}.`,
        "Open it with a newer version.",
      );
    }
    if (found === FORMAT) return;
    // Rows in the order of their writing, with the hashes in an index: objects of a few kilobytes under random
    // keys would scatter over the file and overflow its pages.
    db.exec(`
      CREATE TABLE objects (
        id INTEGER PRIMARY KEY,
        hash BLOB NOT NULL UNIQUE,
        bytes BLOB NOT NULL,
        stored_at INTEGER NOT NULL
      );
      CREATE TABLE refs (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
      PRAGMA user_version = ${FORMAT};
    `);
  };
  db.transaction(create).immediate();
}

function prepare(db: Database.Database) {
  return {
    get: db.prepare("SELECT bytes FROM objects WHERE hash = ?").pluck(),
    insert: db.prepare(
      "INSERT INTO objects (hash, bytes, stored_at) VALUES (?, ?, ?) ON CONFLICT (hash) DO UPDATE SET stored_at = excluded.stored_at",
    ),
    delete: db.prepare("DELETE FROM objects WHERE hash = ?"),
    scan: db.prepare(
      "SELECT id, hash, length(bytes) AS size, stored_at FROM objects WHERE id > ? ORDER BY id LIMIT 1000",
    ),
    getRef: db.prepare("SELECT value FROM refs WHERE name = ?").pluck(),
    listRefs: db.prepare("SELECT name, value FROM refs WHERE name >= ? AND name < ?"),
    setRef: db.prepare(
      "INSERT INTO refs (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    ),
    deleteRef: db.prepare("DELETE FROM refs WHERE name = ?"),
  };
}
