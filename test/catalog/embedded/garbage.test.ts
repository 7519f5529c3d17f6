import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type BranchingCatalog, type GcOptions, openCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { SqliteBackend } from "../../../lib/lakehouse/catalog/store/backends/sqlite-backend.js";
import { findReachable } from "../../../lib/lakehouse/catalog/store/reachability.js";
import { toObject } from "../../../lib/lakehouse/catalog/store/stored-object.js";
import { finishSweep, sweep } from "../../../lib/lakehouse/catalog/store/sweep.js";
import { VersionStore } from "../../../lib/lakehouse/catalog/store/version-store.js";
import { LakehouseError } from "../../../lib/lakehouse/errors.js";
import type { Table } from "../../../lib/lakehouse/iceberg/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { runs } from "../../support/runs.js";
import { collect, put, records, schema, table, withOverrides } from "../support/contents.js";

describe("garbage collection", () => {
  let directory: string;
  let catalog: BranchingCatalog;
  let main: Table;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "garbage-"));
    const store = new LocalStore(join(directory, "warehouse"));
    catalog = await openCatalog({ backend: join(directory, "catalog.db"), store });
    await catalog.createNamespace("ns");
    main = await append(await catalog.createTable("ns.t", { schema }), 1);
  });
  afterEach(async () => {
    await catalog.close();
    await rm(directory, { recursive: true, force: true });
  });

  const append = (to: Table, id: number) => to.append(records(id));
  const files = async () => (await collect(main.store.list(main.store.root))).map(({ uri }) => uri);
  /** Collects with everything older than this moment. */
  const collectAll = async (options: GcOptions = {}) => {
    await sleep(5);
    return catalog.collectGarbage({ gracePeriodMs: 0, ...options });
  };

  test.each([Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY])(
    "finds nothing old enough for a grace period of %d",
    async (gracePeriodMs) => {
      // What a commit under way has put, to which no ref leads yet.
      const backend = new SqliteBackend(join(directory, "catalog.db"));
      await backend.put([toObject({ kind: "leftover" })]);
      await backend.close();
      expect(await collectAll({ gracePeriodMs, dryRun: true })).toMatchObject({
        commits: [],
        files: [],
        objects: 0,
      });
    },
  );

  test.each([-1, Number.NaN])("deletes nothing for %d as the grace period", async (gracePeriodMs) => {
    await append(await catalog.on((await catalog.createBranch("etl")).name).loadTable("ns.t"), 2);
    await catalog.deleteReference("etl");
    const before = await files();
    await expect(collectAll({ gracePeriodMs })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(await files()).toEqual(before);
  });

  test("shows what would go where nothing can be written", async () => {
    await append(await catalog.on((await catalog.createBranch("etl")).name).loadTable("ns.t"), 2);
    await catalog.deleteReference("etl");
    const { store } = main;
    const refused = new LakehouseError("STORAGE_FAILED", store.root, "Read-only.");
    vi.spyOn(store, "put").mockRejectedValue(refused);
    expect((await collectAll({ dryRun: true })).files).not.toEqual([]);
    await expect(collectAll()).rejects.toBe(refused);
  });

  test("takes the commits of a deleted branch and the files that only they refer to", async () => {
    const before = await files();
    await catalog.createBranch("etl");
    const etl = await append(await append(await catalog.on("etl").loadTable("ns.t"), 2), 3);
    await catalog.on("etl").createTable("ns.only-here", { schema });
    const all = await files();
    expect((await collectAll()).commits).toEqual([]);
    await catalog.deleteReference("etl");

    const dry = await collectAll({ dryRun: true });
    expect(await files()).toEqual(all);
    const report = await collectAll();
    expect(report).toEqual({ ...dry, dryRun: false });
    expect(report.commits).toHaveLength(3);
    expect([...report.files].sort()).toEqual(all.filter((file) => !before.includes(file)).sort());
    expect(await files()).toEqual(before);
    expect(await main.store.head(etl.metadataLocation)).toBeUndefined();

    expect(await collectAll()).toMatchObject({ commits: [], objects: 0, files: [] });
    expect(Number((await append(main, 4)).currentSnapshot?.summary?.["total-records"])).toBe(2);
  });

  test("keeps what a tag, a merge or another branch still refers to", async () => {
    await catalog.createBranch("etl");
    await append(await catalog.on("etl").loadTable("ns.t"), 2);
    await catalog.createTag("v1", { from: "etl" });
    await catalog.deleteReference("etl");
    expect(await collectAll()).toMatchObject({ commits: [], files: [] });
    await catalog.merge("v1");
    await catalog.deleteReference("v1");
    const all = await files();
    expect(await collectAll()).toMatchObject({ commits: [], files: [] });
    expect(await files()).toEqual(all);
    expect(Number((await catalog.loadTable("ns.t")).currentSnapshot?.summary?.["total-records"])).toBe(2);
  });

  test("leaves what is younger than the grace period, so that a mistake can be undone", async () => {
    await append(main, 2);
    await catalog.createBranch("etl");
    const lost = (await append(await catalog.on("etl").loadTable("ns.t"), 3)).metadataLocation;
    await catalog.deleteReference("etl");
    await catalog.rollback("main~1");
    expect(await catalog.collectGarbage()).toMatchObject({ commits: [], objects: 0, files: [] });
    const [deleted] = await catalog.reflog("etl");
    await catalog.createBranch("etl", { from: `@${deleted?.from}` });
    expect((await catalog.on("etl").loadTable("ns.t")).metadataLocation).toBe(lost);
    const report = await collectAll();
    expect(report.files).toEqual([]);
    await catalog.deleteReference("etl");
    const stale = await openCatalog({ backend: join(directory, "catalog.db"), store: main.store });
    const dead = await stale.commitAt(`@${deleted?.from}`);
    expect((await collectAll()).commits).toHaveLength(2);
    await expect(stale.createBranch("etl", { from: `@${dead.hash}` })).rejects.toMatchObject({
      code: "NO_SUCH_REF",
    });
    await stale.close();
    expect(await catalog.reflog("etl")).toEqual([]);
    expect((await catalog.reflog("main")).map(({ operation }) => operation)).toEqual(["ASSIGN"]);
    expect(
      Number((await append(await catalog.loadTable("ns.t"), 4)).currentSnapshot?.summary?.["total-records"]),
    ).toBe(2);
  });

  test("keeps files that a table registered twice shares", async () => {
    await catalog.registerTable("ns.copy", main.metadataLocation);
    await catalog.createBranch("etl");
    const more = await append(await catalog.on("etl").loadTable("ns.t"), 2);
    await catalog.registerTable("ns.second", more.metadataLocation);
    await catalog.deleteReference("etl");
    const report = await collectAll();
    expect(report.commits).toHaveLength(1);
    expect(report.files).toEqual([]);
    expect(Number((await catalog.loadTable("ns.second")).currentSnapshot?.summary?.["total-records"])).toBe(
      2,
    );
  });

  test("keeps files that a table elsewhere has adopted from one of a deleted branch", async () => {
    const etl = catalog.on((await catalog.createBranch("etl")).name);
    await etl.createNamespace("other");
    const given = await append(await etl.createTable("other.given", { schema }), 7);
    const { tasks } = await given.scan().planAll();
    await main.addFiles(tasks.map(({ dataFile }) => dataFile.filePath));
    await catalog.deleteReference("etl");
    expect((await collectAll()).commits).not.toEqual([]);
    const left = await files();
    for (const { dataFile } of tasks) expect(left).toContain(dataFile.filePath);
    expect(left.some((file) => file.startsWith(given.location) && file.endsWith(".metadata.json"))).toBe(
      false,
    );
  });

  test("keeps a file that a live table names by another spelling of its URI", async () => {
    await catalog.createBranch("etl");
    const more = await append(await catalog.on("etl").loadTable("ns.t"), 2);
    await catalog.registerTable("ns.second", more.metadataLocation.replace("file:///", "file:/"));
    await catalog.deleteReference("etl");
    expect((await collectAll()).files).toEqual([]);
    const second = await catalog.loadTable("ns.second");
    expect(Number(second.currentSnapshot?.summary?.["total-records"])).toBe(2);
    expect(await main.store.head(more.metadataLocation)).toBeDefined();
  });

  describe("while others are at work", () => {
    /** The same catalog in another process's place, and a collector whose store runs `work` when it is used. */
    const besides = async (on: "read" | "delete", work: (other: BranchingCatalog) => Promise<unknown>) => {
      const backend = join(directory, "catalog.db");
      const other = await openCatalog({ backend, store: main.store });
      class Interrupted extends LocalStore {
        override async read(...args: Parameters<LocalStore["read"]>) {
          if (on === "read") await work(other);
          return super.read(...args);
        }
        override async delete(uris: readonly string[]) {
          if (on === "delete" && uris.some((uri) => uri.endsWith(".parquet"))) await work(other);
          return super.delete(uris);
        }
      }
      const store = new Interrupted(join(directory, "warehouse"));
      const collector = await openCatalog({ backend, store });
      await sleep(5);
      const collected = await collector.collectGarbage({ gracePeriodMs: 0 }).catch((error: unknown) => error);
      await Promise.all([other.close(), collector.close()]);
      return collected;
    };
    const once = (work: (other: BranchingCatalog) => Promise<unknown>) => {
      let first: Promise<unknown> | undefined;
      return (other: BranchingCatalog) => {
        first ??= work(other);
        return first;
      };
    };
    /** A branch with one append that is no branch any more: the hash where it was. */
    const lose = async (name: string, id: number): Promise<string> => {
      await catalog.createBranch(name);
      await append(await catalog.on(name).loadTable("ns.t"), id);
      return (await catalog.deleteReference(name)).hash;
    };
    const rows = async (ref: string) => {
      const table = await catalog.on(ref).loadTable("ns.t");
      // Every file that the table leads to is there.
      for (const { dataFile } of (await table.scan().planAll()).tasks)
        expect(await main.store.head(dataFile.filePath)).toBeDefined();
      return Number(table.currentSnapshot?.summary?.["total-records"]);
    };

    test("spares what a branch made at a dead hash leads to", async () => {
      const lost = await lose("etl", 2);
      const report = await besides(
        "read",
        once((other) => other.createBranch("back", { from: `@${lost}` })),
      );
      expect(report).toMatchObject({ commits: [], files: [] });
      expect(await rows("back")).toBe(2);
    });

    test.each(["merge", "transplant"] as const)("spares what a %s of a dead commit leads to", async (how) => {
      const lost = await lose("etl", 2);
      const report = await besides(
        "read",
        once((other) => other[how](`@${lost}`)),
      );
      expect(report).toMatchObject({ files: [] });
      expect(await rows("main")).toBe(2);
    });

    test("gives up, and deletes nothing, when the dead come back as often as it looks", async () => {
      const lost = [await lose("a", 2), await lose("b", 3), await lose("c", 4)];
      const before = await files();
      const backend = new SqliteBackend(join(directory, "catalog.db"));
      const moveRef: SqliteBackend["moveRef"] = async (move, objects) => {
        const next = move.next?.includes("CONDEMNED") && lost.pop();
        if (next) await catalog.createBranch(`back-${next.slice(0, 4)}`, { from: `@${next}` });
        return backend.moveRef(move, objects);
      };
      const collector = await openCatalog({
        backend: withOverrides(backend, { moveRef }),
        store: main.store,
      });
      await sleep(5);
      const report = await collector.collectGarbage({ gracePeriodMs: 0 }).catch((error: unknown) => error);
      await collector.close();
      expect(report).toMatchObject({ code: "REF_CONFLICT" });
      expect(await files()).toEqual(before);
      for (const { name } of await catalog.references()) expect(await rows(name)).toBeLessThanOrEqual(2);
    });

    test("a branch at a dead commit is not made while the files go, and others are", async () => {
      const lost = await lose("etl", 2);
      const outcomes: string[] = [];
      const attempt = async (work: Promise<unknown>) =>
        outcomes.push(
          await work.then(
            () => "made",
            (error: { code: string }) => error.code,
          ),
        );
      const report = await besides("delete", async (other) => {
        await attempt(other.createBranch("late", { from: `@${lost}` }));
        await attempt(other.assignReference("main", `@${lost}`));
        await attempt(other.createBranch("fine", { from: "main~1" }));
        await attempt(other.rollback("main~1"));
      });
      expect(outcomes).toEqual(["REF_CONFLICT", "REF_CONFLICT", "made", "made"]);
      expect(report).toMatchObject({ commits: [lost] });
      expect((await catalog.references()).map(({ name }) => name)).toEqual(["fine", "main"]);
      await expect(catalog.createBranch("late", { from: `@${lost}` })).rejects.toMatchObject({
        code: "NO_SUCH_REF",
      });
      expect((await catalog.loadTable("ns.t")).metadata.snapshots).toHaveLength(0);
    });
  });

  test("is not stopped by a table that was purged, of which history and a dead branch still know", async () => {
    await append(main, 2);
    await catalog.createBranch("etl");
    await append(await catalog.on("etl").loadTable("ns.t"), 3);
    await catalog.on("etl").dropTable("ns.t");
    await catalog.dropTable("ns.t", { purge: true });
    await catalog.deleteReference("etl");
    const other = await append(await catalog.createTable("ns.other", { schema }), 1);
    const orphan = `${other.location}/data/orphan.parquet`;
    await main.store.put(orphan, new Uint8Array(4));
    const report = await collectAll();
    expect(report.commits).toHaveLength(2);
    expect(report.files).toEqual([orphan]);
    expect(await collectAll()).toMatchObject({ commits: [], files: [] });
    expect(await files()).toContain(other.metadataLocation);
  });

  test("is not stopped by files that are gone already", async () => {
    await catalog.createBranch("etl");
    const etl = await append(await catalog.on("etl").loadTable("ns.t"), 2);
    await catalog.deleteReference("etl");
    await main.store.delete([etl.currentSnapshot?.manifestList as string]);
    const report = await collectAll();
    expect(report.files).toContain(etl.metadataLocation);
    expect(await main.store.head(etl.metadataLocation)).toBeUndefined();
  });
});

const noFiles = { delete: async () => {}, lead: async () => false };

test("after any history, collection leaves every ref whole and no garbage", async () => {
  const names = ["main", "a", "b", "c"];
  const step = fc.record({
    do: fc.constantFrom("commit", "commit", "commit", "branch", "delete", "merge", "assign", "collect"),
    ref: fc.constantFrom(...names),
    other: fc.constantFrom(...names),
    key: fc.nat(60),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      let now = 1_000;
      const backend = new SqliteBackend(":memory:");
      const store = new VersionStore(backend, { now: () => now++ });
      await store.ensureBranch("main");
      const collectNow = async () => {
        // The backend's own clock says when objects were put: everything is older than tomorrow.
        const state = await finishSweep(store.context, noFiles);
        const reachable = await findReachable(store.context, new Date(Date.now() + 86_400_000));
        expect(await sweep(store.context, state, reachable, [], noFiles)).toBe(true);
        return reachable;
      };
      let state = 0;
      for (const { do: action, ref, other, key } of steps) {
        const refs = (await store.references()).map(({ name }) => name);
        if (action === "branch" && refs.includes(other) && !refs.includes(ref)) {
          await store.createReference("BRANCH", ref, (await store.reference(other)).hash);
        }
        if (action === "collect") await collectNow();
        if (!refs.includes(ref)) continue;
        if (action === "commit")
          await store.commit(ref, [put([`t${key}`], table("t", ++state))], { message: "m" });
        if (action === "delete" && ref !== "main") await store.deleteReference(ref);
        // A branch that was just deleted is no source.
        if (!refs.includes(other) || action === "delete") continue;
        const source = (await store.resolve(other)).commit;
        if (action === "assign") await store.assignReference(ref, source.hash);
        if (action === "merge")
          await store.merge(ref, { commit: source, name: other }, { defaultBehavior: "FORCE" });
      }
      const read = async (from: VersionStore) => {
        const seen = [];
        for (const { name } of await from.references()) {
          const { commit } = await from.resolve(name);
          const log = await from.log(commit, { limit: 1000 });
          for (const past of log.items) seen.push([name, past.hash, await collect(from.entries(past))]);
        }
        return seen;
      };
      const before = await read(store);
      await collectNow();
      // A store that has nothing in its cache reads what is really there.
      expect(await read(new VersionStore(backend))).toEqual(before);
      expect((await collectNow()).dead).toEqual([]);
      await backend.close();
    }),
    { numRuns: runs(40) },
  );
});
