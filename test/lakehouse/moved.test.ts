import { cp, mkdir, mkdtemp, readdir, rename, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  defineSchema,
  eq,
  isLakehouseError,
  type Lakehouse,
  long,
  openLakehouse,
  relocateLakehouse,
  string,
  type Table,
  updateProperties,
} from "sololakehouse";
import { fileUri } from "sololakehouse/storage";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const schema = defineSchema({ k: long(), v: string() });
const rows = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ k: BigInt(from + i), v: `v${from + i}` }));

let folder: string;
let open: Lakehouse[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "moved-"));
  open = [];
});

afterEach(async () => {
  for (const lake of open) await lake.close();
  await rm(folder, { recursive: true, force: true });
});

async function openAt(name: string): Promise<Lakehouse> {
  const lake = await openLakehouse({ root: join(folder, name), profile: "embedded" });
  open.push(lake);
  return lake;
}

async function closed(lake: Lakehouse): Promise<void> {
  open.splice(open.indexOf(lake), 1);
  await lake.close();
}

async function keys(lake: Lakehouse, from = "s.t"): Promise<number[]> {
  const result = await lake.sql(`select k::int as k from ${from} order by k`);
  return (await result.rows()).map(({ k }) => k as number);
}

async function make(lake: Lakehouse, formatVersion: 2 | 3 = 2, name = "s.t"): Promise<Table> {
  const table = (await lake.createTable(name, { schema, formatVersion })) as unknown as Table;
  return table.append(rows(1, 6));
}

/** Every file below a folder, with its path. */
async function files(name: string): Promise<string[]> {
  const all = await readdir(join(folder, name), { recursive: true, withFileTypes: true });
  return all.flatMap((entry) => (entry.isFile() ? join(entry.parentPath, entry.name) : [])).sort();
}

const MERGE_ON_READ = { mode: "merge-on-read" } as const;

describe("a lake that was moved", () => {
  test.each([2, 3] as const)(
    "v%s: deletes from before and after apply, and all files lie where it lies",
    async (v) => {
      const before = await openAt("a");
      let table = await make(before, v);
      table = await table.deleteRows(eq("k", 1n), MERGE_ON_READ);
      await closed(before);
      await rename(join(folder, "a"), join(folder, "b"));

      const lake = await openAt("b");
      expect(await keys(lake)).toEqual([2, 3, 4, 5, 6]);
      const moved = await lake.table("s.t");
      await moved.deleteRows(eq("k", 2n), MERGE_ON_READ);
      await moved.append(rows(7, 8));
      await moved.deleteRows(eq("k", 7n), MERGE_ON_READ);
      await moved.updateRows(eq("k", 3n), { v: "three" });
      expect(await keys(lake)).toEqual([3, 4, 5, 6, 8]);
      await closed(lake);

      await rename(join(folder, "b"), join(folder, "c d%20é"));
      const again = await openAt("c d%20é");
      expect(await keys(again)).toEqual([3, 4, 5, 6, 8]);
      await (await again.table("s.t")).deleteRows(eq("k", 4n), MERGE_ON_READ);
      await closed(again);

      await rename(join(folder, "c d%20é"), join(folder, "a"));
      const back = await openAt("a");
      expect(await keys(back)).toEqual([3, 5, 6, 8]);
      expect((await readdir(folder)).sort()).toEqual(["a"]);
    },
  );

  test("as a copy has nothing to do with the original, whatever either deletes", async () => {
    const original = await openAt("a");
    await make(original);
    await original.branch("etl");
    await (await original.on("etl").table("s.t")).append(rows(10, 12));
    await closed(original);
    await cp(join(folder, "a"), join(folder, "b"), { recursive: true });
    const untouched = await files("a");

    const copy = await openAt("b");
    await (await copy.table("s.t")).deleteRows(eq("k", 6n));
    await copy.deleteRef("etl");
    await copy.gc({ gracePeriodMs: 0 });
    await copy.catalog.dropTable("s.t", { purge: true });
    expect(await files("a")).toEqual(untouched);
    await closed(copy);

    const again = await openAt("a");
    expect(await keys(again, "s.t@etl")).toEqual([1, 2, 3, 4, 5, 6, 10, 11, 12]);
    await rm(join(folder, "a", "warehouse"), { recursive: true });
    await expect(keys(again, "s.t@etl")).rejects.toThrow();
  });

  test("never reads the original, not even where its own file is gone", async () => {
    const original = await openAt("a");
    await make(original);
    await closed(original);
    await cp(join(folder, "a"), join(folder, "b"), { recursive: true });
    const data = (await files("b")).filter((file) => file.endsWith(".parquet"));
    for (const file of data) await rm(file);
    const copy = await openAt("b");
    await expect(keys(copy)).rejects.toMatchObject({ code: "OBJECT_NOT_FOUND" });
  });

  test.each([
    ["a/lake", "a/lake2"],
    ["a/lake2", "a/lake"],
    ["a/lake", "a/lake/sub/lake"],
    ["a/lake/warehouse", "a/lake"],
  ])("from %s to %s is told apart, although one begins as the other", async (from, to) => {
    const before = await openAt(from);
    await (await make(before)).deleteRows(eq("k", 1n), MERGE_ON_READ);
    await closed(before);
    await rename(join(folder, from), join(folder, "between"));
    if (to.startsWith(from)) await mkdir(join(folder, from), { recursive: true });
    await mkdir(join(folder, to, ".."), { recursive: true });
    if (from.startsWith(to)) await rm(join(folder, to), { recursive: true, force: true });
    await rename(join(folder, "between"), join(folder, to));
    const lake = await openAt(to);
    await (await lake.table("s.t")).deleteRows(eq("k", 2n), MERGE_ON_READ);
    expect(await keys(lake)).toEqual([3, 4, 5, 6]);
    await closed(lake);
    expect(await keys(await openAt(to))).toEqual([3, 4, 5, 6]);
  });

  test("by a symbolic link and by its own path is one lake", async () => {
    const own = await openAt("a");
    await make(own);
    await symlink(join(folder, "a"), join(folder, "link"));
    const linked = await openAt("link");
    await (await linked.table("s.t")).deleteRows(eq("k", 1n), MERGE_ON_READ);
    await (await own.table("s.t")).deleteRows(eq("k", 2n), MERGE_ON_READ);
    for (const lake of [own, linked]) expect(await keys(lake)).toEqual([3, 4, 5, 6]);
  });

  test("takes locations as they are now from its users, and knows a file by them", async () => {
    const before = await openAt("a");
    await make(before);
    await closed(before);
    await rename(join(folder, "a"), join(folder, "b"));
    const lake = await openAt("b");
    const [data] = (await files("b")).filter((file) => file.endsWith(".parquet"));
    const table = await lake.table("s.t");
    const folderOf = `${fileUri(join(data as string, ".."))}/`;
    await expect(table.addFiles([folderOf])).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    const listed: string[] = [];
    for await (const { uri } of lake.store.list(folderOf)) listed.push(uri);
    expect(listed).toEqual([fileUri(data as string).replace(join(folder, "b"), join(folder, "a"))]);
    await expect(table.addFiles([fileUri(data as string)])).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    const { metadataLocation } = await lake.catalog.unregisterTable("s.t");
    const present = metadataLocation.replace(join(folder, "a"), join(folder, "b"));
    expect(present).not.toBe(metadataLocation);
    const registered = await lake.catalog.registerTable("s.again", present);
    expect(registered.metadataLocation).toBe(metadataLocation);
    await lake.createTable("s.placed", {
      schema,
      location: `${fileUri(join(folder, "b", "warehouse"))}/placed`,
    });
    await (await lake.table("s.placed")).append(rows(1, 2) as never);
    const elsewhere = `${fileUri(join(folder, "b", "warehouse"))}/elsewhere`;
    const sent = await lake.createTable("s.sent", { schema, properties: { "write.data.path": elsewhere } });
    const deeper = updateProperties({ set: { "write.data.path": `${elsewhere}/deeper` } });
    await (await (await sent.append(rows(1, 2))).update([deeper])).append(rows(3, 3));
    expect((await files("b")).filter((file) => file.includes("warehouse/elsewhere/"))).toHaveLength(2);
    await closed(lake);
    await rename(join(folder, "b"), join(folder, "c"));
    const again = await openAt("c");
    expect(await keys(again, "s.sent")).toEqual([1, 2, 3]);
    expect(await keys(again, "s.again")).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await keys(again, "s.placed")).toEqual([1, 2]);
  });

  test("reads what it adopted from outside where that is, and nothing of its old place in another spelling", async () => {
    const other = await openAt("other");
    await make(other);
    const outside = fileUri((await files("other")).find((file) => file.endsWith(".parquet")) as string);
    const before = await openAt("a");
    await (await make(before)).truncate();
    await (await before.table("s.t")).addFiles([outside]);
    await closed(before);
    await cp(join(folder, "a"), join(folder, "b"), { recursive: true });
    const copy = await openAt("b");
    expect(await keys(copy)).toEqual([1, 2, 3, 4, 5, 6]);
    const original = (await files("a")).find((file) => file.endsWith(".parquet")) as string;
    // However it is spelled, the old place of a file means the file that the copy has of it.
    await rename(join(folder, "a"), join(folder, "gone"));
    const table = await copy.table("s.t");
    const adopted = await table.addFiles([`file:${original.replace("/data/", "//data/")}`]);
    await expect(adopted.addFiles([`file:${original.replace("/data/", "/./data/")}`])).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    const twice = [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6];
    expect(await keys(copy)).toEqual(twice);
    await closed(copy);
    await relocateLakehouse({ root: join(folder, "b"), profile: "embedded" });
    expect(await keys(await openAt("b"))).toEqual(twice);
  });

  test("before anything was in it has no old place", async () => {
    await closed(await openAt("a"));
    await rename(join(folder, "a"), join(folder, "b"));
    const lake = await openAt("b");
    await make(lake);
    expect((await lake.table("s.t")).location).toContain(join(folder, "b"));
  });

  test("keeps its views", async () => {
    const before = await openAt("a");
    await make(before);
    await before.catalog.createView("s.v", {
      schema: (await before.table("s.t")).schema,
      representations: [{ type: "sql", sql: "select * from s.t", dialect: "duckdb" }],
      defaultNamespace: ["s"],
    });
    await closed(before);
    await rename(join(folder, "a"), join(folder, "b"));
    const lake = await openAt("b");
    expect((await lake.catalog.loadView("s.v")).metadata.location).toContain("/a/warehouse");
    expect(isLakehouseError(await lake.catalog.loadView("s.w").catch((error) => error), "NO_SUCH_VIEW")).toBe(
      true,
    );
  });
});
