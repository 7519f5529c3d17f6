import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";

let directory: string;
let backend: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "damaged-"));
  backend = join(directory, "catalog.db");
  await (await open()).close();
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const open = () => openCatalog({ backend, store: new LocalStore(join(directory, "warehouse")) });

/** None of them says to begin a new catalog in the place of the damaged one. */
test.each([
  ["no database", "INVALID_CONFIG", async () => writeFile(backend, "no database ".repeat(1000))],
  ["cut", "CORRUPT_FILE", async () => writeFile(backend, (await readFile(backend)).subarray(0, 5000))],
  [
    "without its tables",
    "INVALID_CONFIG",
    async () => {
      const db = new Database(backend);
      db.exec("DROP TABLE objects");
      db.close();
    },
  ],
] as const)("a catalog's file that is %s is to be restored", async (_, code, damage) => {
  await damage();
  const failure = await open().catch((error: unknown) => error);
  expect(failure).toMatchObject({ code, remedy: expect.stringContaining("estore it from a backup") });
});

/** SQLite says the same of a read that the disk refused, after which nothing is wrong with the file. */
test("of a file that is cut the disk is suspected first, since a backup in its place would lose commits", async () => {
  await writeFile(backend, (await readFile(backend)).subarray(0, 5000));
  await expect(open()).rejects.toMatchObject({ remedy: expect.stringMatching(/^Look whether its disk/) });
});
