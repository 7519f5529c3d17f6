import { cp, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type Backend,
  type BranchingCatalog,
  ObjectStoreBackend,
  openCatalog,
  relocateLake,
  SqliteBackend,
} from "../../../lib/lakehouse/catalog/index.js";
import { BEGINNING } from "../../../lib/lakehouse/catalog/model/hash.js";
import { writeLakeRecord } from "../../../lib/lakehouse/catalog/store/lake-record.js";
import { LakehouseError } from "../../../lib/lakehouse/errors.js";
import { defineSchema, long, type Table } from "../../../lib/lakehouse/iceberg/index.js";
import { fileUri, LocalStore, S3Store, serveS3 } from "../../../lib/lakehouse/storage/index.js";
import { withOverrides } from "../support/contents.js";

const schema = defineSchema({ id: long() });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "located-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const storeAt = (name: string) => new LocalStore(join(folder, name));

async function make(catalog: BranchingCatalog): Promise<void> {
  await catalog.createNamespace("ns");
  const table = (await catalog.createTable("ns.t", { schema })) as unknown as Table;
  await table.append([{ id: 1n }, { id: 2n }]);
}

/** How many rows the files of ns.t have that can be reached. */
async function reachable(catalog: BranchingCatalog): Promise<number> {
  const table = await catalog.loadTable("ns.t");
  const { tasks } = await table.scan().planAll();
  for (const { dataFile } of tasks) await table.store.read(dataFile.filePath, { start: 0, end: 4 });
  return tasks.reduce((sum, { dataFile }) => sum + Number(dataFile.recordCount), 0);
}

/** Makes the catalog one of a version that kept no record. */
async function forget(backend: Backend): Promise<void> {
  await backend.moveRef({ name: "lake", expected: await backend.getRef("lake"), next: undefined }, []);
  expect(await backend.getRef("lake")).toBeUndefined();
}

describe("a lake that an earlier version made", () => {
  test("and that was moved is found by its entries, and knows from then on where it was", async () => {
    const catalog = await openCatalog({
      backend: join(folder, "a/catalog.db"),
      store: storeAt("a/warehouse"),
    });
    await make(catalog);
    await catalog.close();
    const backend = new SqliteBackend(join(folder, "a/catalog.db"));
    await forget(backend);
    await backend.close();
    for (const [from, to] of [
      ["a", "b"],
      ["b", "c"],
    ] as const) {
      await rename(join(folder, from), join(folder, to));
      const moved = await openCatalog({
        backend: join(folder, to, "catalog.db"),
        store: storeAt(`${to}/warehouse`),
      });
      expect(await reachable(moved)).toBe(2);
      expect(moved.store.root).toBe(storeAt("a/warehouse").root);
      await ((await moved.loadTable("ns.t")) as Table).update([]);
      await moved.close();
    }
  });

  test("and that stayed where it is opens as ever", async () => {
    const backend = join(folder, "a/catalog.db");
    const catalog = await openCatalog({ backend, store: storeAt("a/warehouse") });
    await make(catalog);
    await catalog.close();
    const raw = new SqliteBackend(backend);
    await forget(raw);
    await raw.close();
    const again = await openCatalog({ backend, store: storeAt("a/warehouse") });
    expect(await reachable(again)).toBe(2);
    expect(again.store.root).toBe(storeAt("a/warehouse").root);
    await again.close();
  });
});

describe("a catalog that is kept elsewhere than its tables", () => {
  const backend = () => join(folder, "catalogs/one.db");

  test("does not guess when the tables are not where they were; relocation takes them over in one step", async () => {
    const before = await openCatalog({ backend: backend(), store: storeAt("a") });
    await make(before);
    await before.close();
    await rename(join(folder, "a"), join(folder, "b"));
    const moved = await openCatalog({ backend: backend(), store: storeAt("b") });
    const failure = reachable(moved);
    await expect(failure).rejects.toMatchObject({ code: "LAKE_MOVED" });
    await expect(failure).rejects.toThrow("slh lake relocate");
    await moved.close();
    const raw = new SqliteBackend(backend());
    const report = await relocateLake({ backend: raw, store: storeAt("b") });
    expect(report).toMatchObject({ from: storeAt("a").root, to: storeAt("b").root });
    await raw.close();
    const after = await openCatalog({ backend: backend(), store: storeAt("b") });
    expect(await reachable(after)).toBe(2);
    await after.close();
    // Whoever still goes to the old place is told, and reads nothing else.
    const old = await openCatalog({ backend: backend(), store: storeAt("a") });
    await expect(reachable(old)).rejects.toMatchObject({ code: "LAKE_MOVED" });
    await old.close();
  });

  test("that was copied alone deletes nothing of the files that it shares, until it is their owner", async () => {
    const original = await openCatalog({ backend: backend(), store: storeAt("a") });
    await make(original);
    await original.close();
    await cp(join(folder, "catalogs"), join(folder, "copies"), { recursive: true });
    const copied = join(folder, "copies/one.db");
    const copy = await openCatalog({ backend: copied, store: storeAt("a") });
    expect(await reachable(copy)).toBe(2);
    // All but what the store needs for itself.
    const filesThere = async () =>
      (await readdir(join(folder, "a"), { recursive: true })).filter((file) => !file.startsWith(".")).sort();
    const files = await filesThere();
    await expect(copy.dropTable("ns.t", { purge: true })).rejects.toMatchObject({ code: "LAKE_MOVED" });
    await expect(copy.collectGarbage({ gracePeriodMs: 0 })).rejects.toMatchObject({ code: "LAKE_MOVED" });
    await copy.collectGarbage({ gracePeriodMs: 0, dryRun: true });
    expect(await filesThere()).toEqual(files);
    await copy.close();
    const raw = new SqliteBackend(copied);
    expect((await relocateLake({ backend: raw, store: storeAt("a") })).files).toBe(0);
    await raw.close();
    const owner = await openCatalog({ backend: copied, store: storeAt("a") });
    await owner.dropTable("ns.t", { purge: true });
    await owner.close();
  });
});

describe("relocation", () => {
  const open = (at: string) =>
    openCatalog({ backend: join(folder, at, "catalog.db"), store: storeAt(`${at}/warehouse`) });
  const relocate = async (at: string, moveRef?: (backend: Backend) => Backend["moveRef"]) => {
    const raw = new SqliteBackend(join(folder, at, "catalog.db"));
    const { place } = raw;
    const backend = moveRef ? { ...withOverrides(raw, { moveRef: moveRef(raw) }), place } : raw;
    try {
      return await relocateLake({ backend, store: storeAt(`${at}/warehouse`) });
    } finally {
      await raw.close();
    }
  };
  const isWhole = async (at: string) => {
    const catalog = await open(at);
    expect(await reachable(catalog)).toBe(2);
    await catalog.close();
  };
  const gone = () => new LakehouseError("STORAGE_FAILED", "catalog", "No answer.");
  beforeEach(async () => {
    const catalog = await open("a");
    await make(catalog);
    await catalog.createTable("ns.neighbour", { schema });
    await catalog.close();
    await rename(join(folder, "a"), join(folder, "b"));
  });

  test("finds a table again whose entry was written anew between two relocations", async () => {
    await relocate("b");
    const catalog = await open("b");
    await ((await catalog.loadTable("ns.neighbour")) as Table).append([{ id: 3n }]);
    await catalog.close();
    for (const [from, to] of [
      ["b", "c"],
      ["c", "d"],
    ] as const) {
      await rename(join(folder, from), join(folder, to));
      await relocate(to);
      await isWhole(to);
    }
  });

  test("keeps what it wrote when the answer of the one step is lost", async () => {
    const report = await relocate("b", (backend) => async (move, objects) => {
      const moved = await backend.moveRef(move, objects);
      if (move.name === "lake") throw gone();
      return moved;
    });
    expect(report.metadataFiles).toBeGreaterThan(0);
    await isWhole("b");
  });

  test("keeps what it wrote when the catalog fails after the one step", async () => {
    let isGone = false;
    await relocate("b"); // an earlier one, whose locations are to go
    await rename(join(folder, "b"), join(folder, "c"));
    const failure = relocate("c", (backend) => async (move, objects) => {
      if (isGone) throw gone();
      const moved = await backend.moveRef(move, objects);
      isGone = move.name === "lake";
      return moved;
    });
    await expect(failure).rejects.toThrow("was relocated to");
    await isWhole("c");
    await relocate("c");
    await isWhole("c");
  });

  test("keeps what it wrote when nobody knows whether the one step was made", async () => {
    let isGone = false;
    const raw = new SqliteBackend(join(folder, "b/catalog.db"));
    const backend = withOverrides(raw, {
      getRef: async (name) => (isGone ? Promise.reject(gone()) : raw.getRef(name)),
      moveRef: async (move, objects) => {
        const moved = await raw.moveRef(move, objects);
        isGone = move.name === "lake";
        return isGone ? Promise.reject(gone()) : moved;
      },
    });
    const { place } = raw;
    await expect(
      relocateLake({ backend: { ...backend, place }, store: storeAt("b/warehouse") }),
    ).rejects.toMatchObject({ code: "COMMIT_STATE_UNKNOWN" });
    await raw.close();
    await isWhole("b");
    expect((await relocate("b")).files).toBe(0);
  });

  test("is told to whoever had the lake open: nothing is committed or collected any more", async () => {
    const stale = await open("b");
    expect(await reachable(stale)).toBe(2);
    const table = (await stale.loadTable("ns.t")) as Table;
    await relocate("b");
    await sleep(5);
    const told = { code: "LAKE_MOVED" };
    await expect(stale.collectGarbage({ gracePeriodMs: 0 })).rejects.toMatchObject(told);
    await expect(table.append([{ id: 4n }])).rejects.toMatchObject(told);
    await expect(stale.loadTable("ns.t")).rejects.toMatchObject(told);
    await expect(stale.createBranch("b", { from: "main" })).rejects.toMatchObject(told);
    await expect(stale.versions.createReference("BRANCH", "b", BEGINNING)).rejects.toMatchObject(told);
    await expect(stale.dropTable("ns.t", { purge: true })).rejects.toMatchObject(told);
    await stale.close();
    await isWhole("b");
    const fresh = await open("b");
    await fresh.collectGarbage({ gracePeriodMs: 0 });
    await ((await fresh.loadTable("ns.neighbour")) as Table).append([{ id: 4n }]);
    await fresh.close();
    await isWhole("b");
  });

  test("and a collection at the same time: one of them makes way", async () => {
    const raw = new SqliteBackend(join(folder, "b/catalog.db"));
    // The relocation is about to make its one step, with all that it wrote old enough to be collected.
    let collected: unknown;
    const report = await relocate("b", (backend) => async (move, objects) => {
      if (move.name === "lake" && collected === undefined) {
        await sleep(5);
        const collector = await open("b");
        collected = await collector.collectGarbage({ gracePeriodMs: 0 });
        await collector.close();
      }
      return backend.moveRef(move, objects);
    });
    expect(collected).toMatchObject({ dryRun: false });
    expect(report.metadataFiles).toBeGreaterThan(0);
    await isWhole("b");
    // A collection has made its list, when the relocation makes its one step.
    const collector = await openCatalog({
      backend: {
        ...withOverrides(raw, {
          moveRef: async (move, objects) => {
            if (move.name === "sweep" && move.next?.includes("CONDEMNED")) await moveOn();
            return raw.moveRef(move, objects);
          },
        }),
        place: raw.place as string,
      },
      store: storeAt("b/warehouse"),
    });
    const moveOn = async () => {
      const record = JSON.parse((await raw.getRef("lake")) as string).record;
      await writeLakeRecord(raw, await raw.getRef("lake"), {
        ...record,
        relocations: record.relocations + 1,
      });
    };
    await expect(collector.collectGarbage({ gracePeriodMs: 0 })).rejects.toMatchObject({
      code: "LAKE_MOVED",
    });
    await collector.close();
    await isWhole("b");
  });

  test("refuses a place where the files are not, or not all of them, and changes nothing", async () => {
    const away = storeAt("elsewhere");
    const raw = new SqliteBackend(join(folder, "b/catalog.db"));
    await expect(relocateLake({ backend: raw, store: away })).rejects.toMatchObject({
      code: "OBJECT_NOT_FOUND",
    });
    await cp(join(folder, "b/warehouse"), join(folder, "elsewhere"), { recursive: true });
    const files = await readdir(join(folder, "elsewhere"), { recursive: true });
    const list = files.find((file) => /snap-.*\.avro$/.test(file)) as string;
    await rename(join(folder, "elsewhere", list), join(folder, "late.avro"));
    await expect(relocateLake({ backend: raw, store: away })).rejects.toMatchObject({
      code: "OBJECT_NOT_FOUND",
    });
    await isWhole("b");
    await rename(join(folder, "late.avro"), join(folder, "elsewhere", list));
    await relocateLake({ backend: raw, store: away });
    const moved = await openCatalog({ backend: raw, store: away });
    expect(await reachable(moved)).toBe(2);
    await moved.close();
  });
});

test("a lake in a bucket, catalog and all, is found at another prefix", async () => {
  const gateway = await serveS3(storeAt("s3"));
  const at = (prefix: string) => {
    const store = new S3Store(`s3://${gateway.bucket}/${prefix}`, gateway);
    return { store, backend: new ObjectStoreBackend(store, `${store.root}/catalog`) };
  };
  try {
    const warehouse = (prefix: string) => `s3://${gateway.bucket}/${prefix}/warehouse`;
    const original = await openCatalog({ ...at("one"), warehouse: warehouse("one") });
    await make(original);
    await original.close();
    await cp(join(folder, "s3/one"), join(folder, "s3/two"), { recursive: true });
    await rm(join(folder, "s3/one"), { recursive: true });
    const copy = await openCatalog({ ...at("two"), warehouse: warehouse("two") });
    expect(await reachable(copy)).toBe(2);
    await ((await copy.loadTable("ns.t")) as Table).append([{ id: 3n }]);
    await copy.createTable("ns.u", { schema });
    expect(await reachable(copy)).toBe(3);
    await copy.close();
    await relocateLake(at("two"));
    const relocated = await openCatalog({ ...at("two"), warehouse: warehouse("two") });
    expect(await reachable(relocated)).toBe(3);
    expect((await relocated.loadTable("ns.u")).location.startsWith(warehouse("two"))).toBe(true);
    await relocated.close();
    expect(await readdir(join(folder, "s3"))).not.toContain("one");
  } finally {
    await gateway.stop();
  }
});

test("a place is the same one by a symbolic link, and a file URI by a path", () => {
  const backend = new SqliteBackend(join(folder, "c.db"));
  expect(backend.place).toBe(fileUri(join(folder, "c.db")));
  return backend.close();
});
