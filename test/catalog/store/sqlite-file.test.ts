import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openCatalogFile } from "../../../lib/lakehouse/catalog/store/backends/sqlite-file.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "sqlite-file-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const TABLE = "CREATE TABLE IF NOT EXISTS refs (name TEXT)";
const noRoom = (code: string) => () => {
  throw new Database.SqliteError("database or disk is full", code);
};

test.each(["SQLITE_FULL", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_WRITE"])(
  "a catalog on a full disk (%s) is opened to be read, with what its log has",
  (code) => {
    const path = join(directory, "catalog.db");
    const { db } = openCatalogFile(path, (opened) => opened.exec(TABLE));
    db.exec("INSERT INTO refs VALUES ('main')");
    // Open: what was written is in the log, and not in the file itself.
    const read = openCatalogFile(path, noRoom(code));
    expect(read).toMatchObject({ readOnly: true, isFull: true });
    expect(read.db.prepare("SELECT name FROM refs").all()).toEqual([{ name: "main" }]);
    read.db.close();
    db.close();
  },
);

test("one that is not there yet is not made on a full disk, and one whose disk fails is not read", () => {
  const path = join(directory, "new.db");
  expect(() => openCatalogFile(join(directory, "none", "x.db"), noRoom("SQLITE_IOERR_READ"))).toThrow("full");
  openCatalogFile(path, (opened) => opened.exec(TABLE)).db.close();
  expect(() => openCatalogFile(path, noRoom("SQLITE_IOERR_READ"))).toThrow("full");
});
