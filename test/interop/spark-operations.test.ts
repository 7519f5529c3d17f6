import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { THETA_SKETCH } from "../../lib/lakehouse/iceberg/files/puffin/statistics.js";
import { writePuffin } from "../../lib/lakehouse/iceberg/files/puffin/writer.js";
import {
  and,
  binary,
  bind,
  boolean,
  bucket,
  date,
  decimal,
  defineSchema,
  distinctCounts,
  double,
  type Expression,
  eq,
  expressionFromJson,
  expressionToJson,
  gt,
  gtEq,
  identity,
  isIn,
  isNaN as isNan,
  isNull,
  long,
  lt,
  ltEq,
  not,
  notEq,
  notIn,
  notNull,
  or,
  readStatistics,
  type Snapshot,
  setStatistics,
  startsWith,
  string,
  stringifyJson,
  struct,
  type Table,
  timestamp,
  timestamptz,
  updateStatistics,
  uuid,
} from "../../lib/lakehouse/iceberg/index.js";
import type { ChangesOptions, SqlRow, SqlValue } from "../../lib/lakehouse/query/index.js";
import { Engine } from "./engine.js";
import { ourLineage, ourRows, type PlainRow, plain, sorted } from "./plain.js";
import { openWorld, type World } from "./world.js";
import { flightRows, flights } from "./zoo/flights.js";

/** What is done to tables beside writes: changelogs, staged snapshots, adopted files, statistics. Against Spark's. */
let world: World;
let spark: Engine;

beforeAll(async () => {
  world = await openWorld();
  spark = new Engine("spark_engine.py");
  await spark.call("start", { folder: world.folder });
});
afterAll(async () => {
  await spark?.close();
  await world?.close();
});

const query = (sql: string) => spark.call<PlainRow[]>("query", { sql });
const run = (...statements: string[]) => spark.call<void>("run", { statements });
const FLIGHTS = "(id bigint NOT NULL, date timestamp_ntz, origin string, delay int) USING iceberg";
const insert = (table: string, first: number, count: number) =>
  `INSERT INTO ${table} SELECT id, TIMESTAMP_NTZ'2001-01-01 00:00:00', element_at(array('ATL', 'ORD'), int(id % 2) + 1), int(id) FROM range(${first}, ${first + count}, 1, 1)`;

async function expectSameRows(name: string, table: Table): Promise<void> {
  expect(await ourRows(world.engine, table)).toEqual(sorted(await query(`SELECT * FROM lake.${name}`)));
}

describe("a changelog", () => {
  const text = (rows: readonly PlainRow[]) =>
    rows.map((row) => JSON.stringify(row, Object.keys(row).sort())).sort();

  function shown(
    { _change_ordinal = null, _commit_snapshot_id = null, ...row }: SqlRow,
    net = false,
  ): PlainRow {
    const change: Record<string, SqlValue> = net ? row : { ...row, _change_ordinal, _commit_snapshot_id };
    return plain(change) as PlainRow;
  }

  async function expectSameChanges(name: string, table: Table): Promise<void> {
    const { snapshots } = table.metadata;
    const range = { from: snapshots[0]?.snapshotId, to: snapshots.at(-2)?.snapshotId };
    const cases: readonly (readonly [string, ChangesOptions])[] = [
      ["", { on: [] }],
      [", identifier_columns => array('id')", { on: ["id"] }],
      [", net_changes => true", { on: [], net: true }],
      [
        `, options => map('start-snapshot-id', '${range.from}', 'end-snapshot-id', '${range.to}')`,
        { ...range, on: [] },
      ],
    ];
    for (const [argument, options] of cases) {
      await run(
        `CALL lake.system.create_changelog_view(table => '${name}', changelog_view => 'changed'${argument})`,
      );
      // Spark says of a row that is left where it was written last, which may be a rewrite of others; we say where it came.
      const theirs = await query(
        options.net ? "SELECT id, date, origin, delay, _change_type FROM changed" : "SELECT * FROM changed",
      );
      const ours = await (await world.engine.changes(table, options)).rows();
      expect([argument, text(ours.map((row) => shown(row, options.net)))]).toEqual([argument, text(theirs)]);
      expect(theirs.length).toBeGreaterThan(5);
    }
  }

  test("of Spark's copy-on-write is the same for both", async () => {
    await run(
      `CREATE TABLE lake.theirs.changed ${FLIGHTS} TBLPROPERTIES ('format-version'='2')`,
      insert("lake.theirs.changed", 0, 20),
      "DELETE FROM lake.theirs.changed WHERE id IN (3, 4)",
      "UPDATE lake.theirs.changed SET delay = 1000 + delay WHERE id % 10 = 5",
      insert("lake.theirs.changed", 3, 1),
      "CALL lake.system.rewrite_data_files(table => 'theirs.changed', options => map('rewrite-all', 'true'))",
      "UPDATE lake.theirs.changed SET delay = delay - 1000 WHERE id = 5",
      "DELETE FROM lake.theirs.changed WHERE origin = 'ATL'",
    );
    await expectSameChanges("theirs.changed", await world.published("theirs.changed"));
  });

  test.each([2, 3] as const)("of our copy-on-write in v%i is the same for both", async (formatVersion) => {
    const name = `changed${formatVersion}`;
    const created = await world.create(name, {
      schema: flights,
      formatVersion,
      partitionSpec: [identity("origin")],
    });
    const one = await (await created.append(flightRows([1], 12))).append(flightRows([2], 12));
    const two = await one.updateRows(isIn("id", [1001, 1002, 2003]), { delay: 5 });
    const three = await two.upsert(flightRows([2, 3], 2), { on: ["id"] });
    const four = await three.overwrite(flightRows([1], 6), { where: eq("origin", "ATL") });
    const five = await (await four.deleteRows(isIn("id", [2004, 2005]))).append(flightRows([4], 1));
    await world.publish(five);
    await expectSameChanges(`ours.${name}`, five as unknown as Table);
  });
});

describe("staged snapshots", () => {
  const summaryOf = (table: Table): Snapshot["summary"] => table.currentSnapshot?.summary;

  test("of Spark's are published by us, and read by Spark", async () => {
    await run(
      `CREATE TABLE lake.theirs.staged ${FLIGHTS} TBLPROPERTIES ('write.wap.enabled'='true')`,
      insert("lake.theirs.staged", 0, 3),
      "SET spark.wap.id = audit-1",
      insert("lake.theirs.staged", 10, 3),
      "SET spark.wap.id = audit-2",
      insert("lake.theirs.staged", 20, 3),
      "RESET spark.wap.id",
    );
    const table = await world.published("theirs.staged");
    expect(await ourRows(world.engine, table)).toHaveLength(3);
    const staged = (id: string) => table.metadata.snapshots.find(({ summary }) => summary?.["wap.id"] === id);
    const [first, second] = [staged("audit-1"), staged("audit-2")];
    const one = await table.cherryPick(first?.snapshotId ?? 0n);
    expect(one.currentSnapshot?.snapshotId).toBe(first?.snapshotId); // It was made on top of what is current.
    const two = await one.cherryPick(second?.snapshotId ?? 0n);
    expect(summaryOf(two)).toMatchObject({
      operation: "append",
      "source-snapshot-id": String(second?.snapshotId),
      "published-wap-id": "audit-2",
    });
    await world.publish(two);
    await expectSameRows("theirs.staged", two);
    expect(await ourRows(world.engine, two)).toHaveLength(9);
    const again = "CALL lake.system.publish_changes('theirs.staged', 'audit-2')";
    await expect(run(again)).rejects.toThrow(/[Dd]uplicate|already/);
  });

  test("of ours are published by Spark, and read by us", async () => {
    const created = await world.create("staged", {
      schema: flights,
      properties: { "write.wap.enabled": "true" },
    });
    const loaded = await created.append(flightRows([1], 3));
    const one = await loaded.append(flightRows([2], 3), { wapId: "audit-1" });
    const two = await one.append(flightRows([3], 3), { wapId: "audit-2" });
    await world.publish(two);
    await expectSameRows("ours.staged", two as unknown as Table);
    const staged = two.metadata.snapshots.find(({ summary }) => summary?.["wap.id"] === "audit-2");
    await run("CALL lake.system.publish_changes('ours.staged', 'audit-1')");
    await run(`CALL lake.system.cherrypick_snapshot('ours.staged', ${staged?.snapshotId})`);
    const published = await world.published("ours.staged");
    expect(summaryOf(published)).toMatchObject({
      "source-snapshot-id": String(staged?.snapshotId),
      "published-wap-id": "audit-2",
    });
    await expectSameRows("ours.staged", published);
    expect(await ourRows(world.engine, published)).toHaveLength(9);
    await expect(published.cherryPick(staged?.snapshotId ?? 0n)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});

describe("files that Spark wrote as plain Parquet", () => {
  test("are adopted by either, Hive-style folders included", async () => {
    const folder = `file://${world.folder}/hive`;
    await run(
      `CREATE TABLE hive (id bigint, delay int, origin string) USING parquet PARTITIONED BY (origin) LOCATION '${folder}'`,
      "INSERT INTO hive SELECT id, int(id), element_at(array('ATL', 'a/b=c', null), int(id % 3) + 1) FROM range(0, 9)",
      "CREATE TABLE lake.theirs.adopted (id bigint, delay int, origin string) USING iceberg PARTITIONED BY (origin)",
      `CALL lake.system.add_files(table => 'theirs.adopted', source_table => 'hive')`,
    );
    const theirs = await world.published("theirs.adopted");
    await expectSameRows("theirs.adopted", theirs);
    await run(
      "CREATE TABLE lake.ours.adopted (id bigint, delay int, origin string) USING iceberg PARTITIONED BY (origin)",
    );
    const empty = await world.published("ours.adopted");
    const ours = await empty.addFiles([`${folder}/`]);
    await world.publish(ours);
    await expectSameRows("ours.adopted", ours);
    expect(await ourRows(world.engine, ours)).toEqual(await ourRows(world.engine, theirs));
    await run(
      "DELETE FROM lake.ours.adopted WHERE id = 4",
      "ALTER TABLE lake.ours.adopted RENAME COLUMN delay TO late",
    );
    await expectSameRows("ours.adopted", await world.published("ours.adopted"));
  });
});

describe("statistics in Puffin files", () => {
  interface Statistics {
    readonly snapshotId: string;
    readonly metadata: readonly (readonly [string, readonly number[], Readonly<Record<string, string>>])[];
    readonly blobs: readonly (readonly [string, readonly number[], number])[];
  }

  test("of Spark's are read by us, and ours by Spark", async () => {
    await run(
      `CREATE TABLE lake.theirs.measured ${FLIGHTS}`,
      insert("lake.theirs.measured", 0, 50),
      "CALL lake.system.compute_table_stats(table => 'theirs.measured', columns => array('id', 'origin'))",
    );
    const theirs = await world.published("theirs.measured");
    const [file] = theirs.metadata.statistics ?? [];
    if (file === undefined) throw new Error("Spark has recorded no statistics.");
    expect(Object.fromEntries(distinctCounts(file))).toEqual({ 1: 50n, 3: 2n });
    const sketch = await readStatistics(theirs.store, file, THETA_SKETCH, [3]);
    expect(sketch?.length).toBeGreaterThan(8);

    const ours = await (await world.create("measured", { schema: flights })).append(flightRows([1], 6));
    const { snapshotId = 0n, sequenceNumber = 0n } = ours.currentSnapshot ?? {};
    const blob = { type: THETA_SKETCH, fields: [3], snapshotId, sequenceNumber, properties: { ndv: "2" } };
    const written = await writePuffin(ours.store, `${ours.location}/metadata/stats.puffin`, [
      { ...blob, data: sketch ?? new Uint8Array() },
    ]);
    const update = setStatistics(written, snapshotId);
    const recorded = await ours.update([
      updateStatistics({ set: update.action === "set-statistics" ? [update.statistics] : [] }),
    ]);
    await world.publish(recorded);
    const seen = await spark.call<Statistics[]>("statistics", { name: "lake.ours.measured" });
    expect(seen).toEqual([
      {
        snapshotId: String(snapshotId),
        metadata: [[THETA_SKETCH, [3], { ndv: "2" }]],
        blobs: [[THETA_SKETCH, [3], sketch?.length]],
      },
    ]);
  });
});

describe("the summaries of the same operations, and in v3 the lineage of their rows", () => {
  /** Without names of the engine and what depends on how many bytes a writer needs. */
  function counts(summary: Readonly<Record<string, string>> | undefined): Record<string, string> {
    const shown = Object.entries(summary ?? {}).filter(([key]) =>
      /^(operation|added|deleted|removed|total|changed)/.test(key),
    );
    return Object.fromEntries(shown.filter(([key]) => !key.endsWith("-size")));
  }

  test.each([
    [1, "copy-on-write"],
    [2, "copy-on-write"],
    [2, "merge-on-read"],
    [3, "copy-on-write"],
    [3, "merge-on-read"],
  ] as const)("in v%i, %s, are the same", async (formatVersion, mode) => {
    const name = `summed${formatVersion}${mode.replaceAll("-", "_")}`;
    const properties = { "write.delete.mode": mode, "write.update.mode": mode, "write.merge.mode": mode };
    const set = Object.entries({ ...properties, "format-version": String(formatVersion) });
    const t = `lake.theirs.${name}`;
    await run(
      `CREATE TABLE ${t} ${FLIGHTS} TBLPROPERTIES (${set.map(([key, value]) => `'${key}'='${value}'`).join(", ")})`,
      insert(t, 0, 20),
      `DELETE FROM ${t} WHERE id IN (3, 4)`,
      `DELETE FROM ${t} WHERE id = 5`,
      `UPDATE ${t} SET delay = 9 WHERE id = 6`,
      insert(t, 100, 5),
      `DELETE FROM ${t} WHERE id >= 100`,
      `DELETE FROM ${t}`,
    );
    const theirs = await world.published(`theirs.${name}`);
    const rows = (first: number, count: number) =>
      Array.from({ length: count }, (_, i) => ({
        id: first + i,
        date: "2001-01-01T00:00:00",
        origin: i % 2 ? "ORD" : "ATL",
        delay: first + i,
      }));
    const one = await (await world.create(name, { schema: flights, formatVersion, properties })).append(
      rows(0, 20),
    );
    const two = await one.deleteRows(isIn("id", [3, 4]));
    const three = await two.deleteRows(eq("id", 5));
    const four = await three.updateRows(eq("id", 6), { delay: 9 });
    const five = await four.append(rows(100, 5));
    const six = await five.deleteRows({ type: "gt-eq", term: "id", value: 100 });
    const seven = await six.truncate();
    expect(seven.metadata.snapshots.map(({ summary }) => counts(summary))).toEqual(
      theirs.metadata.snapshots.map(({ summary }) => counts(summary)),
    );
    if (formatVersion < 3) return;
    // Rows have the same ids, and were last changed by the same commits.
    const lineage = (table: Table) =>
      Promise.all(
        table.metadata.snapshots.map(({ snapshotId }) => ourLineage(world.engine, table, { snapshotId })),
      );
    expect(await lineage(seven as unknown as Table)).toEqual(await lineage(theirs));
    expect(seven.metadata.nextRowId).toBe(theirs.metadata.nextRowId);
  });
});

describe("filters as the REST catalog's JSON", () => {
  test("mean the same to Java, and what Java makes of them the same to us", async () => {
    const schema = defineSchema({
      id: long(),
      day: date().optional(),
      at: timestamp().optional(),
      instant: timestamptz().optional(),
      price: decimal(9, 2).optional(),
      ratio: double().optional(),
      key: uuid().optional(),
      bytes: binary().optional(),
      name: string().optional(),
      ok: boolean().optional(),
      place: struct({ city: string().optional() }).optional(),
    });
    await world.publish(await world.create("filtered", { schema }));
    const filters: Expression[] = [
      eq("id", 9223372036854775807n),
      gt("day", "2024-02-29"),
      lt("at", "2024-03-01T13:33:20.123456"),
      ltEq("instant", "2024-03-01T13:33:20.123456+00:00"),
      notEq("price", "12.30"),
      gtEq("ratio", -0.1),
      isNan("ratio"),
      eq("key", "f79c3e09-677c-4bbd-a479-3f349cb785e7"),
      isIn("bytes", [Uint8Array.of(0, 255), Uint8Array.of(1)]),
      notIn("name", ["a", 'b"c']),
      startsWith("name", "New"),
      eq("ok", true),
      isNull("place.city"),
      eq(bucket("id", 16), 3),
      or(and(eq("id", 1), notNull("name")), not(lt("id", 5))),
    ];
    const texts = filters.map((filter) => stringifyJson(expressionToJson(filter, schema)));
    const theirs = await spark.call<string[]>("expressions", { name: "lake.ours.filtered", filters: texts });
    for (const [i, filter] of filters.entries()) {
      expect(bind(schema, expressionFromJson(theirs[i] ?? "", schema))).toEqual(bind(schema, filter));
    }
  });
});
