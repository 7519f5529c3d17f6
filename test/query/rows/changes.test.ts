import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BranchingCatalog, openCatalog } from "../../../lib/lakehouse/catalog/index.js";
import {
  and,
  defineSchema,
  eq,
  type FormatVersion,
  gtEq,
  isIn,
  list,
  long,
  lt,
  map,
  notEq,
  type SnapshotId,
  string,
  struct,
  type Table,
  timestamp,
  UpdateSchema,
  type WriteMode,
} from "../../../lib/lakehouse/iceberg/index.js";
import {
  type ChangesOptions,
  openQueryEngine,
  type QueryEngine,
} from "../../../lib/lakehouse/query/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { runs } from "../../support/runs.js";

const schema = defineSchema({ id: long(), city: string(), n: long().optional() }, { identifier: ["id"] });

let directory: string;
let engine: QueryEngine;
let catalog: BranchingCatalog;
let tables = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "query-changes-"));
  catalog = await openCatalog({ backend: ":memory:", store: new LocalStore(directory, { durable: false }) });
  engine = await openQueryEngine({
    resolve: async (name) =>
      (await catalog.tableExists(name.join("."))) ? catalog.loadTable(name.join(".")) : undefined,
  });
  await catalog.createNamespace("n");
});

afterAll(async () => {
  await engine.close();
  await catalog.close();
  await rm(directory, { recursive: true });
});

async function create(formatVersion: FormatVersion, mode: WriteMode, name = `t${tables++}`): Promise<Table> {
  const properties = { "write.delete.mode": mode, "write.update.mode": mode, "write.merge.mode": mode };
  const table = await catalog.createTable(`n.${name}`, { schema, formatVersion, properties });
  return table.withEngine(engine) as Table;
}

const row = (id: number, city: string, n: number | null = null) => ({
  id: BigInt(id),
  city,
  n: n === null ? null : BigInt(n),
});

/** Each change as `ordinal TYPE id city n`. */
async function changes(table: Table, options: ChangesOptions = {}): Promise<string[]> {
  const found = await (await engine.changes(table, options)).rows();
  return found.map((r) => `${r._change_ordinal} ${r._change_type} ${r.id} ${r.city} ${r.n}`);
}

const idOf = (table: Table): SnapshotId => table.currentSnapshot?.snapshotId as SnapshotId;

const KINDS: readonly (readonly [FormatVersion, WriteMode])[] = [
  [1, "copy-on-write"],
  [2, "copy-on-write"],
  [2, "merge-on-read"],
  [3, "copy-on-write"],
  [3, "merge-on-read"],
];

describe.each(KINDS)("changes of a table in format version %i, %s", (formatVersion, mode) => {
  test("inserts, deletes and updates, without the rows that were only written again", async () => {
    const one = await (await create(formatVersion, mode)).append([
      row(1, "ATL", 1),
      row(2, "ATL", 2),
      row(3, "ORD", 3),
    ]);
    const two = await one.deleteRows(eq("id", 2n));
    const three = await two.updateRows(eq("id", 1n), { n: 10n });
    const four = await three.upsert([row(3, "ORD", 3), row(4, "JFK", 4)], { on: ["id"] });
    const all = [
      "0 INSERT 1 ATL 1",
      "0 INSERT 2 ATL 2",
      "0 INSERT 3 ORD 3",
      "1 DELETE 2 ATL 2",
      "2 UPDATE_BEFORE 1 ATL 1",
      "2 UPDATE_AFTER 1 ATL 10",
      "3 INSERT 4 JFK 4",
    ];
    expect(await changes(four)).toEqual(all);
    expect(await changes(four, { from: idOf(one), to: idOf(three) })).toEqual([
      "0 DELETE 2 ATL 2",
      "1 UPDATE_BEFORE 1 ATL 1",
      "1 UPDATE_AFTER 1 ATL 10",
    ]);
    expect(await changes(four, { from: idOf(four) })).toEqual([]);
    expect(await changes(four, { from: idOf(two), on: [] })).toEqual([
      "0 DELETE 1 ATL 1",
      "0 INSERT 1 ATL 10",
      "1 INSERT 4 JFK 4",
    ]);
    expect(await changes(four, { net: true, from: idOf(one) })).toEqual([
      "0 DELETE 2 ATL 2",
      "1 UPDATE_BEFORE 1 ATL 1",
      "1 UPDATE_AFTER 1 ATL 10",
      "2 INSERT 4 JFK 4",
    ]);
    expect(await changes(four, { net: true })).toEqual([
      "0 INSERT 3 ORD 3",
      "2 INSERT 1 ATL 10",
      "3 INSERT 4 JFK 4",
    ]);
  });

  test("are those that take one snapshot's rows to another's, whatever was done in between", async () => {
    type Line = ReturnType<typeof row>;
    const key = (r: Line | Record<string, unknown>) => `${r.id} ${r.city} ${r.n}`;
    const value = fc.integer({ min: 0, max: 3 });
    const line = fc.tuple(fc.integer({ min: 0, max: 5 }), fc.constantFrom("ATL", "ORD"), fc.option(value));
    const rows = fc.array(
      line.map(([id, city, n]) => row(id, city, n)),
      { minLength: 1, maxLength: 4 },
    );
    const step = fc.oneof(
      rows.map((r) => (t: Table) => t.append(r)),
      value.map((n) => (t: Table) => t.deleteRows(eq("n", BigInt(n)))),
      fc.tuple(value, value).map(
        ([n, m]) =>
          (t: Table) =>
            t.updateRows(gtEq("n", BigInt(n)), { n: BigInt(m) }),
      ),
      rows.map((r) => (t: Table) => t.overwrite(r, { where: eq("city", "ATL") })),
      rows.map((r) => (t: Table) => t.upsert(distinct(r), { on: ["id"] })),
      rows.map(
        (r) => (t: Table) =>
          formatVersion === 1
            ? t.append(r)
            : t.rowDelta({ on: ["id"], deletes: r.map(({ id }) => ({ id })), rows: r }),
      ),
      fc.constant((t: Table) => t.truncate()),
    );
    const distinct = (given: readonly Line[]) => [...new Map(given.map((r) => [r.id, r])).values()];
    const count = (lines: readonly (Line | Record<string, unknown>)[]) => {
      const counts = new Map<string, number>();
      for (const each of lines) counts.set(key(each), (counts.get(key(each)) ?? 0) + 1);
      return counts;
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 2, maxLength: 5 }),
        fc.nat(),
        fc.nat(),
        async (steps, a, b) => {
          let table = await create(formatVersion, mode);
          for (const apply of steps) table = await apply(table);
          const { snapshots } = table.metadata;
          if (snapshots.length === 0) return;
          const [from, to] = [a % snapshots.length, b % snapshots.length].sort((x, y) => x - y);
          const range = { from: snapshots[from ?? 0]?.snapshotId, to: snapshots[to ?? 0]?.snapshotId };
          const at = async (snapshotId: SnapshotId | undefined) =>
            count(await (await engine.scan(table, table.scan({ snapshotId }))).rows());
          const [before, after] = [await at(range.from), await at(range.to)];
          for (const options of [{}, { net: true }, { on: [] }, { net: true, on: [] }]) {
            const found = await (await engine.changes(table, { ...range, ...options })).rows();
            const now = new Map(before);
            const seen = new Map<string, Set<string>>();
            for (const change of found) {
              const came = change._change_type === "INSERT" || change._change_type === "UPDATE_AFTER";
              now.set(key(change), (now.get(key(change)) ?? 0) + (came ? 1 : -1));
              const place = `${options.net ? "" : change._change_ordinal} ${key(change)}`;
              seen.set(place, (seen.get(place) ?? new Set()).add(came ? "came" : "went"));
            }
            expect(new Map([...now].filter(([, n]) => n !== 0))).toEqual(after);
            // No row that was only written again.
            expect([...seen.values()].every((kinds) => kinds.size === 1)).toBe(true);
          }
        },
      ),
      { numRuns: runs(12) },
    );
  });
});

describe("changes", () => {
  test("of equality deletes and of deletion vectors that grow", async () => {
    const one = await (await create(3, "merge-on-read")).append([1, 2, 3, 4].map((id) => row(id, "ATL", id)));
    const two = await one.deleteRows(eq("id", 1n));
    const three = await two.deleteRows(isIn("id", [1n, 2n]));
    const four = await three.rowDelta({ deletes: [{ id: 3n }, { id: 1n }, { id: 9n }] });
    expect(await changes(four, { from: idOf(one) })).toEqual([
      "0 DELETE 1 ATL 1",
      "1 DELETE 2 ATL 2",
      "2 DELETE 3 ATL 3",
    ]);
    expect(await changes(four, { from: idOf(one), net: true })).toEqual([
      "0 DELETE 1 ATL 1",
      "1 DELETE 2 ATL 2",
      "2 DELETE 3 ATL 3",
    ]);
  });

  test("pass over a compaction, and number the snapshots without it", async () => {
    const one = await (await create(2, "copy-on-write")).append([row(1, "ATL")]);
    const two = await one.append([row(2, "ATL")]);
    const { tasks } = await two.scan().planAll();
    const merged = await (await create(2, "copy-on-write")).append([row(1, "ATL"), row(2, "ATL")]);
    const added = (await merged.scan().planAll()).tasks.map((task) => task.dataFile);
    const three = await two.rewriteFiles({
      removedDataFiles: tasks.map((task) => task.dataFile),
      addedDataFiles: added,
    });
    expect(await changes(await three.deleteRows(eq("id", 1n)))).toEqual([
      "0 INSERT 1 ATL null",
      "1 INSERT 2 ATL null",
      "2 DELETE 1 ATL null",
    ]);
  });

  test("show a file that came back for each time that it came and went", async () => {
    const one = await (await create(2, "copy-on-write")).append([row(1, "ATL")]);
    const two = await one.truncate();
    const file = (await one.scan().planAll()).tasks.map((task) => task.dataFile);
    const three = await two.commitFiles({ operation: "append", addedDataFiles: file });
    expect(await changes(three)).toEqual([
      "0 INSERT 1 ATL null",
      "1 DELETE 1 ATL null",
      "2 INSERT 1 ATL null",
    ]);
    expect(await changes(three, { net: true })).toEqual(["2 INSERT 1 ATL null"]);
    expect(await changes(three, { net: true, from: idOf(one) })).toEqual([]);
  });

  test("count rows that are equal one by one, and make no updates of keys that are none", async () => {
    const twice = [row(1, "ATL"), row(1, "ATL"), row(1, "ATL")];
    const one = await (await create(2, "copy-on-write")).append(twice);
    const two = await one.overwrite([row(1, "ATL"), row(1, "ORD")], { where: eq("city", "ATL") });
    expect(await changes(two, { from: idOf(one) })).toEqual([
      "0 DELETE 1 ATL null",
      "0 DELETE 1 ATL null",
      "0 INSERT 1 ORD null",
    ]);
  });

  test("are filtered after they were compared, by the columns of the changes too", async () => {
    const one = await (await create(2, "copy-on-write")).append([row(1, "ATL", 1), row(2, "ORD", 2)]);
    const two = await one.updateRows(eq("id", 1n), { city: "JFK" });
    const from = idOf(one);
    expect(await changes(two, { from, filter: eq("city", "JFK") })).toEqual(["0 UPDATE_AFTER 1 JFK 1"]);
    expect(await changes(two, { filter: eq("_change_type", "UPDATE_BEFORE") })).toEqual([
      "1 UPDATE_BEFORE 1 ATL 1",
    ]);
    expect(await changes(two, { filter: and(eq("_change_ordinal", 0), notEq("city", "ATL")) })).toEqual([
      "0 INSERT 2 ORD 2",
    ]);
    expect(await changes(two, { filter: eq("_commit_snapshot_id", from) })).toHaveLength(2);
    expect(await two.changelog({}, { filter: eq("_commit_snapshot_id", from) })).toHaveLength(1);
    expect(await changes(two, { net: true, filter: eq("_commit_snapshot_id", from) })).toEqual([
      "0 INSERT 2 ORD 2",
    ]);
  });

  test("read files of older schemas as the present one has their columns", async () => {
    const one = await (await create(2, "copy-on-write")).append([row(1, "ATL")]);
    const wide = await one.update([
      new UpdateSchema().addColumn("place", struct({ code: string().optional() }).optional()),
    ]);
    const two = await wide.append([{ ...row(2, "ORD"), place: { code: "K" } }]);
    const found = await (await engine.changes(two, {})).rows();
    expect(found.map(({ id, place }) => [id, place])).toEqual([
      [1n, null],
      [2n, { code: "K" }],
    ]);
  });

  test("compare rows of every kind of nesting, and keys inside of structs", async () => {
    const nested = defineSchema({
      key: struct({ id: long() }),
      tags: list(string().optional()).optional(),
      counts: map(string(), long()).optional(),
      at: timestamp().optional(),
      Key: string().optional(),
    });
    const line = (id: number, tag: string) => ({
      key: { id: BigInt(id) },
      tags: [tag, null],
      counts: new Map([["a", BigInt(id)]]),
      at: "2024-03-01T13:33:20",
      Key: "other case",
    });
    const created = await catalog.createTable("n.nested", { schema: nested, formatVersion: 2 });
    const one = await (created.withEngine(engine) as Table).append([line(1, "a"), line(2, "b")]);
    const two = await one.overwrite([line(1, "a"), line(2, "c")], { where: lt("at", "2025-01-01T00:00:00") });
    const result = await engine.changes(two, { from: idOf(one), on: ["key.id"] });
    expect(result.schema.fields.map(({ name }) => name)).toEqual([
      ...["key", "tags", "counts", "at", "Key"],
      ...["_change_type", "_change_ordinal", "_commit_snapshot_id"],
    ]);
    const found = await result.rows();
    expect(found.map((each) => [each._change_type, each.key, each.tags])).toEqual([
      ["UPDATE_BEFORE", { id: 2n }, ["b", null]],
      ["UPDATE_AFTER", { id: 2n }, ["c", null]],
    ]);
    expect(found.map((each) => each._commit_snapshot_id)).toEqual([idOf(two), idOf(two)]);
  });

  test("are a table in SQL, up to a version, for some snapshots", async () => {
    const one = await (await create(2, "merge-on-read", "flights")).append([row(1, "ATL"), row(2, "ORD")]);
    const two = await one.deleteRows(eq("id", 1n));
    const types = async (sql: string) =>
      (await (await engine.sql(sql)).rows()).map((r) => `${r._change_type} ${r.id}`);
    expect(await types("SELECT * FROM n.flights.changes ORDER BY _change_ordinal, id")).toEqual([
      "INSERT 1",
      "INSERT 2",
      "DELETE 1",
    ]);
    expect(
      await types(`SELECT * FROM n.flights.changes FOR VERSION AS OF ${idOf(one)} c ORDER BY c.id`),
    ).toEqual(["INSERT 1", "INSERT 2"]);
    const last = await engine.sql(`SELECT * FROM n.flights.changes WHERE _commit_snapshot_id = ${idOf(two)}`);
    expect(last.tables).toMatchObject([{ name: "n.flights.changes", dataFiles: 1, deleteFiles: 1 }]);
    expect((await last.rows()).map((r) => r.id)).toEqual([1n]);
    expect(await types("SELECT * FROM n.flights.changes WHERE city = 'ORD'")).toEqual(["INSERT 2"]);
    expect((await (await engine.sql("DESCRIBE n.flights.changes")).rows()).map((r) => r.column_name)).toEqual(
      [...["id", "city", "n", "_change_type", "_change_ordinal", "_commit_snapshot_id"]],
    );
  });

  test("of an empty table are none; of snapshots that are not in one history there is an error", async () => {
    const empty = await create(2, "copy-on-write");
    expect(await changes(empty)).toEqual([]);
    expect(await changes(empty, { net: true })).toEqual([]);
    const one = await empty.append([row(1, "ATL")]);
    const two = await one.append([row(2, "ATL")]);
    await expect(changes(two, { from: idOf(two), to: idOf(one) })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await expect(changes(two, { from: 1n })).rejects.toMatchObject({ code: "NO_SUCH_SNAPSHOT" });
    await expect(changes(two, { on: ["nothing"] })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("cannot be told where the snapshot before a delete has expired", async () => {
    const one = await (await create(2, "merge-on-read")).append([row(1, "ATL"), row(2, "ATL")]);
    const two = await one.deleteRows(eq("id", 1n));
    const three = await two.update([
      {
        propose: async () => ({
          requirements: [],
          updates: [{ action: "remove-snapshots", snapshotIds: [idOf(one)] }],
        }),
        settle: async () => {},
      },
    ]);
    await expect(changes(three)).rejects.toMatchObject({ code: "NO_SUCH_SNAPSHOT" });
  });

  test("are refused with the file that is missing", async () => {
    const one = await (await create(2, "copy-on-write")).append([row(1, "ATL")]);
    const [task] = (await one.scan().planAll()).tasks;
    await one.store.delete([task?.dataFile.filePath ?? ""]);
    await expect(changes(one)).rejects.toMatchObject({ code: "OBJECT_NOT_FOUND" });
  });
});
