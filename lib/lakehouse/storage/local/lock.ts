import { statSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { openSqlite } from "../../sqlite.js";
import { failed } from "../errors.js";

/** Sections under this lock are a few system calls long, so a wait this long means a stopped process. */
const PATIENCE_MS = 30_000;

/** Stores have no end of their own: the lock file of one that nobody holds any more is closed here. */
const abandoned = new FinalizationRegistry((db: Database.Database) => db.close());

/**
 * A lock between processes: the write lock of an empty SQLite database. The kernel holds it for the process,
 * so a holder that is killed gives it up at once; there is no owner to look up, no age to guess and no lock
 * to break, which is where lock files go wrong.
 *
 * The section is synchronous. So it is short, and no other call of this process can come between.
 */
export class StoreLock {
  readonly #file: string;
  #open: { db: Database.Database; inode: bigint } | undefined;

  constructor(directory: string) {
    this.#file = path.join(directory, "lock.sqlite");
  }

  /** Runs `section` while no other process is in one. Throws STORAGE_FAILED when the wait is hopeless. */
  async run<T>(section: () => T): Promise<T> {
    const deadline = Date.now() + PATIENCE_MS;
    for (let attempt = 0; ; attempt++) {
      const db = this.#tryAcquire();
      if (db !== undefined) {
        try {
          return section();
        } finally {
          db.exec("ROLLBACK");
        }
      }
      if (Date.now() > deadline) {
        throw failed(this.#file, "Another process has held the store's lock for 30 s");
      }
      await sleep(Math.random() * Math.min(10, 1 + attempt));
    }
  }

  #tryAcquire(): Database.Database | undefined {
    this.#closeIfReplaced();
    this.#open ??= this.#connect();
    const { db } = this.#open;
    try {
      db.exec("BEGIN IMMEDIATE");
    } catch (error) {
      if (error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY")) return undefined;
      throw error;
    }
    this.#closeIfReplaced();
    return this.#open === undefined ? undefined : db;
  }

  /** Someone may have deleted the whole store and made a new one: a lock on the old file excludes nobody. */
  #closeIfReplaced(): void {
    if (this.#open === undefined) return;
    if (statSync(this.#file, { bigint: true, throwIfNoEntry: false })?.ino === this.#open.inode) return;
    abandoned.unregister(this.#open.db);
    this.#open.db.close();
    this.#open = undefined;
  }

  #connect(): { db: Database.Database; inode: bigint } {
    // To lock an empty database begins a journal. In a file it would cost each section two calls more, and on a full
    // disk nothing could be locked, and so nothing deleted.
    const db = openSqlite(this.#file, { timeout: 0 }, (opened) =>
      opened.exec("PRAGMA journal_mode = MEMORY"),
    );
    abandoned.register(this, db, db);
    return { db, inode: statSync(this.#file, { bigint: true }).ino };
  }
}
