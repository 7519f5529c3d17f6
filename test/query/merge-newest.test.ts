import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import {
  defineSchema,
  int,
  type Lakehouse,
  openLakehouse,
  type RowOf,
  string,
  type Table,
} from "sololakehouse";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runs } from "../support/runs.js";

const SCHEMA = defineSchema({ id: int(), version: int().optional(), v: string() });
type Row = RowOf<typeof SCHEMA>;

let root: string;
let lake: Lakehouse;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "newest-"));
  lake = await openLakehouse({ root });
});
afterAll(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

const fresh = (formatVersion: 2 | 3): Promise<Table<Row>> =>
  lake.createTable("n.t", { schema: SCHEMA, formatVersion, ifExists: "replace" });

const rowsOf = async (): Promise<unknown> =>
  (await lake.sql("select id, version, v from n.t order by all")).rows();

const OPTIONS = { on: ["id"], newest: "version" } as const;

/** A row's version says what it is, so that versions of a key can come in any order. */
const row = fc
  .record({ id: fc.nat(5), version: fc.option(fc.nat(4), { nil: null }) })
  .map(({ id, version }): Row => ({ id, version, v: `${id}/${version}` }));

test("of each key the newest row is left, however rows are put into batches and in whatever order they come", async () => {
  const given = fc.record({
    batches: fc.array(fc.array(row, { maxLength: 6 }), { minLength: 1, maxLength: 4 }),
    formatVersion: fc.constantFrom(2 as const, 3 as const),
    mode: fc.constantFrom("copy-on-write" as const, "merge-on-read" as const),
  });
  await fc.assert(
    fc.asyncProperty(given, async ({ batches, formatVersion, mode }) => {
      let table = await fresh(formatVersion);
      for (const batch of batches) table = await table.upsert(batch, { ...OPTIONS, mode });
      const newest = new Map<number, Row>();
      for (const each of batches.flat()) {
        const before = newest.get(each.id);
        if (before === undefined || (each.version ?? -1) > (before.version ?? -1)) newest.set(each.id, each);
      }
      expect(await rowsOf()).toEqual([...newest.values()].sort((a, b) => a.id - b.id));
    }),
    { numRuns: runs(25) },
  );
});

test("a row that is not newer changes nothing, and makes no snapshot", async () => {
  const table = await (await fresh(3)).upsert([{ id: 1, version: 2, v: "b" }], OPTIONS);
  for (const version of [1, 2, null]) {
    const after = await table.upsert([{ id: 1, version, v: "other" }], OPTIONS);
    expect(after.currentSnapshot?.snapshotId).toBe(table.currentSnapshot?.snapshotId);
  }
  expect(await rowsOf()).toEqual([{ id: 1, version: 2, v: "b" }]);
});

test("different rows of one key and version are refused, unless a newer one is there", async () => {
  const table = await fresh(3);
  const twins = [
    { id: 1, version: 2, v: "a" },
    { id: 1, version: 2, v: "b" },
  ];
  await expect(table.upsert(twins, OPTIONS)).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringContaining('none is newer than the other by "version"'),
  });
  await table.upsert([...twins, { id: 1, version: 3, v: "c" }], OPTIONS);
  expect(await rowsOf()).toEqual([{ id: 1, version: 3, v: "c" }]);
});

test("what cannot tell versions apart is refused", async () => {
  const table = await fresh(3);
  await expect(table.upsert([], { on: ["id"], newest: "nope" as "v" })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
  });
});
