import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  defineSchema,
  eq,
  type Lakehouse,
  openTable,
  restoreLakehouse,
  string,
  type Table,
} from "sololakehouse";
import { openPlace } from "sololakehouse/backup";
import { openQueryEngine } from "sololakehouse/query";
import { LocalStore } from "sololakehouse/storage";
import { describe, expect, test } from "vitest";
import { contentOf, contents, fill, rowsFrom, rowsOf } from "./support/lakes.js";
import { places } from "./support/places.js";

const here = places();
const TINY = defineSchema({ v: string() });

async function filled(name = "lake"): Promise<{ lake: Lakehouse; to: string }> {
  const lake = await here.open(name);
  await fill(lake);
  return { lake, to: join(here.folder, "backups") };
}

describe("a backup of a lakehouse", () => {
  test("becomes a lakehouse elsewhere with the same branches, tags, hashes and rows, which needs nothing of the old place", async () => {
    const { lake, to } = await filled();
    const report = await lake.backup({ to });
    const expected = await contents(lake);
    const log = await lake.history({});
    await here.close(lake);
    await rm(join(here.folder, "lake"), { recursive: true });
    const restored = await restoreLakehouse({ from: to, ...here.at("other") });
    expect(restored).toMatchObject({ backup: report.id, files: report.files, refs: 3 });
    const other = await here.open("other");
    expect(await contents(other)).toEqual(expected);
    const told = (commits: typeof log) =>
      commits.map(({ hash, message, committer }) => [hash, message, committer]);
    expect(told(await other.history({}))).toEqual(told(log));
    expect(await other.sql("select count(*) as n from s.view").rows()).toHaveLength(1);
    // Of every commit that a branch leads to, and by readers that follow locations.
    for (const { hash } of log) await contentOf(other, `@${hash}`);
    const { metadataLocation } = await other.on("etl").table("s.v2");
    expect(metadataLocation).toContain(join(here.folder, "other"));
    const engine = await openQueryEngine({ resolve: async () => undefined });
    const byFiles = await openTable(metadataLocation);
    const rows = await (await engine.scan(byFiles, byFiles.scan({ select: ["k"] }))).rows();
    await engine.close();
    expect(rows.map(({ k }) => Number(k)).sort()).toEqual([4, 5, 6]);
  });

  test("goes on: merges, deletes and collections of garbage after it find what they would have found before", async () => {
    const { lake, to } = await filled();
    await lake.gc({ gracePeriodMs: 0 });
    await lake.backup({ to });
    await restoreLakehouse({ from: to, ...here.at("other") });
    const other = await here.open("other");
    const before = await contents(other);
    expect((await other.gc({ gracePeriodMs: 0 })).files).toEqual([]);
    expect(await contents(other)).toEqual(before);
    // Both lakes know where the branches parted: what changed on both sides is a conflict, and the rest is not.
    for (const one of [lake, other]) {
      await expect(one.merge("etl", { into: "main" })).rejects.toMatchObject({
        code: "COMMIT_CONFLICT",
        conflicts: [expect.objectContaining({ key: ["s", "v2"] })],
      });
      await one.on("etl").rollback("etl~1");
      await one.merge("etl", { into: "main" });
    }
    const rows = async (one: Lakehouse) => rowsOf(one, (await one.table("s.v3")) as unknown as Table);
    expect(await rows(other)).toEqual(await rows(lake));
    await ((await other.table("s.v1")) as unknown as Table).deleteRows(eq("k", 1n));
    await other.gc({ gracePeriodMs: 0 });
    expect(await rowsOf(other, (await other.table("s.v1")) as unknown as Table)).toHaveLength(6);
  });

  test("comes back to the place where it was as it was, file by file", async () => {
    const { lake, to } = await filled();
    await lake.backup({ to });
    const expected = await contents(lake);
    await here.close(lake);
    const root = join(here.folder, "lake");
    await rename(root, `${root}.lost`);
    await restoreLakehouse({ from: to, ...here.at("lake") });
    expect(await contents(await here.open("lake"))).toEqual(expected);
    const files = async (folder: string) =>
      (await readdir(join(folder, "warehouse"), { recursive: true }))
        .filter((name) => /\.(parquet|avro|puffin)$/.test(name))
        .sort();
    const [lost, found] = [await files(`${root}.lost`), await files(root)];
    expect(lost).toEqual(expect.arrayContaining(found));
    // Where files alone were lost, it puts them back.
    const again = await here.open("lake");
    const store = new LocalStore(again.profile.warehouse);
    const { tasks } = await ((await again.table("s.v1")) as unknown as Table).scan().planAll();
    await store.delete(tasks.map(({ dataFile }) => dataFile.filePath));
    await expect(contents(again)).rejects.toMatchObject({ code: "OBJECT_NOT_FOUND" });
    await restoreLakehouse({ from: to, ...here.at("lake") });
    expect(await contents(again)).toEqual(expected);
  });

  test("of a lakehouse that was moved has its files by the locations that they had", async () => {
    const { lake, to } = await filled();
    const expected = await contents(lake);
    await here.close(lake);
    await rename(join(here.folder, "lake"), join(here.folder, "moved"));
    const moved = await here.open("moved");
    await moved.backup({ to });
    await restoreLakehouse({ from: to, ...here.at("other") });
    expect(await contents(await here.open("other"))).toEqual(expected);
  });

  test("of a lakehouse that was restored can be restored again", async () => {
    const { lake, to } = await filled();
    await lake.backup({ to });
    const expected = await contents(lake);
    await restoreLakehouse({ from: to, ...here.at("second") });
    const second = await here.open("second");
    await second.backup({ to: `${to}2` });
    await restoreLakehouse({ from: `${to}2`, ...here.at("third") });
    expect(await contents(await here.open("third"))).toEqual(expected);
  });

  test("copies only what is not there from earlier ones, and each can be restored", async () => {
    const { lake, to } = await filled();
    const first = await lake.backup({ to });
    expect(first.copied.files).toBeGreaterThan(20);
    const second = await lake.backup({ to });
    expect(second).toMatchObject({ copied: { files: 0, bytes: 0 }, index: first.index });
    const before = await contents(lake);
    await ((await lake.table("a.b.c.deep")) as unknown as Table).append(rowsFrom(1, 3));
    const third = await lake.backup({ to });
    // A data file, a manifest, a manifest list, a metadata file.
    expect(third.copied.files).toBe(4);
    expect((await lake.backup.list({ from: to })).map(({ id }) => id)).toHaveLength(3);
    await restoreLakehouse({ from: to, asOf: first.id, ...here.at("first") });
    expect(await contents(await here.open("first"))).toEqual(before);
    await restoreLakehouse({ from: to, asOf: third.createdAt, ...here.at("third") });
    expect(await contents(await here.open("third"))).toEqual(await contents(lake));
  });

  test("is refused where a lakehouse is not empty, and among its own files", async () => {
    const { lake, to } = await filled();
    await lake.backup({ to });
    await ((await lake.table("s.v1")) as unknown as Table).append([{ k: 30n, v: "x", at: null, n: null }]);
    const before = await contents(lake);
    await expect(restoreLakehouse({ from: to, ...here.at("lake") })).rejects.toMatchObject({
      code: "RESTORE_REFUSED",
      message: expect.stringContaining("not empty"),
    });
    expect(await contents(lake)).toEqual(before);
    await expect(lake.backup({ to: `${lake.profile.warehouse}/backups` })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await expect(
      restoreLakehouse({ from: join(here.folder, "none"), ...here.at("new") }),
    ).rejects.toMatchObject({
      code: "NO_SUCH_BACKUP",
    });
    await expect(restoreLakehouse({ from: to, asOf: "2001-01-01", ...here.at("new") })).rejects.toMatchObject(
      { code: "NO_SUCH_BACKUP" },
    );
  });

  test("of a lake with a file that is gone or cut short is none, and says which", async () => {
    const { lake, to } = await filled();
    const store = new LocalStore(lake.profile.warehouse);
    const [task] = (await ((await lake.table("s.v1")) as unknown as Table).scan().planAll()).tasks;
    const file = task?.dataFile.filePath as string;
    const bytes = await store.read(file);
    await store.put(file, bytes.subarray(0, 50));
    await expect(lake.backup({ to })).rejects.toMatchObject({ code: "CORRUPT_FILE", subject: file });
    await store.delete([file]);
    await expect(lake.backup({ to })).rejects.toMatchObject({ code: "BACKUP_INCOMPLETE", subject: file });
    expect(await lake.backup.list({ from: to })).toEqual([]);
    await store.put(file, bytes);
    await lake.backup({ to });
    expect(await lake.backup.verify({ from: to })).toMatchObject({ corrupt: [] });
  });
});

describe("tables of a backup", () => {
  test("are restored beside those that are here, with their snapshots, and share no file with them", async () => {
    const { lake, to } = await filled();
    await lake.backup({ to });
    const expected = (await contentOf(lake, "main")) as Record<string, object>;
    for (const [from, as] of [
      ["s.v1", "s.v1_then"],
      ["s.v2", "new.deep.v2"],
      ["s.v3", "s.v3_then"],
    ] as const) {
      await lake.backup.restore({ from: to, tables: [from], as });
      await lake.dropTable(from, { purge: true });
      expect((await contentOf(lake, "main"))[as]).toEqual(expected[from]);
    }
    await ((await lake.table("s.v3_then")) as unknown as Table).deleteRows(eq("k", 1n), {
      mode: "merge-on-read",
    });
    await lake.gc({ gracePeriodMs: 0 });
    expect(await rowsOf(lake, (await lake.table("s.v3_then")) as unknown as Table)).toHaveLength(3);
  });

  test("of which one is damaged leave nothing behind, and names may have dots in them", async () => {
    const lake = await here.open("lake");
    const to = join(here.folder, "backups");
    await lake.createNamespace(["x.y"]);
    const named = { namespace: ["x.y"], name: "t.u" };
    await ((await lake.createTable(named, { schema: TINY })) as unknown as Table).append([{ v: "dots" }]);
    await ((await lake.createTable("x.y.t.u", { schema: TINY })) as unknown as Table).append([
      { v: "levels" },
    ]);
    await lake.backup({ to });
    const other = await here.open("other");
    await other.backup.restore({ from: to });
    const values = async (table: typeof named | string) =>
      rowsOf(other, (await other.table(table)) as unknown as Table);
    expect([await values(named), await values("x.y.t.u")]).toEqual([['{"v":"dots"}'], ['{"v":"levels"}']]);
    await lake.backup({ to: `${to}2`, tables: [named] });
    await other.backup.restore({ from: `${to}2`, as: "one.only" });
    expect(await values("one.only")).toEqual(['{"v":"dots"}']);

    const place = openPlace(to);
    const { files } = await place.index(await place.find());
    const data = files.findLast(({ kind }) => kind === "data") as (typeof files)[number];
    await new LocalStore(to).delete([place.uriOf(data)]);
    const third = await here.open("third");
    await expect(third.backup.restore({ from: to })).rejects.toMatchObject({ code: "BACKUP_CORRUPT" });
    expect(await third.tables()).toEqual([]);
    const left: string[] = [];
    for await (const { uri } of third.store.list(`${third.store.root}/`)) left.push(uri);
    expect(left).toEqual([]);
  });

  test("replace others only when told to, and can be of any branch or tag that it has", async () => {
    const { lake, to } = await filled();
    await lake.backup({ to, tables: ["s.v2", "s.v3"] });
    const expected = await contentOf(lake, "etl");
    await expect(lake.backup.restore({ from: to, ref: "etl" })).rejects.toMatchObject({
      code: "RESTORE_REFUSED",
      subject: "s.v2",
    });
    const before = await lake.hash();
    await lake.backup.restore({ from: to, ref: "etl", overwrite: true });
    const now = await contentOf(lake, "main");
    expect([now["s.v2"], now["s.v3"]]).toEqual([expected["s.v2"], expected["s.v3"]]);
    await lake.rollback(`@${before}`);
    await expect(lake.backup.restore({ from: to, ref: "none" })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await expect(lake.backup.restore({ from: to, tables: ["s.v1"] })).rejects.toMatchObject({
      code: "NO_SUCH_TABLE",
    });
    await expect(lake.backup({ to, tables: ["s.none"] })).rejects.toMatchObject({ code: "NO_SUCH_TABLE" });
    await expect(restoreLakehouse({ from: to, ...here.at("new") })).rejects.toMatchObject({
      code: "RESTORE_REFUSED",
      message: expect.stringContaining("tables alone"),
    });
    const other = await here.open("other");
    await other.backup.restore({ from: to });
    expect(await contentOf(other, "main")).toEqual(
      Object.fromEntries(
        Object.entries(await contentOf(lake, "main")).filter(([name]) => /v[23]$/.test(name)),
      ),
    );
  });
});
