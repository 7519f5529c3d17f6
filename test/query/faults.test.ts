import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type BranchingCatalog, openCatalog } from "../../lib/lakehouse/catalog/index.js";
import { isLakehouseError } from "../../lib/lakehouse/errors.js";
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
} from "../../lib/lakehouse/iceberg/index.js";
import { openQueryEngine, type QueryEngine } from "../../lib/lakehouse/query/index.js";
import { LocalStore } from "../../lib/lakehouse/storage/index.js";
import { FailingStore } from "../iceberg/support/failing-store.js";
import { type ChildProgram, childProgram } from "../storage/child.js";

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

/** Makes one change and is killed right before or right after its n-th write; or after all of them. */
const KILLED = `
const [directory, change, when, number] = args;
const inner = new storage.LocalStore(directory + "/warehouse", { durable: false });
let writes = 0;
const die = (at, write) => { if (at === when && write === Number(number)) process.kill(process.pid, "SIGKILL"); };
const put = async (uri, ...rest) => {
  const write = ++writes;
  die("before", write);
  const done = await inner.put(uri, ...rest);
  die("after", write);
  return done;
};
const store = new Proxy(inner, {
  get: (target, key) => {
    if (key === "put") return put;
    const value = Reflect.get(target, key, target);
    return typeof value === "function" ? value.bind(target) : value;
  },
});
const lakeCatalog = await catalog.openCatalog({ backend: directory + "/catalog.db", store });
const engine = await query.openQueryEngine({ resolve: async () => undefined, threads: 1 });
const table = (await lakeCatalog.loadTable("n.t")).withEngine(engine);
if (change === "append") await table.append([{ id: 5n, city: "ATL" }]);
else await table.deleteRows(iceberg.eq("id", 1), { mode: "merge-on-read" });
if (when === "after commit") process.kill(process.pid, "SIGKILL");
console.log("writes " + writes);
await engine.close();
await lakeCatalog.close();
`;

describe("killed at a write", () => {
  let program: ChildProgram;
  beforeAll(async () => {
    program = await childProgram(KILLED, ["storage", "parquet", "iceberg", "catalog", "query"]);
  }, 60_000);
  afterAll(() => program.dispose());

  test.each(["append", "delete"])(
    "%s: before the commit nothing has happened, after it everything",
    { timeout: 180_000 },
    async (change) => {
      const store = new LocalStore(path.join(directory, "warehouse"), { durable: false });
      const backend = path.join(directory, "catalog.db");
      const catalog = await openCatalog({ backend, store });
      try {
        const table = await create(catalog, 3);
        const before = await rows(table);
        for (const when of ["before", "after"] as const) {
          for (let number = 1; number <= 4; number++) {
            const child = program.start(directory, change, when, String(number));
            await expect(child.done, `${when} write ${number}`).rejects.toThrow();
            const now = await table.refresh();
            expect(now.metadataLocation, `${when} write ${number}`).toBe(table.metadataLocation);
            expect(await rows(now)).toEqual(before);
          }
        }
        // What the dead ones left over stands in nobody's way.
        await program.start(directory, change, "after commit", "0").done.catch(() => undefined);
        const after = await rows(await table.refresh());
        const expected =
          change === "append" ? [...before, "5 ATL"].sort() : before.filter((row) => row !== "1 ATL");
        expect(after).toEqual(expected);
      } finally {
        await catalog.close();
      }
    },
  );
});

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
