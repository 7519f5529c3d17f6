import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lakehouse, openLakehouse, type Table } from "sololakehouse";
import { afterAll, beforeAll, expect, test } from "vitest";

let root: string;
let lake: Lakehouse;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "names-"));
  lake = await openLakehouse({ root, profile: "embedded" });
});

afterAll(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

async function files(table: Table): Promise<number> {
  let count = 0;
  for await (const _ of lake.store.list(`${table.location}/`)) count += 1;
  return count;
}

test("namespaces are made with those that they lie in, listed, and dropped when empty", async () => {
  await lake.createNamespace("deep.er.est", { owner: "me" });
  expect(await lake.namespaces()).toEqual([["deep"], ["deep", "er"], ["deep", "er", "est"]]);
  await expect(lake.createNamespace("deep.er")).rejects.toMatchObject({ code: "NAMESPACE_EXISTS" });
  await lake.createTableAs("deep.er.t", "select 1 as a");
  await expect(lake.dropNamespace("deep.er")).rejects.toMatchObject({ code: "NAMESPACE_NOT_EMPTY" });
  await lake.dropTable("deep.er.t");
  for (const name of ["deep.er.est", "deep.er", "deep"]) await lake.dropNamespace(name);
  expect(await lake.namespaces()).toEqual([]);
  await expect(lake.dropNamespace("deep")).rejects.toMatchObject({ code: "NO_SUCH_NAMESPACE" });
});

test("a table is renamed into a namespace that is not there yet", async () => {
  await lake.createTableAs("old.t", "select 1 as a");
  const table = await lake.renameTable("old.t", "new.name");
  expect(table.name).toBe("new.name");
  expect(await (await lake.sql("select a from new.name")).rows()).toEqual([{ a: 1 }]);
  await lake.createTableAs("old.u", "select 2 as a");
  await expect(lake.renameTable("old.u", "new.name")).rejects.toMatchObject({ code: "TABLE_EXISTS" });
  await expect(lake.renameTable("old.gone", "other.x")).rejects.toMatchObject({ code: "NO_SUCH_TABLE" });
  expect((await lake.namespaces()).map(String)).not.toContain("other");
});

test("a dropped table is there on other branches and in the past, and its files with it", async () => {
  const table = (await lake.createTableAs("kept.t", "select 1 as a")) as Table;
  const before = await lake.hash();
  const etl = await lake.branch("keeps");
  await lake.dropTable("kept.t", { purge: true });
  await expect(lake.table("kept.t")).rejects.toMatchObject({ code: "NO_SUCH_TABLE" });
  expect(await (await etl.read(await etl.table("kept.t"))).rows()).toEqual([{ a: 1 }]);
  expect(await (await lake.sql(`select a from kept.t@"@${before}"`)).rows()).toEqual([{ a: 1 }]);
  await etl.dropTable("kept.t");
  expect(await files(table)).toBeGreaterThan(0);
});

test("a purged table's files are gone when no branch shows it", async () => {
  const table = (await lake.createTableAs("gone.t", "select 1 as a")) as Table;
  await lake.dropTable("gone.t", { purge: true });
  expect(await files(table)).toBe(0);
});

test("what is not there is told by where it was looked for", async () => {
  await lake.createTableAs("some.t", "select 1 as a");
  const noNamespace = { code: "NO_SUCH_TABLE", message: expect.stringContaining("as in ") };
  await expect(lake.table("t")).rejects.toMatchObject(noNamespace);
  await lake.createView("some.v", "select 1 as a");
  await lake.createNamespace("empty");
  await expect(lake.dropView("empty.v")).rejects.toMatchObject({
    code: "NO_SUCH_VIEW",
    message: expect.stringContaining("There are none in empty."),
  });
});
