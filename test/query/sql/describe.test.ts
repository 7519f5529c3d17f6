import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { date, decimal, defineSchema, long, string, struct } from "../../../lib/lakehouse/iceberg/index.js";
import { openQueryEngine, type QueryEngine } from "../../../lib/lakehouse/query/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";

const DOC = "the order's number, 'as printed'";

let engine: QueryEngine;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "describe-"));
  const catalog = await openCatalog({
    backend: ":memory:",
    store: new LocalStore(directory, { durable: false }),
  });
  await catalog.createNamespace("n");
  const columns = {
    id: long().doc(DOC),
    price: decimal(9, 2).default("1.50"),
    day: date().optional().writeDefault("2024-01-02"),
    place: struct({ city: string() }).optional(),
  };
  const schema = defineSchema(columns, { identifier: ["id"] });
  const table = await catalog.createTable("n.orders", { schema, formatVersion: 3 });
  engine = await openQueryEngine({
    resolve: async (name) => (name.join(".") === "n.orders" ? table : undefined),
  });
});

afterAll(async () => {
  await engine.close();
  await rm(directory, { recursive: true });
});

const expected = [
  { column_name: "id", column_type: "BIGINT", null: "NO", key: "PRI", default: null, extra: DOC },
  { column_name: "price", column_type: "DECIMAL(9,2)", null: "NO", key: null, default: "1.50", extra: null },
  { column_name: "day", column_type: "DATE", null: "YES", key: null, default: "2024-01-02", extra: null },
  { column_name: "place", column_type: "STRUCT(city VARCHAR)", null: "YES", key: null, default: null, extra: null }, // biome-ignore format: a row
];

test.each(["describe n.orders", "DESC n.orders;", "show n.orders", "select * from (describe n.orders)"])(
  "%s shows what is required, what identifies a row, defaults and docs",
  async (sql) => {
    expect((await (await engine.sql(sql)).rows()).map((row) => ({ ...row }))).toEqual(expected);
  },
);

test("a query and a metadata table are described as DuckDB does", async () => {
  const rows = async (sql: string) => (await engine.sql(sql)).rows();
  expect((await rows("describe select id from n.orders"))[0]).toMatchObject({
    column_name: "id",
    null: "YES",
  });
  expect((await rows("describe n.orders.snapshots")).map((row) => row.column_name)).toContain("snapshot_id");
  expect((await rows("describe n.orders.changes"))[0]).toMatchObject({ column_name: "id", null: "NO" });
});
