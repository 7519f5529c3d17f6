import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BranchingCatalog, openCatalog } from "../../../lib/lakehouse/catalog/index.js";
import {
  and,
  day,
  defineSchema,
  eq,
  type FormatVersion,
  gtEq,
  identity,
  isIn,
  long,
  lt,
  type Snapshot,
  string,
  type Table,
  timestamp,
  timestamptzNs,
  updateProperties,
  type WriteMode,
} from "../../../lib/lakehouse/iceberg/index.js";
import { openQueryEngine, type QueryEngine } from "../../../lib/lakehouse/query/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { runs } from "../../support/runs.js";

const schema = defineSchema({ id: long(), city: string(), n: long().optional() });
type Line = { id: bigint; city: string; n: bigint | null };

let directory: string;
let engine: QueryEngine;
let catalog: BranchingCatalog;
let tables = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "query-rows-"));
  engine = await openQueryEngine({ resolve: async () => undefined });
  catalog = await openCatalog({
    backend: ":memory:",
    store: new LocalStore(directory, { durable: false }),
  });
  await catalog.createNamespace("n");
});

afterAll(async () => {
  await engine.close();
  await catalog.close();
  await rm(directory, { recursive: true });
});

async function create(
  formatVersion: FormatVersion,
  options: { readonly mode?: WriteMode; readonly partitioned?: boolean } = {},
): Promise<Table> {
  const { mode = "merge-on-read", partitioned = false } = options;
  const properties = {
    "write.delete.mode": mode,
    "write.update.mode": mode,
    "write.merge.mode": mode,
  };
  const table = await catalog.createTable(`n.t${tables++}`, {
    schema,
    formatVersion,
    properties,
    ...(partitioned && { partitionSpec: [identity("city")] }),
  });
  return table.withEngine(engine) as Table;
}

async function rows(table: Table): Promise<Line[]> {
  const found = await (await engine.scan(table, table.scan())).rows<Line>();
  return found.sort((a, b) => Number(a.id - b.id) || Number((a.n ?? -1n) - (b.n ?? -1n)));
}

/** Each row as `id: row id @ sequence number of its last update`. */
async function lineage(table: Table): Promise<string[]> {
  const select = ["id", "_row_id", "_last_updated_sequence_number"];
  const found = await (await engine.scan(table, table.scan({ select }))).rows();
  return found.map((row) => `${row.id}: ${row._row_id} @ ${row._last_updated_sequence_number}`).sort();
}

const line = (id: number, city = "ATL", n: number | null = id): Record<string, unknown> => ({
  id: BigInt(id),
  city,
  n: n === null ? null : BigInt(n),
});
const lines = (from: number, to: number, city?: string): Record<string, unknown>[] =>
  Array.from({ length: to - from }, (_, i) => line(from + i, city));
const ids = async (table: Table): Promise<number[]> => (await rows(table)).map((row) => Number(row.id));

function counters(snapshot: Snapshot | undefined): Record<string, string> {
  const { summary = {} } = snapshot ?? {};
  const shown = Object.entries(summary).filter(([key]) => /^(operation|added|removed|deleted)/.test(key));
  return Object.fromEntries(shown.filter(([key]) => !key.endsWith("-size"))) as Record<string, string>;
}

async function deleteFiles(table: Table) {
  return [...new Set((await table.scan().planAll()).tasks.flatMap((task) => task.deleteFiles))];
}

describe("merge-on-read deletes", () => {
  test("in v3 add one deletion vector a file, which takes over the one before", async () => {
    const before = await (await (await create(3)).append(lines(0, 10))).append(lines(10, 20));
    const once = await before.deleteRows(isIn("id", [1, 2, 11]));
    expect(await ids(once)).toEqual([0, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 17, 18, 19]);
    expect(counters(once.currentSnapshot)).toEqual({
      operation: "delete",
      "added-dvs": "2",
      "added-delete-files": "2",
      "added-position-deletes": "3",
    });
    const twice = await once.deleteRows(eq("id", 3));
    expect(await ids(twice)).not.toContain(3);
    expect(counters(twice.currentSnapshot)).toEqual({
      operation: "delete",
      "added-dvs": "1",
      "removed-dvs": "1",
      "added-delete-files": "1",
      "removed-delete-files": "1",
      "added-position-deletes": "3",
      "removed-position-deletes": "2",
    });
    expect((await deleteFiles(twice)).map((file) => file.recordCount).sort()).toEqual([1n, 3n]);
    expect(await ids(before)).toHaveLength(20);
  });

  test("in v2 add one position delete file a data file, joined with the one before", async () => {
    const table = await create(2, { partitioned: true });
    const before = await table.append([...lines(0, 5, "ATL"), ...lines(5, 10, "ORD")]);
    const once = await before.deleteRows(isIn("id", [1, 6]));
    expect(counters(once.currentSnapshot)).toEqual({
      operation: "delete",
      "added-position-delete-files": "2",
      "added-delete-files": "2",
      "added-position-deletes": "2",
    });
    const twice = await once.deleteRows(eq("id", 2));
    expect(await ids(twice)).toEqual([0, 3, 4, 5, 7, 8, 9]);
    expect(counters(twice.currentSnapshot)).toMatchObject({
      "added-position-delete-files": "1",
      "removed-position-delete-files": "1",
      "added-position-deletes": "2",
    });
    expect(await deleteFiles(twice)).toHaveLength(2);
  });

  test("in v2 by partition add one file for all data files of a partition", async () => {
    const table = await create(2);
    const { metadata } = await table.append(lines(0, 5));
    expect(metadata.snapshots).toHaveLength(1);
    const updated = await catalog.loadTable(table.name);
    await updated.committer.commit({
      requirements: [],
      updates: [{ action: "set-properties", updates: { "write.delete.granularity": "partition" } }],
    });
    const before = await (await table.refresh()).append(lines(5, 10));
    const after = await before.deleteRows(isIn("id", [1, 6]));
    expect(counters(after.currentSnapshot)).toMatchObject({ "added-position-delete-files": "1" });
    expect(await ids(after)).toEqual([0, 2, 3, 4, 5, 7, 8, 9]);
    const again = await after.deleteRows(isIn("id", [2, 7]));
    expect(await ids(again)).toEqual([0, 3, 4, 5, 8, 9]);
  });

  test.each([
    [2, "removed-position-delete-files"],
    [3, "removed-dvs"],
  ] as const)("drop a file whose rows all go, with its deletes, in v%i", async (formatVersion, removed) => {
    const before = await (await (await create(formatVersion)).append(lines(0, 3))).append(lines(3, 6));
    const some = await before.deleteRows(isIn("id", [0, 4]));
    const after = await some.deleteRows(lt("id", 3));
    expect(counters(after.currentSnapshot)).toMatchObject({
      operation: "delete",
      "deleted-data-files": "1",
      [removed]: "1",
      "removed-position-deletes": "1",
    });
    expect(after.currentSnapshot?.summary).toMatchObject({
      "total-delete-files": "1",
      "total-position-deletes": "1",
    });
    expect(await ids(after)).toEqual([3, 5]);
    const rewritten = await after.deleteRows(eq("id", 5), { mode: "copy-on-write" });
    expect(rewritten.currentSnapshot?.summary).toMatchObject({
      "total-delete-files": "0",
      "total-position-deletes": "0",
    });
    expect(await ids(rewritten)).toEqual([3]);
  });

  test("keep a position delete file that is about a file that stays, too", async () => {
    const created = await create(2);
    const table = await created.update([
      updateProperties({ set: { "write.delete.granularity": "partition" } }),
    ]);
    const before = await (await table.append(lines(0, 3))).append(lines(3, 6));
    const some = await before.deleteRows(isIn("id", [0, 4]));
    const after = await some.deleteRows(lt("id", 3));
    expect(after.currentSnapshot?.summary).toMatchObject({ "total-delete-files": "1" });
    expect(await ids(after)).toEqual([3, 5]);
  });

  test("of nothing make no snapshot, and write no file, in either mode", async () => {
    for (const mode of ["copy-on-write", "merge-on-read"] as const) {
      const before = await (await create(3, { mode })).append([line(1), line(3)]);
      const after = await before.deleteRows(eq("id", 2));
      expect(after.currentSnapshot?.snapshotId).toBe(before.currentSnapshot?.snapshotId);
    }
  });

  test("are refused in v1", async () => {
    const before = await (await create(1)).append(lines(0, 3));
    await expect(before.deleteRows(eq("id", 1))).rejects.toMatchObject({ code: "UNSUPPORTED_FEATURE" });
    expect(await ids(await before.deleteRows(eq("id", 1), { mode: "copy-on-write" }))).toEqual([0, 2]);
  });
});

/** A table of which `other` changes something right before the first commit of what is then done with it. */
function raced(table: Table, other: (table: Table) => Promise<unknown>): Table {
  let raced = false;
  const committer: Table["committer"] = {
    load: () => table.committer.load(),
    async commit(request) {
      if (!raced) {
        raced = true;
        await other(table);
      }
      return table.committer.commit(request);
    },
  };
  const { identifier, store, metadata, metadataLocation } = table;
  return new (table.constructor as typeof Table)({
    identifier,
    store,
    metadata,
    metadataLocation,
    committer,
    engine,
  });
}

describe("what others do meanwhile", () => {
  const conflict = { code: "COMMIT_CONFLICT" };

  test("two vectors for one file are a conflict in v3; position deletes of other rows are none in v2", async () => {
    const v3 = await (await create(3)).append(lines(0, 10));
    await expect(raced(v3, (t) => t.deleteRows(eq("id", 1))).deleteRows(eq("id", 2))).rejects.toMatchObject(
      conflict,
    );
    const v2 = await (await create(2)).append(lines(0, 10));
    const both = await raced(v2, (t) => t.deleteRows(eq("id", 1))).deleteRows(eq("id", 2));
    expect(await ids(both)).toEqual([0, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("a file that was rewritten is a conflict for who deletes from it", async () => {
    for (const version of [2, 3] as const) {
      const table = await (await create(version)).append(lines(0, 10));
      const rewrite = (t: Table) => t.deleteRows(eq("id", 1), { mode: "copy-on-write" });
      await expect(raced(table, rewrite).deleteRows(eq("id", 2))).rejects.toMatchObject(conflict);
      expect(await ids(await table.refresh())).not.toContain(1);
    }
  });

  test("new rows that the filter covers are a conflict, unless the isolation is snapshot", async () => {
    const append = (t: Table) => t.append([line(5, "JFK")]);
    const table = await (await create(3)).append(lines(0, 10));
    await expect(raced(table, append).deleteRows(eq("id", 5))).rejects.toMatchObject(conflict);
    const now = await table.refresh();
    const after = await raced(now, append).deleteRows(eq("id", 5), { isolation: "snapshot" });
    expect((await rows(after)).filter(({ id }) => id === 5n)).toEqual([{ id: 5n, city: "JFK", n: 5n }]);
    const beyond = await raced(after, (t) => t.append([line(500)])).deleteRows(eq("id", 6));
    expect(await ids(beyond)).not.toContain(6);
  });

  test("an update does not bring a row back that was deleted", async () => {
    for (const mode of ["copy-on-write", "merge-on-read"] as const) {
      const table = await (await create(2, { mode })).append(lines(0, 10));
      const remove = (t: Table) => t.deleteRows(eq("id", 2), { mode: "merge-on-read" });
      await expect(
        raced(table, remove).updateRows(eq("id", 2), { n: 0n }, { isolation: "snapshot" }),
      ).rejects.toMatchObject(conflict);
    }
  });
});

describe.each(["copy-on-write", "merge-on-read"] as const)("updates, %s", (mode) => {
  test("set literals and expressions over the row as it was", async () => {
    const before = await (await create(2, { mode })).append(lines(0, 4));
    const after = await before.updateRows(gtEq("id", 2), { n: { sql: "n * 10 -- tenfold" }, city: "JFK" });
    expect(await rows(after)).toEqual([
      { id: 0n, city: "ATL", n: 0n },
      { id: 1n, city: "ATL", n: 1n },
      { id: 2n, city: "JFK", n: 20n },
      { id: 3n, city: "JFK", n: 30n },
    ]);
    expect(await rows(await after.updateRows(eq("id", 3), { n: null }))).toContainEqual({
      id: 3n,
      city: "JFK",
      n: null,
    });
  });

  test("take a function from row to new values", async () => {
    const before = await (await create(3, { mode })).append(lines(0, 4));
    const after = await before.updateRows(isIn("id", [1, 3]), (row) => ({ city: `${row.city}${row.id}` }));
    expect((await rows(after)).map(({ city }) => city)).toEqual(["ATL", "ATL1", "ATL", "ATL3"]);
  });

  test("keep the row's id in v3, and tell which commit updated it", async () => {
    const before = await (await (await create(3, { mode })).append(lines(0, 3))).append(lines(3, 5));
    const after = await before.updateRows(isIn("id", [1, 4]), { n: 7n });
    expect(await lineage(after)).toEqual(["0: 0 @ 1", "1: 1 @ 3", "2: 2 @ 1", "3: 3 @ 2", "4: 4 @ 3"]);
    const again = await after.updateRows(eq("id", 0), (row) => ({ n: row.n }));
    expect(await lineage(again)).toEqual(["0: 0 @ 4", "1: 1 @ 3", "2: 2 @ 1", "3: 3 @ 2", "4: 4 @ 3"]);
  });

  test("move rows to other partitions", async () => {
    const table = await create(3, { mode, partitioned: true });
    const before = await table.append([...lines(0, 3, "ATL"), ...lines(3, 6, "ORD")]);
    const after = await before.updateRows(eq("id", 1), { city: "ORD" });
    expect((await rows(after)).map(({ city }) => city)).toEqual(["ATL", "ORD", "ATL", "ORD", "ORD", "ORD"]);
    expect(await lineage(after)).toContain("1: 1 @ 2");
  });

  test("refuse values that do not fit, and leave the table as it was", async () => {
    const before = await (await create(3, { mode })).append(lines(0, 3));
    for (const set of [{ city: null }, { nope: 1 }, { n: "many" }, { city: { sql: "NULL" } }]) {
      await expect(before.updateRows(eq("id", 1), set)).rejects.toMatchObject({ code: "SCHEMA_MISMATCH" });
    }
    const unknown = { n: { sql: "nope + 1" } };
    await expect(before.updateRows(eq("id", 1), unknown)).rejects.toMatchObject({ code: "INVALID_SQL" });
    expect((await before.refresh()).metadataLocation).toBe(before.metadataLocation);
  });
});

describe.each(["copy-on-write", "merge-on-read"] as const)("merges, %s", (mode) => {
  test("update the rows that are there and insert the others", async () => {
    const before = await (await (await create(3, { mode })).append(lines(0, 3))).append(lines(3, 6));
    const after = await before.upsert([line(1, "JFK"), line(4, "JFK"), line(9, "JFK")], { on: ["id"] });
    expect((await rows(after)).map(({ id, city }) => `${id} ${city}`)).toEqual([
      "0 ATL",
      "1 JFK",
      "2 ATL",
      "3 ATL",
      "4 JFK",
      "5 ATL",
      "9 JFK",
    ]);
    expect(await lineage(after)).toEqual([
      "0: 0 @ 1",
      "1: 1 @ 3",
      "2: 2 @ 1",
      "3: 3 @ 2",
      "4: 4 @ 3",
      "5: 5 @ 2",
      expect.stringMatching(/^9: \d+ @ 3$/),
    ]);
    expect(after.currentSnapshot?.summary).toMatchObject({ operation: "overwrite" });
  });

  test("leave alone what is equal already: the same upsert twice makes one snapshot", async () => {
    const before = await (await create(2, { mode })).append(lines(0, 3));
    const once = await before.upsert([line(1, "JFK"), line(2)], { on: ["id"] });
    const twice = await once.upsert([line(1, "JFK"), line(2)], { on: ["id"] });
    expect(twice.metadata.snapshots).toHaveLength(2);
  });

  test("delete or ignore on a match, insert or ignore without one", async () => {
    const start = async () => (await create(3, { mode })).append(lines(0, 3));
    const data = [line(1, "JFK"), line(9, "JFK")];
    const on = ["id"];
    const deleted = await (await start()).merge(data, { on, whenMatched: "delete" });
    expect(await ids(deleted)).toEqual([0, 2, 9]);
    const only = await (await start()).merge(data, { on, whenMatched: "delete", whenNotMatched: "ignore" });
    expect(await ids(only)).toEqual([0, 2]);
    const inserted = await (await start()).merge(data, { on, whenMatched: "ignore" });
    expect((await rows(inserted)).map(({ id, city }) => `${id} ${city}`)).toEqual([
      "0 ATL",
      "1 ATL",
      "2 ATL",
      "9 JFK",
    ]);
    expect(inserted.currentSnapshot?.summary?.operation).toBe("append");
  });

  test("match by several columns; a null in the key is refused, or a value like any other", async () => {
    const before = await (await create(2, { mode })).append([line(1, "ATL", null), line(2, "ATL", 5)]);
    const on = ["city", "n"];
    const news = [line(3, "ATL", 5), line(7, "ATL", null), line(8, "JFK", null)];
    for (const whenNotMatched of ["insert", "ignore"] as const) {
      await expect(before.merge(news, { on, whenNotMatched })).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        subject: "n",
        message: expect.stringMatching(/^Row 1 of the rows to be merged has no value for the key column "n"/),
      });
    }
    expect(await ids(await before.refresh())).toEqual([1, 2]);
    const once = await before.upsert(news, { on, nullKeys: "match" });
    expect(await ids(once)).toEqual([3, 7, 8]);
    const again = await once.upsert(news.slice(1), { on, nullKeys: "match" });
    expect(again.currentSnapshot?.snapshotId).toBe(once.currentSnapshot?.snapshotId);
    const twice = [line(8, "JFK", null), line(9, "JFK", null)];
    await expect(once.upsert(twice, { on, nullKeys: "match" })).rejects.toThrow("city=JFK, n=null");
  });

  test("with many null and other keys do in a transaction as in memory", async () => {
    const keys = fc.option(fc.integer({ min: 0, max: 3 }), { freq: 2 });
    const distinct = fc.uniqueArray(keys, { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        distinct,
        fc.array(distinct, { minLength: 1, maxLength: 3 }),
        async (first, rounds) => {
          const table = await create(2, { mode });
          const model = new Map<number | null, number>();
          const transaction = table.begin();
          let id = 0;
          const rowsOf = (round: readonly (number | null)[]) =>
            round.map((key) => {
              model.set(key, ++id);
              return line(id, "ATL", key);
            });
          await transaction.append(rowsOf(first));
          for (const round of rounds)
            await transaction.upsert(rowsOf(round), { on: ["n"], nullKeys: "match" });
          const after = await transaction.commit();
          expect(await ids(after)).toEqual([...model.values()].sort((a, b) => a - b));
        },
      ),
      { numRuns: 10 },
    );
  });

  test("with a key twice are refused, and change nothing", async () => {
    const before = await (await create(2, { mode })).append(lines(0, 3));
    const twice = [line(1), line(1, "JFK")];
    await expect(before.upsert(twice, { on: ["id"] })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("id=1"),
    });
    await expect(before.upsert(twice, { on: ["nope"] })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(before.upsert(twice)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

test("a merge takes keys of dates, and more keys than a filter lists", async () => {
  const events = defineSchema({ at: timestamp(), n: long() });
  const table = (
    await catalog.createTable("n.events", {
      schema: events,
      properties: { "write.merge.mode": "merge-on-read" },
    })
  ).withEngine(engine);
  const at = (i: number) => new Date(Date.UTC(2024, 0, 1, 0, i));
  const before = await table.append(Array.from({ length: 400 }, (_, i) => ({ at: at(i), n: 0n })));
  const changes = Array.from({ length: 300 }, (_, i) => ({ at: at(i + 200), n: 1n }));
  const after = await before.upsert(changes, { on: ["at"] });
  const found = await (await engine.scan(after, after.scan())).rows();
  expect([found.length, found.filter((row) => row.n === 1n).length]).toEqual([500, 300]);
});

describe("any sequence of changes", () => {
  const small = fc.integer({ min: 0, max: 11 });
  const mode = fc.constantFrom<WriteMode>("copy-on-write", "merge-on-read");
  const step = fc.oneof(
    fc.record({ kind: fc.constant("append" as const), ids: fc.uniqueArray(small, { maxLength: 6 }) }),
    fc.record({ kind: fc.constant("delete" as const), from: small, to: small, mode }),
    fc.record({ kind: fc.constant("update" as const), from: small, to: small, mode }),
    fc.record({ kind: fc.constant("upsert" as const), ids: fc.uniqueArray(small, { maxLength: 6 }), mode }),
  );

  test("leaves the rows that a list of rows would have, in v2 and v3, partitioned or not", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 7 }),
        fc.constantFrom<FormatVersion>(2, 3),
        fc.boolean(),
        async (steps, version, partitioned) => {
          let table = await create(version, { partitioned });
          let model: Line[] = [];
          for (const [i, change] of steps.entries()) {
            const stamp = BigInt(i + 100);
            const fresh =
              "ids" in change
                ? change.ids.map((id) => ({ id: BigInt(id), city: `c${id % 3}`, n: stamp }))
                : [];
            if (change.kind === "append") {
              model = [...model, ...fresh];
              table = await table.append(fresh);
            } else if (change.kind === "upsert") {
              const keys = new Map(fresh.map((row) => [row.id, row]));
              const known = new Set(model.map((row) => row.id));
              model = [
                ...model.map((row) => keys.get(row.id) ?? row),
                ...fresh.filter((row) => !known.has(row.id)),
              ];
              table = await table.upsert(fresh, { on: ["id"], mode: change.mode });
            } else {
              const where = and(gtEq("id", change.from), lt("id", change.to));
              const hit = (row: Line): boolean => row.id >= change.from && row.id < change.to;
              if (change.kind === "delete") {
                model = model.filter((row) => !hit(row));
                table = await table.deleteRows(where, { mode: change.mode });
              } else {
                model = model.map((row) => (hit(row) ? { ...row, n: stamp } : row));
                table = await table.updateRows(where, { n: stamp }, { mode: change.mode });
              }
            }
          }
          const order = (all: Line[]) => all.map((row) => `${row.id} ${row.city} ${row.n}`).sort();
          expect(order(await rows(table))).toEqual(order(model));
          if (version === 3) {
            const rowIds = (await lineage(table)).map((text) => text.split(/[ @]+/)[1]);
            expect(new Set(rowIds).size).toBe(rowIds.length);
          }
        },
      ),
      { numRuns: runs(40) },
    ));
});

describe("deletes by key, for streams", () => {
  test.each([2, 3] as const)("replace rows in one snapshot, without a read (v%i)", async (version) => {
    const before = await (await create(version)).append(lines(0, 5));
    const changes = [line(1, "JFK"), line(7, "JFK")];
    const after = await before.rowDelta({
      on: ["id"],
      deletes: [...changes, line(4)].map(({ id }) => ({ id })),
      rows: changes,
    });
    expect((await rows(after)).map(({ id, city }) => `${id} ${city}`)).toEqual([
      "0 ATL",
      "1 JFK",
      "2 ATL",
      "3 ATL",
      "7 JFK",
    ]);
    expect(counters(after.currentSnapshot)).toEqual({
      operation: "overwrite",
      "added-data-files": "1",
      "added-equality-delete-files": "1",
      "added-delete-files": "1",
      "added-records": "2",
      "added-equality-deletes": "3",
    });
    // Position deletes and equality deletes on the same file, and then a rewrite that takes both in.
    const both = await after.deleteRows(eq("id", 2));
    expect(await ids(both)).toEqual([0, 1, 3, 7]);
    const rewritten = await both.updateRows(eq("id", 3), { city: "LAX" }, { mode: "copy-on-write" });
    expect(await ids(rewritten)).toEqual([0, 1, 3, 7]);
  });

  test("hold in their partition, so the key has to tell it", async () => {
    const before = await (await create(2, { partitioned: true })).append([line(1, "ATL"), line(1, "ORD")]);
    await expect(before.rowDelta({ on: ["id"], deletes: [{ id: 1n }] })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    const after = await before.rowDelta({ on: ["id", "city"], deletes: [{ id: 1n, city: "ORD" }] });
    expect(await rows(after)).toEqual([{ id: 1n, city: "ATL", n: 1n }]);
    expect(after.currentSnapshot?.summary?.operation).toBe("delete");
  });

  test("go on to apply after a commit that came between", async () => {
    const before = await (await create(2)).append(lines(0, 3));
    const late = raced(before, (t) => t.append([line(1, "JFK")]));
    const after = await late.rowDelta({ on: ["id"], deletes: [{ id: 1n }] });
    expect(await ids(after)).toEqual([0, 2]);
  });
});

test.each(["copy-on-write", "merge-on-read"] as const)(
  "instants keep their nanoseconds when rows move, %s",
  async (mode) => {
    const instants = defineSchema({ id: long(), at: timestamptzNs().optional() });
    const properties = { "write.delete.mode": mode, "write.update.mode": mode, "write.merge.mode": mode };
    const options = { schema: instants, formatVersion: 3, properties } as const;
    const created = (await catalog.createTable(`n.t${tables++}`, options)).withEngine(engine) as Table;
    const at = (id: number) => `2024-03-01T13:33:20.00000000${id}+00:00`;
    const one = await created.append([0, 1, 2, 3].map((id) => ({ id: BigInt(id), at: at(id) })));
    const two = await one.deleteRows(eq("id", 0n));
    const three = await two.updateRows(eq("at", at(1)), { id: 10n });
    const four = await three.updateRows(eq("id", 2n), (row) => ({ at: row.at, id: 20n }));
    const five = await four.upsert(
      [
        { id: 3n, at: at(9) },
        { id: 4n, at: at(4) },
      ],
      { on: ["id"] },
    );
    const found = await (await engine.scan(five, five.scan())).rows();
    const shown = found.map((row) => `${row.id} ${row.at}`).sort();
    expect(shown).toEqual([`10 ${at(1)}`, `20 ${at(2)}`, `3 ${at(9)}`, `4 ${at(4)}`].sort());
  },
);

test.each([3, 150])("%i instants with nanoseconds are a key", async (count) => {
  const instants = defineSchema({ at: timestamptzNs(), n: long() });
  const options = { schema: instants, formatVersion: 3, partitionSpec: [day("at")] } as const;
  const created = (await catalog.createTable(`n.t${tables++}`, options)).withEngine(engine) as Table;
  const lines = (add: number) =>
    Array.from({ length: count }, (_, i) => ({
      at: `1969-12-31T23:59:59.999999${String(i).padStart(3, "0")}+00:00`,
      n: BigInt(i + add),
    }));
  const table = await (await created.append(lines(0))).upsert(lines(1000), { on: ["at"] });
  const found = await (await engine.scan(table, table.scan())).rows<{ n: bigint }>();
  expect(found.map(({ n }) => Number(n)).sort((a, b) => a - b)).toEqual(
    lines(1000).map(({ n }) => Number(n)),
  );
});
