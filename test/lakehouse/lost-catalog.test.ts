import { existsSync } from "node:fs";
import { cp, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineSchema, long, openLakehouse, restoreLakehouse } from "sololakehouse";
import { afterEach, beforeEach, expect, test } from "vitest";

const schema = defineSchema({ id: long() });

let folder: string;
let root: string;

const open = (create?: boolean) => openLakehouse({ root, profile: "embedded", create });
const ids = async () => {
  await using lake = await open();
  return (await lake.sql("select id from a.t order by id").rows()).map(({ id }) => id);
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lost-"));
  root = join(folder, "lake");
  await using lake = await open();
  const table = await lake.createTable("a.t", { schema });
  await table.append([{ id: 1n }]);
  await lake.backup({ to: join(folder, "backup") });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("a lakehouse whose catalog is gone is not taken for a new one, and nothing is made", async () => {
  const catalog = join(root, "catalog.db");
  await rename(catalog, join(folder, "kept"));
  for (const create of [true, false, undefined]) {
    await expect(open(create)).rejects.toMatchObject({
      code: "NO_SUCH_LAKE",
      message: expect.stringContaining("has files of tables"),
      remedy: expect.stringContaining("slh restore"),
    });
    expect(existsSync(catalog)).toBe(false);
  }
  await rename(join(folder, "kept"), catalog);
  expect(await ids()).toEqual([1n]);
});

test("each way out that the error names is one", async () => {
  await rm(join(root, "catalog.db"));
  await restoreLakehouse({ from: join(folder, "backup"), root, profile: "embedded" });
  expect(await ids()).toEqual([1n]);
  await rm(join(root, "catalog.db"));
  await rename(join(root, "warehouse"), join(folder, "away"));
  await using lake = await open();
  expect(await lake.tables()).toEqual([]);
});

test("files that are no tables', and a warehouse that several catalogs share, are no reason", async () => {
  const other = join(folder, "other");
  await cp(join(root, "warehouse"), join(other, "warehouse"), {
    recursive: true,
    filter: (file) => !file.endsWith(".metadata.json"),
  });
  await (await openLakehouse({ root: other, profile: "embedded" })).close();
  const shares = { root: join(folder, "third"), warehouse: join(root, "warehouse") };
  await (await openLakehouse({ ...shares, profile: "embedded" })).close();
});
