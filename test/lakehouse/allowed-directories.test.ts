import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { defineSchema, eq, type Lakehouse, long, openLakehouse } from "../../lib/lakehouse/index.js";

let root: string;
let lake: Lakehouse;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "allowed-"));
  lake = await openLakehouse({ root: join(root, "lake"), duckdb: { allowedDirectories: [] } });
});
afterAll(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

test("queries of a lakehouse read its tables, and no other file", async () => {
  const table = await lake.createTable("s.t", { schema: defineSchema({ id: long() }) });
  const written = await table.append([{ id: 1n }, { id: 2n }, { id: 3n }]);
  await written.deleteRows(eq("id", 2n), { mode: "merge-on-read" });
  expect(await (await lake.sql("select id from s.t order by id")).rows()).toEqual([{ id: 1n }, { id: 3n }]);
  for (const from of ["'/etc/passwd'", "read_text('/etc/passwd')", `read_text('${root}/*')`])
    await expect(lake.sql(`select * from ${from}`)).rejects.toMatchObject({ code: "INVALID_SQL" });
});

test("a table with files elsewhere says that their folder is not among those allowed", async () => {
  const other = await openLakehouse({ root: join(root, "other") });
  const schema = defineSchema({ id: long() });
  const away = await (await other.createTable("s.away", { schema })).append([{ id: 7n }]);
  const { tasks } = await away.scan().planAll();
  await other.close();
  const [uri] = tasks.map((task) => task.dataFile.filePath);
  const adopted = await (await lake.createTable("s.adopted", { schema })).addFiles([uri as string]);
  expect(adopted.currentSnapshot).toBeDefined();
  await expect(lake.sql("select * from s.adopted")).rejects.toMatchObject({
    code: "INVALID_CONFIG",
    remedy: expect.stringContaining("allowedDirectories"),
  });
});
