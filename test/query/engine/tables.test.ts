import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BranchingCatalog, openCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { isLakehouseError } from "../../../lib/lakehouse/errors.js";
import {
  day,
  decimal,
  defineSchema,
  fixed,
  gt,
  int,
  long,
  string,
  type Table,
  timestamp,
  timestamptz,
  uuid,
} from "../../../lib/lakehouse/iceberg/index.js";
import { openQueryEngine, type QueryEngine } from "../../../lib/lakehouse/query/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";

let dir: string;
let catalog: BranchingCatalog;
let engine: QueryEngine;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "query-tables-"));
  const store = new LocalStore(join(dir, "warehouse"), { durable: false });
  catalog = await openCatalog({ backend: join(dir, "catalog.db"), store });
  await catalog.createNamespace(["n"]);
  engine = await openQueryEngine({
    resolve: async (name, { ref }) => {
      const on = ref === undefined ? catalog : catalog.on(ref);
      return on
        .loadTable({ namespace: name.slice(0, -1), name: name.at(-1) ?? "" })
        .catch((error: unknown) =>
          isLakehouseError(error, "NO_SUCH_TABLE") ? undefined : Promise.reject(error),
        );
    },
  });
});
afterAll(async () => {
  await engine.close();
  await catalog.close();
  await rm(dir, { recursive: true });
});

const flights = defineSchema({ date: timestamp(), delay: int(), origin: string() });
const rows = async (sql: string) => (await engine.sql(sql)).rows();

describe("a table of the catalog", () => {
  let table: Table;
  beforeAll(async () => {
    table = (await catalog.createTable("n.flights", {
      schema: flights,
      partitionSpec: [day("date")],
    })) as Table;
    for (let d = 1; d <= 3; d++) {
      table = await table.append(
        Array.from({ length: 10 }, (_, i) => ({
          date: `2001-01-0${d}T0${i}:00:00`,
          delay: d * 10 + i,
          origin: i % 2 ? "ATL" : "ORD",
        })),
      );
    }
  });

  test("is read whole, and pruned by what WHERE says", async () => {
    expect(await rows("select count(*) as c, sum(delay) as s from n.flights")).toEqual([{ c: 30n, s: 735n }]);
    const result = await engine.sql("select count(*) as c from n.flights where date >= '2001-01-03'");
    expect(await result.rows()).toEqual([{ c: 10n }]);
    expect(result.tables).toMatchObject([{ name: "n.flights", dataFiles: 1, skippedDataFiles: 2 }]);
  });

  test("is read as it was, by snapshot, by time, and by its own refs", async () => {
    const [first, second] = table.metadata.snapshots;
    expect(await rows(`select count(*) as c from n.flights for version as of ${first?.snapshotId}`)).toEqual([
      { c: 10n },
    ]);
    expect(await rows("select count(*) as c from n.flights for version as of 'main'")).toEqual([{ c: 30n }]);
    const when = new Date(Number(second?.timestampMs)).toISOString();
    const [row] = await rows(`select count(*) as c from n.flights for timestamp as of '${when}'`);
    expect(Number(row?.c)).toBeGreaterThanOrEqual(20);
    const at = await engine.sql("select count(*) as c from n.flights", {
      at: table.metadata.snapshots.at(-1)?.timestampMs ?? 0n,
    });
    expect(await at.rows()).toEqual([{ c: 30n }]);
    await expect(engine.sql("select * from n.flights for version as of 1")).rejects.toMatchObject({
      code: "NO_SUCH_SNAPSHOT",
    });
    await expect(engine.sql("select * from n.flights for timestamp as of 'soon'")).rejects.toMatchObject({
      code: "INVALID_SQL",
    });
  });

  test("shows a new snapshot at once, and the old one to those who hold it", async () => {
    const before = await catalog.loadTable("n.flights");
    await before.append([{ date: "2001-01-09T00:00:00", delay: 1, origin: "LAX" }]);
    expect(await rows("select count(*) as c from n.flights")).toEqual([{ c: 31n }]);
    expect(await (await engine.scan(before, before.scan({ select: ["origin"] }))).toArrow()).toMatchObject({
      numRows: 30,
      numCols: 1,
    });
  });

  test("is read as far as given tasks go: the files of an increment", async () => {
    const [first] = table.metadata.snapshots;
    const tasks = await table.incrementalAppends({ from: first?.snapshotId });
    const read = async (given = tasks) =>
      (await engine.scan(table, table.scan({ select: ["delay"] }), { tasks: given })).rows();
    const delays = (await read()).map(({ delay }) => Number(delay));
    expect([delays.length, Math.min(...delays), Math.max(...delays)]).toEqual([20, 20, 39]);
    expect(await read(tasks.slice(1))).toHaveLength(10);
    expect(await (await engine.scan(table, table.scan())).rows()).toHaveLength(30);
    expect(await read([])).toEqual([]);
  });

  test("gives a scan's rows: its columns, where its filter is true", async () => {
    const current = await catalog.loadTable("n.flights");
    const scan = current.scan({ select: ["origin"], filter: gt("delay", 37) });
    const result = await engine.scan(current, scan);
    expect(await result.rows()).toEqual([{ origin: "ORD" }, { origin: "ATL" }]);
    expect(result.schema.fields[0]?.metadata.get("PARQUET:field_id")).toBe("3");
  });

  test("tells of itself in its metadata tables", async () => {
    expect(
      await rows(
        "select operation, summary['added-records'] as added from n.flights.snapshots order by committed_at limit 1",
      ),
    ).toEqual([{ operation: "append", added: "10" }]);
    expect(await rows("select count(*) as c, sum(record_count)::bigint as r from n.flights.files")).toEqual([
      { c: 4n, r: 31n },
    ]);
    expect(
      await rows("select partition['date_day'] as d from n.flights.partitions order by d limit 1"),
    ).toEqual([{ d: "2001-01-01" }]);
    expect(await rows("select name, type from n.flights.refs")).toEqual([{ name: "main", type: "branch" }]);
    expect((await rows("from n.flights.history")).length).toBe(4);
    expect(
      (await rows("select * from n.flights.manifests m where m.content = 'data'")).length,
    ).toBeGreaterThan(0);
    expect((await rows("describe n.flights.files"))[0]?.column_name).toBe("content");
  });
});

test("gives a query's batches back to a table, exactly", async () => {
  const schema = defineSchema({
    id: long(),
    price: decimal(38, 4).optional(),
    seen: timestamptz().optional(),
    key: uuid().optional(),
    code: fixed(3).optional(),
  });
  const source = (await catalog.createTable("n.exact", { schema })) as Table;
  const row = {
    id: 9007199254740993n,
    price: "1234567890123456789012345678901234.5678",
    seen: "2024-03-01T13:33:20.000001+00:00",
    key: "00112233-4455-6677-8899-aabbccddeeff",
    code: new Uint8Array([1, 2, 3]),
  };
  await source.append([row, { id: 1n, price: null, seen: null, key: null, code: null }]);
  expect(await rows("select * from n.exact order by id desc limit 1")).toEqual([row]);
  expect(await rows("select id from n.exact where key = '00112233-4455-6677-8899-aabbccddeeff'")).toEqual([
    { id: row.id },
  ]);
});

test("rewrites files for a table that changes some of their rows", async () => {
  const schema = defineSchema({ id: long(), code: fixed(2).optional(), note: string().optional() });
  const created = (await catalog.createTable("n.rewritten", { schema })) as Table;
  const table = created.withEngine(engine);
  const filled = await table.append(
    Array.from({ length: 100 }, (_, i) => ({
      id: BigInt(i),
      code: new Uint8Array([i, 1]),
      note: i % 10 === 0 ? null : `note ${i}`,
    })),
  );
  await filled.overwrite([{ id: 1000n, code: null, note: "new" }], { where: gt("id", 89n) });
  expect(
    await rows("select count(*) as c, max(id) as m, min(id) as l, count(note) as n from n.rewritten"),
  ).toEqual([{ c: 91n, m: 1000n, l: 0n, n: 82n }]);
  expect(await rows("select code from n.rewritten where id = 7")).toEqual([{ code: new Uint8Array([7, 1]) }]);
});
