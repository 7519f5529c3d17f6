import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type BranchingCatalog, openCatalog } from "../../../lib/lakehouse/catalog/index.js";
import type { Hash } from "../../../lib/lakehouse/catalog/model/hash.js";
import type { Backend } from "../../../lib/lakehouse/catalog/store/backend.js";
import { ObjectStoreBackend } from "../../../lib/lakehouse/catalog/store/backends/object-store-backend.js";
import { SqliteBackend } from "../../../lib/lakehouse/catalog/store/backends/sqlite-backend.js";
import { LocalStore, type ObjectStore } from "../../../lib/lakehouse/storage/index.js";
import { records, schema, withOverrides } from "../support/contents.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "garbage-histories-"));
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(directory, { recursive: true, force: true });
});

/** Lets the clocks that count in seconds pass what was just written. */
const passGrace = () => sleep(20);

const rows = async (catalog: BranchingCatalog, ref = "main") => {
  const table = await catalog.on(ref).loadTable("ns.t");
  for (const { dataFile } of (await table.scan().planAll()).tasks)
    expect(await table.store.head(dataFile.filePath)).toBeDefined();
  return Number(table.currentSnapshot?.summary?.["total-records"]);
};

describe.each(["object store", "SQLite"] as const)("on the catalog in %s", (kind) => {
  const warehouse = () => new LocalStore(join(directory, "warehouse"));
  const backend = (store: ObjectStore): Backend | string =>
    kind === "SQLite"
      ? join(directory, "catalog.db")
      : new ObjectStoreBackend(store, `${store.root}/catalog`);
  const open = (store: ObjectStore = warehouse()) =>
    openCatalog({ backend: backend(store), store, warehouse: `${store.root}/tables` });

  /** A store that does something, once, before it deletes what a sweep has found. */
  class Interrupted extends LocalStore {
    work: (() => Promise<unknown>) | undefined;
    override async delete(uris: readonly string[]) {
      const { work } = this;
      if (work !== undefined && uris.some((uri) => /objects|parquet/.test(uri))) {
        this.work = undefined;
        await work();
      }
      return super.delete(uris);
    }
  }

  const prepare = async (): Promise<BranchingCatalog> => {
    const catalog = await open();
    await catalog.createNamespace("ns");
    await (await catalog.createTable("ns.t", { schema })).append(records(1));
    return catalog;
  };

  test("a branch that was merged and rolled back is merged again while garbage is collected", async () => {
    const catalog = await prepare();
    await catalog.createBranch("etl");
    await (await catalog.on("etl").loadTable("ns.t")).append(records(2));
    await catalog.merge("etl");
    await catalog.rollback("main~1");
    await passGrace();
    const store = new Interrupted(join(directory, "warehouse"));
    const sqlite = kind === "SQLite" ? new SqliteBackend(join(directory, "catalog.db")) : undefined;
    const deleteObjects = async (hashes: readonly Hash[]) => {
      // The objects of this catalog do not lie in the store.
      if (hashes.length > 0) await store.delete(["file:///objects"]).catch(() => undefined);
      await sqlite?.deleteObjects(hashes);
    };
    const collector = await (sqlite === undefined
      ? open(store)
      : openCatalog({ backend: withOverrides(sqlite, { deleteObjects }), store }));
    store.work = async () => expect(await catalog.merge("etl")).toMatchObject({ applied: true });
    const report = await collector.collectGarbage({ gracePeriodMs: 0 });
    expect(report.commits.length).toBeGreaterThan(0);
    // Read by a process that has nothing in its cache.
    const reader = await open();
    expect(await rows(reader)).toBe(2);
    expect((await reader.log()).items[0]?.message).toBe("Merge etl into main");
    await Promise.all([catalog, collector, reader].map((each) => each.close()));
  });

  test("a dead commit is picked or merged while its files are deleted: refused, and main stays whole", async () => {
    const catalog = await prepare();
    await catalog.createBranch("etl");
    await (await catalog.on("etl").loadTable("ns.t")).append(records(2));
    const { hash } = await catalog.deleteReference("etl");
    await passGrace();
    const store = new Interrupted(join(directory, "warehouse"));
    const collector = await open(store);
    const other = await open();
    store.work = async () => {
      for (const bring of [
        () => other.merge(`@${hash}`),
        () => other.transplant(`@${hash}`),
        () => other.merge(`@${hash}`, { fastForward: "only" }),
        () => other.createTag("kept", { from: `@${hash}` }),
        () => other.assignReference("main", `@${hash}`),
      ])
        await expect(bring()).rejects.toMatchObject({ code: "REF_CONFLICT" });
    };
    expect((await collector.collectGarbage({ gracePeriodMs: 0 })).commits).toEqual([hash]);
    await expect(other.merge(`@${hash}`)).rejects.toMatchObject({ code: "NO_SUCH_REF" });
    expect(await rows(await open())).toBe(1);
    expect((await other.references()).map(({ name }) => name)).toEqual(["main"]);
    await Promise.all([catalog, collector, other].map((each) => each.close()));
  });

  test("files of a killed writer are found, and those of a table's versions, readers and neighbours stay", async () => {
    const catalog = await prepare();
    const table = await catalog.loadTable("ns.t");
    const folder = `${table.metadata.location}/`;
    const kept = [`${folder}data/_SUCCESS`, `${folder}README.md`, `${folder}metadata/version-hint.text`];
    const orphans = [`${folder}data/00000-7-dead.parquet`, `${folder}metadata/dead-m0.avro`];
    const lone = `${table.store.root}/tables/elsewhere/a.parquet`;
    for (const uri of [...kept, ...orphans, lone]) await table.store.put(uri, new Uint8Array([1]));
    await catalog.registerTable("ns.copy", table.metadataLocation);
    await passGrace();
    expect((await catalog.collectGarbage()).files).toEqual([]);
    expect((await catalog.collectGarbage({ gracePeriodMs: 0, dryRun: true })).files).toEqual([]);
    // While the folder is one table's only.
    await catalog.rollback("main~1");
    await passGrace();
    expect((await catalog.collectGarbage({ gracePeriodMs: 0 })).files).toEqual(orphans.sort());
    for (const uri of [...kept, lone]) expect(await table.store.head(uri)).toBeDefined();
    expect(await rows(catalog)).toBe(1);
    await catalog.close();
  });
});

test("a collector whose clock is an hour ahead spares what is younger than the grace period by the store's", async () => {
  const store = new LocalStore(join(directory, "warehouse"));
  const open = () =>
    openCatalog({
      backend: new ObjectStoreBackend(store, `${store.root}/catalog`),
      store,
      warehouse: `${store.root}/tables`,
    });
  const catalog = await open();
  await catalog.createNamespace("ns");
  const table = await (await catalog.createTable("ns.t", { schema })).append(records(1));
  await catalog.createBranch("etl");
  await (await catalog.on("etl").loadTable("ns.t")).append(records(2));
  const { hash } = await catalog.deleteReference("etl");
  const underWay = `${table.metadata.location}/data/00000-9-under-way.parquet`;
  await store.put(underWay, new Uint8Array([1]));
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });
  const report = await (await open()).collectGarbage({ gracePeriodMs: 1_800_000 });
  expect(report).toMatchObject({ commits: [], objects: 0, files: [] });
  expect(await store.head(underWay)).toBeDefined();
  await catalog.createBranch("back", { from: `@${hash}` });
  expect(await rows(catalog, "back")).toBe(2);
  await catalog.close();
});
