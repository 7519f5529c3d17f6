import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { defineSchema, eq, int, type Lakehouse, ltEq, openLakehouse } from "../../../lib/lakehouse/index.js";
import { type ChildProgram, childProgram } from "../../storage/child.js";

/** Adds 1 to every row below 40, one commit after another, as often as it is told. */
const PROGRAM = `
const [directory, count, retry] = args;
const store = new storage.LocalStore(directory + "/warehouse");
const lake = await catalog.openCatalog({ backend: directory + "/catalog.db", store });
const engine = await query.openQueryEngine({ resolve: async () => undefined });
const table = (await lake.loadTable("s.t")).withEngine(engine);
let done = 0;
for (let n = 0; n < Number(count); n++) {
  await table.updateRows({ type: "lt", term: "k", value: 40 }, { n: { sql: "n + 1" } }, { retry: Number(retry) });
  console.log(++done);
}
await engine.close();
await lake.close();
`;

let program: ChildProgram;
beforeAll(async () => {
  program = await childProgram(PROGRAM, ["storage", "parquet", "iceberg", "catalog", "query"]);
});
afterAll(() => program.dispose());

let root: string;
let lake: Lakehouse;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "retries-"));
  lake = await openLakehouse({ root, profile: "embedded", catalog: `sqlite:${join(root, "catalog.db")}` });
});
afterEach(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

const schema = defineSchema({ k: int(), n: int() });
type Row = { k: number; n: number };
const many = (count: number, n: number): Row[] => Array.from({ length: count }, (_, k) => ({ k, n }));
const sums = async () => (await lake.sql("select count(*)::int as c, sum(n)::int as n from s.t")).rows();

describe("an operation that another commit is in the way of", () => {
  test("is made again as often as it is asked to be: two processes that count lose nothing", async () => {
    const properties = { "commit.retry.min-wait-ms": "5" };
    await (await lake.createTable<Row>("s.t", { schema, properties })).append(many(40, 0));
    await Promise.all([1, 2].map(() => program.start(root, "6", "200").done));
    expect(await sums()).toEqual([{ c: 40, n: 40 * 12 }]);
  });

  test("is refused where nobody asks, and then nothing of it is there", async () => {
    const table = await lake.createTable<Row>("s.t", { schema });
    await table.append(many(10, 0));
    const meanwhile = { n: { sql: "n + 1" } };
    // A view that began before: another commit comes between its plan and its own.
    const start = (await table.refresh()).metadata.currentSnapshotId as bigint;
    await (await lake.table<Row>("s.t")).updateRows(ltEq("k", 5), meanwhile);
    const late = (retry?: number) =>
      lake.table<Row>("s.t").then((now) => now.deleteRows(eq("k", 1), { validateFrom: start, retry }));
    await expect(late()).rejects.toMatchObject({ code: "COMMIT_CONFLICT" });
    expect(await sums()).toEqual([{ c: 10, n: 6 }]);
    await expect(late(-1)).rejects.toMatchObject({ code: "INVALID_ARGUMENT", subject: "retry" });
  });

  test("is made again where the table's property says so", async () => {
    const properties = { "commit.retry.num-retries": "50", "commit.retry.min-wait-ms": "5" };
    await (await lake.createTable<Row>("s.t", { schema, properties })).append(many(10, 0));
    const table = await lake.table<Row>("s.t");
    await Promise.all([1, 2, 3, 4].map(() => table.updateRows(ltEq("k", 100), { n: { sql: "n + 1" } })));
    expect(await sums()).toEqual([{ c: 10, n: 40 }]);
  });
});

describe("an upsert for which nobody chose a mode", () => {
  const upsertInto = async (
    count: number,
    changed: number,
    properties = {},
    formatVersion: 1 | 2 | 3 = 2,
  ) => {
    const table = await lake.createTable<Row>("s.t", { schema, properties, formatVersion });
    const before = await table.append(many(count, 0));
    const step = Math.floor(count / changed);
    const rows = Array.from({ length: changed }, (_, i) => ({ k: i * step, n: 1 }));
    const { summary } = (await before.upsert(rows, { on: ["k"] })).currentSnapshot ?? {};
    expect(await sums()).toEqual([{ c: count, n: changed }]);
    return summary?.["added-delete-files"] === undefined ? "copy-on-write" : "merge-on-read";
  };

  test.each([
    ["few of many rows", 300_000, 20_000, {}, 2, "merge-on-read"],
    ["few of many rows, with deletion vectors", 300_000, 20_000, {}, 3, "merge-on-read"],
    ["few of many rows, where version 1 has no deletes", 300_000, 20_000, {}, 1, "copy-on-write"],
    [
      "few of many rows, where the table says otherwise",
      300_000,
      20_000,
      { "write.merge.mode": "copy-on-write" },
      2,
      "copy-on-write",
    ],
    ["many of many rows", 300_000, 150_000, {}, 2, "copy-on-write"],
    ["few of few rows", 3000, 20, {}, 2, "copy-on-write"],
  ] as const)("takes the cheaper one: %s", async (_, count, changed, properties, version, mode) => {
    expect(await upsertInto(count, changed, properties, version)).toBe(mode);
  });
});
