import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type BranchingCatalog, openCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { isLakehouseError } from "../../../lib/lakehouse/errors.js";
import {
  defineSchema,
  eq,
  type FormatVersion,
  identity,
  isIn,
  long,
  openTableAt,
  readManifests,
  string,
  type Table,
} from "../../../lib/lakehouse/iceberg/index.js";
import { openQueryEngine, type QueryEngine } from "../../../lib/lakehouse/query/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { FailingStore } from "../../iceberg/support/failing-store.js";
import { type ChildProgram, canUnshare, childProgram } from "../../storage/child.js";
import { needs } from "../../support/needs.js";

const schema = defineSchema({ id: long(), city: string() });
const line = (id: number, city = "ATL") => ({ id: BigInt(id), city });

let directory: string;
let engine: QueryEngine;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "query-faults-"));
  engine = await openQueryEngine({ resolve: async () => undefined });
});
afterEach(async () => {
  await engine.close();
  await rm(directory, { recursive: true });
});

async function rows(table: Table): Promise<string[]> {
  const found = await (await engine.scan(table, table.scan())).rows();
  return found.map(({ id, city }) => `${id} ${city}`).sort();
}

/** A table of two partitions with two files each, one of them with deletes. */
async function create(catalog: BranchingCatalog, formatVersion: FormatVersion): Promise<Table> {
  await catalog.createNamespace("n");
  const partitionSpec = [identity("city")];
  const created = await catalog.createTable("n.t", { schema, formatVersion, partitionSpec });
  const table = created.withEngine(engine) as Table;
  const once = await table.append([line(0), line(1), line(2), line(10, "ORD"), line(11, "ORD")]);
  const twice = await once.append([line(3), line(4), line(12, "ORD")]);
  return twice.deleteRows(eq("id", 2), { mode: "merge-on-read" });
}

async function files(store: LocalStore): Promise<string[]> {
  const uris: string[] = [];
  for await (const { uri } of store.list(`${store.root}/`)) uris.push(uri);
  return uris.sort();
}

type Change = (table: Table) => Promise<Table>;
const changes: Record<string, Change> = {
  append: (t) => t.append([line(5), line(13, "ORD")]),
  "copy-on-write delete": (t) => t.deleteRows(isIn("id", [1, 3, 11]), { mode: "copy-on-write" }),
  "merge-on-read delete": (t) => t.deleteRows(isIn("id", [1, 3, 11]), { mode: "merge-on-read" }),
  overwrite: (t) => t.overwrite([line(1), line(99)], { where: eq("id", 1) }),
  "copy-on-write upsert": (t) => t.upsert([line(1, "JFK"), line(50)], { on: ["id"], mode: "copy-on-write" }),
  "merge-on-read upsert": (t) => t.upsert([line(1, "JFK"), line(50)], { on: ["id"], mode: "merge-on-read" }),
  "deletes by key": (t) => t.rowDelta({ on: ["id", "city"], deletes: [line(1)], rows: [line(60)] }),
  transaction: async (t) => {
    const transaction = t.begin();
    try {
      await transaction.deleteRows(eq("id", 1), { mode: "copy-on-write" });
      await transaction.append([line(70)]);
    } catch (error) {
      await transaction.rollback();
      throw error;
    }
    return transaction.commit();
  },
  replacement: (t) => t.replace({ schema }, [line(80)]),
};

describe.each<FormatVersion>([2, 3])("a disk that is full at any write, v%i", (version) => {
  test.each(Object.entries(changes))(
    "%s: an error, the table as it was, nothing left over",
    async (_, change) => {
      const inner = new LocalStore(directory, { durable: false });
      const failing = new FailingStore(inner);
      const catalog = await openCatalog({ backend: ":memory:", store: failing.store });
      try {
        const table = await create(catalog, version);
        const before = { rows: await rows(table), files: await files(inner) };
        for (let writes = 0; ; writes++) {
          failing.failAfter(writes);
          const failure = await change(table).then(
            () => undefined,
            (error: unknown) => error,
          );
          failing.makeRoom();
          if (failure === undefined) {
            expect(writes).toBeGreaterThanOrEqual(4); // data or deletes, manifest, list, metadata
            break;
          }
          expect(failure).toMatchObject({
            code: "STORAGE_FAILED",
            message: expect.stringContaining("ENOSPC"),
          });
          const now = await table.refresh();
          expect(now.metadataLocation).toBe(table.metadataLocation);
          expect(await rows(now)).toEqual(before.rows);
          expect(await files(inner)).toEqual(before.files);
        }
        expect(await rows(await table.refresh())).not.toEqual(before.rows);
      } finally {
        await catalog.close();
      }
    },
  );
});

/** Makes one change, and is killed right after its n-th step: a file that is put, or the move of the catalog's branch. */
const KILLED = `
const [directory, change, last] = args;
let steps = 0;
/** The same object, but its method is a step. */
const stepping = (inner, method) => new Proxy(inner, {
  get: (target, key) => {
    const value = Reflect.get(target, key, target);
    if (typeof value !== "function") return value;
    if (key !== method) return value.bind(target);
    return async (...args) => {
      const done = await value.apply(target, args);
      if (++steps === Number(last)) process.kill(process.pid, "SIGKILL");
      return done;
    };
  },
});
const store = stepping(new storage.LocalStore(directory + "/warehouse"), "put");
const backend = stepping(new catalog.SqliteBackend(directory + "/catalog.db"), "moveRef");
const lakeCatalog = await catalog.openCatalog({ backend, store });
const engine = await query.openQueryEngine({ resolve: async () => undefined, threads: 1 });
const table = (await lakeCatalog.loadTable("n.t")).withEngine(engine);
steps = 0;
const one = iceberg.eq("id", 1);
const row = { id: 5n, city: "ATL" };
const changes = {
  append: () => table.append([row]),
  "copy-on-write delete": () => table.deleteRows(one, { mode: "copy-on-write" }),
  "merge-on-read delete": () => table.deleteRows(one, { mode: "merge-on-read" }),
  transaction: async () => {
    const transaction = table.begin();
    await transaction.deleteRows(one, { mode: "copy-on-write" });
    await transaction.append([row]);
    await transaction.commit();
  },
  replacement: () => table.replace({ schema: table.schema }, [row]),
  "new table": () => lakeCatalog.createTable("n.new", { schema: table.schema }),
  "new view": () => lakeCatalog.createView("n.v", {
    schema: iceberg.defineSchema({ id: iceberg.long() }),
    defaultNamespace: ["n"],
    representations: [{ type: "sql", sql: "select id from t", dialect: "duckdb" }],
  }),
};
await changes[change]();
`;

describe("killed after any step of", () => {
  let program: ChildProgram;
  beforeAll(async () => {
    program = await childProgram(KILLED, ["storage", "parquet", "iceberg", "catalog", "query"]);
  });
  afterAll(() => program.dispose());

  const without1 = (rows: string[]) => rows.filter((row) => row !== "1 ATL");
  const with5 = (rows: string[]) => [...rows, "5 ATL"].sort();
  const nothing = (rows: string[]) => rows;
  test.each<[change: string, leastFiles: number, names: string[], rows: (before: string[]) => string[]]>([
    ["append", 4, [], with5],
    ["copy-on-write delete", 4, [], without1],
    ["merge-on-read delete", 4, [], without1],
    ["transaction", 7, [], (before) => with5(without1(before))],
    ["replacement", 4, [], () => ["5 ATL"]],
    ["new table", 1, ["n.new"], nothing],
    ["new view", 1, ["n.v"], nothing],
  ])(
    "%s: before the commit nothing has happened, after it everything",
    async (change, leastFiles, names, rowsAfter) => {
      const store = new LocalStore(path.join(directory, "warehouse"));
      const catalog = await openCatalog({ backend: path.join(directory, "catalog.db"), store });
      const state = async () => {
        const all = [...(await catalog.listTables("n")), ...(await catalog.listViews("n"))];
        const found = all.map(({ namespace, name }) => [...namespace, name].join("."));
        return { names: found.sort(), rows: await rows((await catalog.loadTable("n.t")).withEngine(engine)) };
      };
      try {
        await create(catalog, 3);
        const before = await state();
        let now = before;
        let steps = 0;
        // What the dead ones left over stands in nobody's way.
        while (isDeepStrictEqual(now, before)) {
          steps++;
          await expect(program.start(directory, change, String(steps)).done).rejects.toThrow();
          now = await state();
        }
        expect(now).toEqual({ names: [...names, ...before.names].sort(), rows: rowsAfter(before.rows) });
        expect(steps).toBeGreaterThan(leastFiles);
      } finally {
        await catalog.close();
      }
    },
  );
});

/** Appends on a small file system of its own until it is full, makes room, and does so again. */
const FULL = `
import { execFileSync } from "node:child_process";
import { rmSync, statfsSync, writeFileSync } from "node:fs";
const [directory] = args;
execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m", "tmpfs", directory]);
const open = async () => {
  const store = new storage.LocalStore(directory + "/warehouse");
  return catalog.openCatalog({ backend: directory + "/catalog.db", store });
};
let lake = await open();
await lake.createNamespace("n");
const schema = iceberg.defineSchema({ id: iceberg.long() });
let table = await lake.createTable("n.t", { schema, properties: { "commit.retry.num-retries": "0" } });
const rounds = [];
let appended = 0;
const count = (t) => Number(t.currentSnapshot?.summary["total-records"] ?? 0);
for (let round = 0; round < 6; round++) {
  const { bavail, bsize } = statfsSync(directory);
  writeFileSync(directory + "/filler", new Uint8Array(bavail * bsize - 30_000 - round * 17_000));
  let failure;
  while (failure === undefined) {
    try {
      table = await table.append([{ id: BigInt(appended) }]);
      appended++;
    } catch (error) {
      failure = error.code + " " + error.message;
    }
  }
  // As another process finds it, while the disk is full.
  const found = count(await lake.loadTable("n.t"));
  rmSync(directory + "/filler");
  await lake.close();
  lake = await open();
  table = await lake.loadTable("n.t");
  const reopened = count(table);
  rounds.push({ failure, appended, found, reopened });
  appended = reopened;
  table = await table.append([{ id: BigInt(appended) }]);
  appended++;
}
console.log(JSON.stringify(rounds));
await lake.close();
`;

test(
  "a file system that is full again and again: each time an error that says so, and nothing lost or half done",
  needs(canUnshare(), "Linux with user namespaces (unshare)"),
  async () => {
    const program = await childProgram(FULL, ["storage", "parquet", "iceberg", "catalog"]);
    try {
      const rounds = JSON.parse(await program.startUnshared(directory).done) as {
        failure: string;
        appended: number;
        found: number;
        reopened: number;
      }[];
      expect(rounds).toHaveLength(6);
      for (const { failure, appended, found, reopened } of rounds) {
        expect(failure).toMatch(/^(STORAGE_FAILED|CATALOG_UNAVAILABLE) .*the disk is full.* Free some space/);
        expect(found).toBe(appended);
        expect(reopened).toBe(appended);
      }
    } finally {
      await program.dispose();
    }
  },
);

describe("files that were cut short", () => {
  test.each(["metadata", "manifest list", "manifest", "data file", "deletion vector"])(
    "%s: an error that names it; whole again, all rows are there",
    async (kind) => {
      const store = new LocalStore(directory, { durable: false });
      const catalog = await openCatalog({ backend: ":memory:", store });
      const table = await create(catalog, 3);
      const before = await rows(table);
      const snapshot = table.currentSnapshot;
      const [manifest] = snapshot === undefined ? [] : await readManifests(store, snapshot);
      const { tasks } = await table.scan().planAll();
      const uri = {
        metadata: table.metadataLocation,
        "manifest list": snapshot?.manifestList,
        manifest: manifest?.manifestPath,
        "data file": tasks[0]?.dataFile.filePath,
        "deletion vector": tasks.find((task) => task.deleteFiles.length > 0)?.deleteFiles[0]?.filePath,
      }[kind] as string;
      const file = store.localPath(uri) as string;
      const whole = await readFile(file);
      await catalog.close();
      // Of a Puffin file, a reader takes the blob alone: it is at the start.
      const lengths = kind === "deletion vector" ? [0, 1, 20] : [0, 1, whole.length >> 1, whole.length - 1];
      for (const length of lengths) {
        await writeFile(file, whole.subarray(0, length));
        const read = async (): Promise<string[]> => {
          // A process that has read nothing yet.
          const fresh = await openQueryEngine({ resolve: async () => undefined });
          try {
            const other = new LocalStore(directory, { durable: false });
            const opened = await openTableAt(other, table.metadataLocation);
            const found = await (await fresh.scan(opened, opened.scan())).rows();
            return found.map(({ id, city }) => `${id} ${city}`).sort();
          } finally {
            await fresh.close();
          }
        };
        const failure = await read().then(
          () => undefined,
          (error: unknown) => error,
        );
        expect(isLakehouseError(failure), `${kind} of ${length} bytes: ${String(failure)}`).toBe(true);
        expect(["CORRUPT_FILE", "INVALID_METADATA"]).toContain((failure as { code: string }).code);
        await writeFile(file, whole);
        expect(await read()).toEqual(before);
      }
    },
  );
});
