import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ConflictError,
  defineSchema,
  int,
  type Lakehouse,
  openLakehouse,
  openLakehouseCatalog,
  string,
} from "sololakehouse";
import { openCatalog, openRestCatalog, serveRestCatalog } from "sololakehouse/catalog";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const schema = defineSchema({ delay: int(), origin: string() });
const rows = (...delays: number[]) => delays.map((delay) => ({ delay, origin: "ATL" }));

let root: string;
let lake: Lakehouse;
let stop: () => Promise<void>;

/** A lakehouse whose catalog is embedded, or behind Nessie's API on a server of ours. */
async function begin(kind: "embedded" | "nessie"): Promise<void> {
  root = await mkdtemp(join(tmpdir(), "branches-"));
  stop = async () => rm(root, { recursive: true, force: true });
  let catalog: string | undefined;
  if (kind === "nessie") {
    const served = await openLakehouseCatalog({ root, profile: "embedded" });
    const server = await serveRestCatalog({ ...served, port: 0 });
    catalog = `nessie:${server.uri}/api/v2`;
    stop = async () => {
      await server.close();
      await served.catalog.close();
      await rm(root, { recursive: true, force: true });
    };
  }
  lake = await openLakehouse({ root, profile: "embedded", catalog });
  await (await lake.createTable("flights.silver", { schema })).append(rows(1, 2));
}
afterEach(async () => {
  await lake.close();
  await stop();
});

const append = async (on: Lakehouse, ...delays: number[]) =>
  (await on.table<{ delay: number; origin: string }>("flights.silver")).append(rows(...delays));
const delays = async (from: string, on = lake) =>
  (await (await on.sql(`select delay from ${from} order by 1`)).rows()).map(({ delay }) => delay);
const messages = async (on: Lakehouse) => (await on.commits()).map(({ message }) => message);

describe.each(["embedded", "nessie"] as const)("branches in the hand, %s", (kind) => {
  beforeEach(() => begin(kind));

  test("keep work apart until it is merged", async () => {
    const etl = await lake.branch("etl");
    expect(etl.ref).toBe("etl");
    await append(etl, 3);
    await etl.createTable("flights.gold", { schema });
    expect(await delays("flights.silver")).toEqual([1, 2]);
    expect(await delays("flights.silver", etl)).toEqual([1, 2, 3]);
    expect((await lake.tables()).map(({ name }) => name)).toEqual(["silver"]);
    expect((await etl.tables()).map(({ name }) => name)).toEqual(["gold", "silver"]);

    const merged = await lake.merge("etl", { into: "main" });
    expect(merged).toMatchObject({ applied: true, after: await lake.hash() });
    expect(await delays("flights.silver")).toEqual([1, 2, 3]);
    expect((await lake.commits())[0]?.parents).toEqual([merged.before, await etl.hash()]);
    await lake.deleteRef("etl");
    expect((await lake.refs()).map(({ name }) => name)).toEqual(["main"]);
  });

  test("are read by name in SQL: branches, tags, commits, and several in one query", async () => {
    await lake.tag("v1");
    const etl = await lake.branch("etl");
    await append(etl, 3);
    const hash = await etl.hash();
    for (const name of ["flights.silver@etl", `flights.silver@"@${hash}"`, `flights.silver@"etl@${hash}"`]) {
      expect(await delays(name)).toEqual([1, 2, 3]);
    }
    expect(await delays('flights.silver@"etl~1"')).toEqual([1, 2]);
    expect(await delays("flights.silver@v1", etl)).toEqual([1, 2]);
    const both =
      "select count(*)::int as n from flights.silver@etl e anti join flights.silver@main m using (delay)";
    expect(await (await etl.sql(both)).rows()).toEqual([{ n: 1 }]);
    await expect(lake.sql("from flights.silver@elt")).rejects.toMatchObject({
      code: "NO_SUCH_REF",
      message: expect.stringContaining("Did you mean etl?"),
    });
  });

  test("show what differs, table by table, renames included", async () => {
    await lake.createTable("flights.old", { schema });
    const etl = await lake.branch("etl");
    await append(etl, 3);
    await append(etl, 4, 5);
    await (await etl.createTable("flights.gold", { schema })).append(rows(9));
    await etl.catalog.renameTable("flights.old", "flights.older");
    expect(await lake.diff("main", "etl")).toMatchObject([
      { name: "flights.gold", change: "added", type: "ICEBERG_TABLE", after: { rows: 1n, files: 1n } },
      { name: "flights.older", change: "renamed", renamedFrom: "flights.old", before: { rows: 0n } },
      {
        name: "flights.silver",
        change: "changed",
        before: { rows: 2n, files: 1n },
        after: { rows: 5n, files: 3n },
      },
    ]);
    const [, , silver] = await lake.diff("main", "etl");
    expect(silver?.after?.snapshots).toHaveLength(3);
    expect(silver?.after?.snapshots[0]).toEqual(silver?.before?.snapshots[0]);
    // Without a second ref: to where the lakehouse is.
    expect(await etl.diff("main")).toEqual(await lake.diff("main", "etl"));
    const back = await etl.diff("etl", "main");
    expect(back.map(({ name, change }) => [name, change])).toEqual([
      ["flights.gold", "removed"],
      ["flights.old", "renamed"],
      ["flights.silver", "changed"],
    ]);
    expect(await lake.diff("etl", "etl")).toEqual([]);
  });

  test("conflict where both changed one table and one did not append, say so before and at the merge, and merge as told", async () => {
    const etl = await lake.branch("etl");
    await append(etl, 3);
    await (await lake.table("flights.silver")).truncate();
    const dry = await lake.merge("etl", { dryRun: true });
    expect(dry.applied).toBe(false);
    expect(dry.keys).toMatchObject([{ key: ["flights", "silver"], conflict: { type: "VALUE_DIFFERS" } }]);
    const before = await lake.hash();
    const refused = await lake.merge("etl").catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ConflictError);
    expect(refused).toMatchObject({ code: "COMMIT_CONFLICT", conflicts: [{ type: "VALUE_DIFFERS" }] });
    expect(await lake.hash()).toBe(before);
    const key = ["flights", "silver"];
    await lake.merge("etl", { behaviors: [{ key, behavior: "FORCE" }] });
    expect(await delays("flights.silver")).toEqual([1, 2, 3]);
  });

  test("merge where both only appended to one table, once", async () => {
    const etl = await lake.branch("etl");
    await append(etl, 3);
    await append(lake, 4);
    expect((await lake.merge("etl", { dryRun: true })).keys).toMatchObject([{ key: ["flights", "silver"] }]);
    await lake.merge("etl");
    expect((await lake.merge("etl")).applied).toBe(false);
    expect(await delays("flights.silver")).toEqual([1, 2, 3, 4]);
    expect(await delays("flights.silver", etl)).toEqual([1, 2, 3]);
  });

  test("take single commits from elsewhere, undo them, and roll back", async () => {
    const etl = await lake.branch("etl");
    await etl.createTable("flights.wanted", { schema });
    const wanted = await etl.hash();
    await etl.createTable("flights.unwanted", { schema });
    await lake.transplant(`@${wanted}`);
    expect((await lake.tables()).map(({ name }) => name)).toEqual(["silver", "wanted"]);
    expect((await messages(lake))[0]).toBe((await etl.commits({ limit: 2 }))[1]?.message);
    await lake.revert("main");
    expect((await lake.tables()).map(({ name }) => name)).toEqual(["silver"]);
    expect((await messages(lake))[0]).toMatch(/^Revert "/);
    const reverted = await lake.hash();
    await lake.rollback("main~1");
    expect((await lake.tables()).map(({ name }) => name)).toEqual(["silver", "wanted"]);
    expect(await lake.hash()).not.toBe(reverted);
    await expect(lake.rollback("etl")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("show their history over all parents, no commit before its children", async () => {
    const etl = await lake.branch("etl");
    await etl.createTable("flights.gold", { schema });
    await lake.createTable("flights.other", { schema });
    await lake.merge("etl");
    await etl.createTable("flights.late", { schema });
    await lake.tag("v1", { from: "main~1" });
    const history = await lake.history();
    const position = new Map(history.map(({ hash }, index) => [hash, index]));
    expect(position.size).toBe(history.length);
    expect(history).toHaveLength(3 + 4);
    for (const { hash, parents } of history) {
      for (const parent of parents) {
        expect(position.get(parent) ?? history.length).toBeGreaterThan(position.get(hash) as number);
      }
    }
    expect(await lake.history({ limit: 3 })).toEqual(history.slice(0, 3));
    const ofMain = await lake.history({ refs: ["main"] });
    expect(ofMain.map(({ hash }) => hash)).not.toContain(await etl.hash());
    expect(ofMain).toHaveLength(6);
  });

  test("can only be read at a tag or an older commit", async () => {
    const v1 = await lake.tag("v1");
    await expect(v1.createTable("flights.more", { schema })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await expect(append(lake.on("main~1"), 1)).rejects.toMatchObject({ code: expect.any(String) });
    expect(await delays("flights.silver", v1)).toEqual([1, 2]);
  });
});

describe("a lakehouse on a Nessie server", () => {
  test("leaves to the server what only the server can do", async () => {
    await begin("nessie");
    for (const asked of [lake.reflog(), lake.gc()])
      await expect(asked).rejects.toMatchObject({ code: "UNSUPPORTED_FEATURE" });
  });
});

describe("a lakehouse on its own catalog", () => {
  beforeEach(() => begin("embedded"));

  test("knows where a branch has been", async () => {
    const before = await lake.hash();
    await lake.rollback("main~1");
    const [moved] = await lake.reflog();
    expect(moved).toMatchObject({ operation: "ASSIGN", from: before, to: await lake.hash() });
  });

  test("collect their garbage, and a view does not close the lakehouse", async () => {
    const etl = await lake.branch("etl");
    const table = await etl.createTable("flights.gold", { schema });
    await lake.deleteRef("etl");
    await etl.close();
    expect(await lake.gc()).toMatchObject({ commits: [], files: [] });
    await new Promise((passed) => setTimeout(passed, 5));
    const report = await lake.gc({ gracePeriodMs: 0, dryRun: true });
    expect(report.files).toEqual([table.metadataLocation]);
    expect(report.commits).toHaveLength(1);
  });
});

describe("a lakehouse on a catalog of the caller's", () => {
  beforeEach(() => begin("embedded"));

  test("works on it and closes it", async () => {
    const { store } = lake;
    const catalog = await openCatalog({ backend: join(root, "other.db"), store, author: "ada" });
    const other = await openLakehouse({ root, profile: "embedded", catalog });
    await other.createTable("ns.t", { schema });
    expect((await other.commits())[0]?.authors).toEqual(["ada"]);
    expect((await lake.tables()).map(({ name }) => name)).toEqual(["silver"]);
    expect((await other.health()).every(({ ok }) => ok)).toBe(true);
    await other.close();
    await expect(catalog.listNamespaces()).rejects.toThrow();
  });

  test("has tables and SQL over the Iceberg REST protocol, and says that branches are elsewhere", async () => {
    const served = await openLakehouseCatalog({ root, profile: "embedded" });
    await served.catalog.createBranch("etl");
    const server = await serveRestCatalog({ ...served, port: 0 });
    const catalog = await openRestCatalog({ uri: `${server.uri}/iceberg/etl`, store: served.store });
    const remote = await openLakehouse({ root, profile: "embedded", catalog });
    try {
      await append(remote, 3);
      expect(await delays("flights.silver", remote)).toEqual([1, 2, 3]);
      expect(await delays("flights.silver")).toEqual([1, 2]);
      expect((await remote.health()).map(({ part, ok }) => [part, ok])).toContainEqual(["catalog", true]);
      const refused = expect.objectContaining({ code: "UNSUPPORTED_FEATURE" });
      await expect(remote.branch("x")).rejects.toEqual(refused);
      await expect(remote.commits()).rejects.toEqual(refused);
      await expect(remote.sql("from flights.silver@main")).rejects.toEqual(refused);
      expect(() => remote.on("main")).toThrow(refused);
    } finally {
      await remote.close();
      await server.close();
      await served.catalog.close();
    }
  });
});
