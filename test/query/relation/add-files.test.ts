import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type CreateTableOptions, openCatalog } from "../../../lib/lakehouse/catalog/index.js";
import {
  date,
  day,
  defineSchema,
  eq,
  gt,
  identity,
  int,
  long,
  type RowOf,
  string,
  struct,
  type Table,
  timestamp,
  UpdatePartitionSpec,
  UpdateSchema,
} from "../../../lib/lakehouse/iceberg/index.js";
import { openQueryEngine, type QueryEngine } from "../../../lib/lakehouse/query/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";

const schema = defineSchema({
  id: long(),
  city: string(),
  at: timestamp().optional(),
  place: struct({ zip: string().optional() }).optional(),
});

let directory: string;
let store: LocalStore;
let engine: QueryEngine;
let catalog: Awaited<ReturnType<typeof openCatalog>>;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "query-add-"));
  store = new LocalStore(directory, { durable: false });
  engine = await openQueryEngine({ resolve: async () => undefined });
  catalog = await openCatalog({ backend: ":memory:", store });
  await catalog.createNamespace("n");
});
afterEach(async () => {
  await engine.close();
  await catalog.close();
  await rm(directory, { recursive: true });
});

/** Writes a file as an engine that knows nothing of Iceberg does, and gives its URI. */
async function write(name: string, select: string): Promise<string> {
  const file = path.join(directory, name);
  await mkdir(path.dirname(file), { recursive: true });
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(`COPY (${select}) TO '${file}' (FORMAT parquet)`);
  connection.closeSync();
  instance.closeSync();
  return `${store.root}/${name}`;
}

const create = async (options: Omit<CreateTableOptions<RowOf<typeof schema>>, "schema"> = {}) =>
  (await catalog.createTable("n.t", { schema, ...options })).withEngine(engine) as Table;
const rows = async (table: Table, options = {}) =>
  (await (await engine.scan(table, table.scan(options))).rows()).sort((a, b) => Number(a.id) - Number(b.id));

const PEOPLE =
  "SELECT i::BIGINT AS id, 'c' || i AS city, TIMESTAMP '2024-03-01' + to_hours(i::INT) AS at, {'zip': i::VARCHAR} AS place FROM range(3) t(i)";

describe("files that are adopted", () => {
  test("are matched by name, with metrics from their footers; the table gets a name mapping", async () => {
    const uri = await write("in/a.parquet", PEOPLE);
    const after = await (await create()).addFiles([uri]);
    expect(await rows(after)).toEqual([
      { id: 0n, city: "c0", at: "2024-03-01T00:00:00.000000", place: { zip: "0" } },
      { id: 1n, city: "c1", at: "2024-03-01T01:00:00.000000", place: { zip: "1" } },
      { id: 2n, city: "c2", at: "2024-03-01T02:00:00.000000", place: { zip: "2" } },
    ]);
    const [file] = await after.inspect.files();
    expect(file).toMatchObject({ filePath: uri, recordCount: 3n });
    expect(after.currentSnapshot?.summary).toMatchObject({ operation: "append", "added-records": "3" });
    expect((await after.scan({ filter: gt("id", 5) }).planAll()).tasks).toEqual([]);
    expect(after.properties["schema.name-mapping.default"]).toContain('"city"');
    // The name in the file goes on to mean the column that was called so.
    const renamed = await after.update([new UpdateSchema().renameColumn("city", "town")]);
    expect((await rows(renamed, { select: ["id", "town"] }))[1]).toEqual({ id: 1n, town: "c1" });
    const deleted = await after.deleteRows(eq("id", 1), { mode: "merge-on-read" });
    expect((await rows(deleted, { select: ["id"] })).map(({ id }) => id)).toEqual([0n, 2n]);
  });

  test("have the values of columns that came when the table was replaced, and before it those of then", async () => {
    const first = await (await create()).addFiles([await write("in/a.parquet", PEOPLE)]);
    const before = first.currentSnapshot?.snapshotId ?? 0n;
    const schema = defineSchema({ city: string(), population: long().optional(), id: long() });
    const replaced = await first.replace({ schema }, [{ city: "Oslo", population: 1n, id: 8n }]);
    const uri = await write(
      "in/b.parquet",
      "SELECT 9::BIGINT AS id, 'Voss' AS city, 5::BIGINT AS population",
    );
    const after = await (replaced as Table).addFiles([uri]);
    expect(await rows(after)).toEqual([
      { city: "Oslo", population: 1n, id: 8n },
      { city: "Voss", population: 5n, id: 9n },
    ]);
    const old = await rows(after, { snapshotId: before });
    expect(old[1]).toEqual({
      id: 1n,
      city: "c1",
      at: "2024-03-01T01:00:00.000000",
      place: { zip: "1" },
    });
  });

  test("keep a name for the column that had it first, also where the table is replaced by one that has it anew", async () => {
    const first = await (await create()).addFiles([await write("in/a.parquet", PEOPLE)]);
    const dropped = await first.update([new UpdateSchema().dropColumn("at")]);
    const schema = defineSchema({ id: long(), at: timestamp().optional() });
    const replaced = await (dropped as Table).replace({ schema }, [{ id: 8n, at: new Date(0) }]);
    const uri = await write("in/b.parquet", "SELECT 9::BIGINT AS id, TIMESTAMP '2024-01-01' AS at");
    for (const ignoreExtraColumns of [true, false]) {
      await expect((replaced as Table).addFiles([uri], { ignoreExtraColumns })).rejects.toMatchObject({
        code: "SCHEMA_MISMATCH",
        message: expect.stringContaining("by the table's name mapping"),
      });
    }
  });

  test("of Hive-style folders get their partition from the path", async () => {
    const select = "SELECT i::BIGINT AS id FROM range(2) t(i)";
    await write("hive/city=New%20York/a.parquet", select);
    await write("hive/city=ORD/a.parquet", "SELECT 7::BIGINT AS id");
    await write("hive/_temporary/b.parquet", select);
    const table = await create({ partitionSpec: [identity("city")] });
    const after = await table.addFiles([`${store.root}/hive/`]);
    expect((await rows(after, { select: ["id", "city"] })).map(({ id, city }) => `${id} ${city}`)).toEqual([
      "0 New York",
      "1 New York",
      "7 ORD",
    ]);
    const { tasks } = await after.scan({ filter: eq("city", "ORD") }).planAll();
    expect(tasks.map((task) => task.dataFile.partition)).toEqual([["ORD"]]);
  });

  test("are refused where a folder alone tells a column that the table is not partitioned by", async () => {
    const uri = await write("hive/at=2024-03-01/a.parquet", "SELECT 1::BIGINT AS id, 'x' AS city");
    await expect((await create()).addFiles([uri])).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining('tells its "at"'),
    });
    const renamed = await (await catalog.loadTable("n.t")).update([
      new UpdateSchema().renameColumn("at", "seen"),
    ]);
    await expect((renamed as Table).addFiles([uri])).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining('tells its "seen"'),
    });
    // What is in the file goes before what the path says of it.
    const named = await write("hive/CITY=JFK/other=1/a.parquet", PEOPLE.replace("AS at", "AS seen"));
    const table = await catalog.loadTable("n.t");
    expect(await rows(await (table.withEngine(engine) as Table).addFiles([named]))).toHaveLength(3);
  });

  test.each([
    ["at", "AT"],
    ["At", "at"],
  ])("are refused by such a folder of %s in either case, as %s", async (column, folder) => {
    const uri = await write(`hive/${folder}=noon/a.parquet`, "SELECT 1::BIGINT AS id");
    const columns = defineSchema({ id: long(), [column]: string().optional() });
    const table = await catalog.createTable("n.t", { schema: columns });
    await expect(table.addFiles([uri])).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining(`tells its "${column}"`),
    });
  });

  test("are deleted from by a column that only their partition tells, selected or not, dropped or not", async () => {
    await write("hive/city=JFK/a.parquet", "SELECT i::BIGINT AS id FROM range(2) t(i)");
    await write("hive/city=ORD/a.parquet", "SELECT 7::BIGINT AS id");
    const table = await create({ partitionSpec: [identity("city")] });
    const ids = async (of: Table) => (await rows(of, { select: ["id"] })).map(({ id }) => id);
    const both = await (await table.addFiles([`${store.root}/hive/`])).rowDelta({
      on: ["city", "id"],
      deletes: [{ city: "JFK", id: 1n }],
    });
    expect(await ids(both)).toEqual([0n, 7n]);
    const evolved = await both.update([new UpdatePartitionSpec().removeField("city")]);
    const one = await evolved.rowDelta({ on: ["city"], deletes: [{ city: "ORD" }] });
    expect(await ids(one)).toEqual([0n]);
    expect(await ids(await one.update([new UpdateSchema().dropColumn("city")]))).toEqual([0n]);
  });

  test("get the partition that their bounds leave, and are refused where these leave several", async () => {
    const one = await write("a.parquet", PEOPLE);
    const table = await create({ partitionSpec: [day("at")] });
    const after = await table.addFiles([one]);
    expect((await after.inspect.partitions())[0]?.partition).toEqual({ at_day: "2024-03-01" });
    const two = await write(
      "b.parquet",
      "SELECT i::BIGINT AS id, 'x' AS city, TIMESTAMP '2024-03-01' + to_days(i::INT) AS at FROM range(3) t(i)",
    );
    await expect(after.addFiles([two])).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("are refused twice, and where they do not fit", async () => {
    const uri = await write("a.parquet", PEOPLE);
    const table = await create();
    await expect(table.addFiles([uri, uri])).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    const after = await table.addFiles([uri]);
    await expect(after.addFiles([uri])).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    const misfits = {
      type: "SELECT 'x' AS id, 'c' AS city",
      missing: "SELECT 1::BIGINT AS id",
      extra: "SELECT 1::BIGINT AS id, 'c' AS city, 1 AS more",
      null: "SELECT 1::BIGINT AS id, NULL::VARCHAR AS city",
    };
    for (const [name, select] of Object.entries(misfits)) {
      const misfit = await write(`${name}.parquet`, select);
      await expect(after.addFiles([misfit]), name).rejects.toMatchObject({ code: "SCHEMA_MISMATCH" });
      expect(await store.head(misfit)).toBeDefined();
    }
    await expect(after.addFiles([`${store.root}/nope.parquet`])).rejects.toMatchObject({
      code: "OBJECT_NOT_FOUND",
    });
    expect((await after.refresh()).metadata.snapshots).toHaveLength(1);
  });

  test("are the same file however its location is spelled, inside the warehouse and outside", async () => {
    const outside = await mkdtemp(path.join(tmpdir(), "query-add-outside-"));
    try {
      await write("in/a.parquet", PEOPLE);
      await cp(path.join(directory, "in/a.parquet"), path.join(outside, "b.parquet"));
      let table = await create();
      table = await table.addFiles([path.relative(process.cwd(), path.join(outside, "b.parquet"))]);
      table = await table.addFiles([`${directory}/in/`]);
      expect((await table.inspect.files()).map(({ filePath }) => filePath).sort()).toEqual(
        [`file://${outside}/b.parquet`, `${store.root}/in/a.parquet`].sort(),
      );
      const { name } = path.parse(outside);
      for (const again of [
        `${outside}/b.parquet`,
        `file:${outside}/b.parquet`,
        `file://localhost${outside}/b.parquet`,
        `FILE://${outside}/b.parquet`,
        `file://${outside}//b.parquet`,
        `file://${outside}/../${name}/./b.parquet`,
        `file:${outside}/`,
        `file:${directory}/in/a.parquet`,
        `${directory}//in/../in/a.parquet`,
      ]) {
        await expect(table.addFiles([again]), again).rejects.toMatchObject({
          code: "INVALID_ARGUMENT",
          message: expect.stringContaining("is in the table already"),
        });
      }
      await expect(
        table.addFiles([`file:${outside}/b.parquet`, `file://${outside}/b.parquet`]),
      ).rejects.toMatchObject({ message: expect.stringContaining("is given twice") });
      expect(await rows(table)).toHaveLength(6);
    } finally {
      await rm(outside, { recursive: true });
    }
  });

  test("are told from folders, and from files of other formats", async () => {
    await write("in/a.parquet", PEOPLE);
    await store.put(`${store.root}/in/b.csv`, Buffer.from("id,city\n1,Oslo\n"));
    const table = await create();
    await expect(table.addFiles([`${store.root}/in`])).rejects.toMatchObject({
      code: "OBJECT_NOT_FOUND",
      remedy: `It is a folder: to add all Parquet files in it, write ${store.root}/in/.`,
    });
    const nothing = await table.addFiles([`${store.root}/no`]).catch((error: unknown) => error);
    expect(nothing).toMatchObject({ code: "OBJECT_NOT_FOUND" });
    expect(nothing).not.toHaveProperty("remedy", expect.anything());
    await expect(table.addFiles([`${store.root}/in/b.csv`])).rejects.toMatchObject({
      code: "CORRUPT_FILE",
      remedy: "Leave it out, or write it as Parquet first.",
    });
  });

  test("stay when the commit fails, and an int fits a long", async () => {
    const numbers = defineSchema({ n: long(), d: date().optional(), i: int().optional() });
    const table = await catalog.createTable("n.numbers", { schema: numbers });
    const uri = await write("n.parquet", "SELECT 5::INT AS n, DATE '2024-01-02' AS d");
    const broken = Object.create(table.committer) as Table["committer"];
    broken.commit = () => Promise.reject(new Error("down"));
    broken.load = () => table.committer.load();
    const { identifier, metadata, metadataLocation } = table;
    const failing = new (table.constructor as typeof Table)({
      identifier,
      store,
      metadata,
      metadataLocation,
      committer: broken,
    });
    await expect(failing.addFiles([uri])).rejects.toThrow("down");
    expect(await store.head(uri)).toBeDefined();
    const after = (await table.addFiles([uri])) as Table;
    expect(await rows(after)).toEqual([{ n: 5n, d: "2024-01-02", i: null }]);
  });
});
