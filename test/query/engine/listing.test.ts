import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  binary,
  date,
  decimal,
  defineSchema,
  fixed,
  int,
  type Lakehouse,
  list,
  long,
  map,
  openLakehouse,
  string,
  struct,
  timestamptz,
  uuid,
} from "../../../lib/lakehouse/index.js";

let dir: string;
let lake: Lakehouse;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "listing-"));
  lake = await openLakehouse({ root: dir, profile: "embedded" });
  await lake.createTable("a.b.Odd name's", { schema: defineSchema({ "x.y": int() }) });
  await lake.createTable("n.types", {
    schema: defineSchema({
      id: long().doc("what it's called by"),
      price: decimal(12, 2).optional(),
      day: date(),
      at: timestamptz(),
      key: uuid(),
      bytes: binary(),
      four: fixed(4),
      tags: list(string()),
      counts: map(string(), int()),
      place: struct({ lat: int(), "odd name": string() }),
    }),
  });
  await lake.createView("n.seen", "select id, day from n.types");
  const etl = await lake.branch("etl");
  await etl.createTable("etl.only", { schema: defineSchema({ one: int() }) });
});
afterAll(async () => {
  await lake.close();
  await rm(dir, { recursive: true });
});

const rows = (text: string, ref?: string) => lake.sql(text, { ref }).rows();
/** Each row as its values with spaces between. */
const lines = async (text: string, ref?: string) =>
  (await rows(text, ref)).map((row) => Object.values(row).join(" "));

const HERE = ["a.b Odd name's", "n seen", "n types"];

test("SHOW TABLES lists tables and views, on the ref that is asked for", async () => {
  expect(await lines("show tables")).toEqual(HERE);
  expect(await lines("SHOW TABLES;", "etl")).toEqual(["a.b Odd name's", "etl only", "n seen", "n types"]);
  expect(await lines("show tables from n")).toEqual(["n seen", "n types"]);
  expect(await lines("show tables from a.b")).toEqual(["a.b Odd name's"]);
  expect(await lines("show tables from nope")).toEqual([]);
});

test("SHOW SCHEMAS lists namespaces, SHOW ALL TABLES the columns too", async () => {
  expect(await lines("show schemas")).toEqual(["a", "a.b", "n"]);
  for (const text of ["show all tables", "describe"]) {
    expect(await rows(text)).toMatchObject([
      { namespace: "a.b", name: "Odd name's" },
      { namespace: "n", name: "seen" },
      { namespace: "n", name: "types" },
    ]);
    expect((await lines(text))[1]).toBe("n seen id,day BIGINT,DATE");
  }
});

test("information_schema lists the lakehouse", async () => {
  expect(await lines("select schema_name from information_schema.schemata order by all")).toEqual([
    "a",
    "a.b",
    "n",
  ]);
  const tables = "select table_schema, table_name, table_type from information_schema.tables order by all";
  expect(await lines(tables)).toEqual(["a.b Odd name's BASE TABLE", "n seen VIEW", "n types BASE TABLE"]);
  expect(await lines(tables, "etl")).toContain("etl only BASE TABLE");
  expect(
    await lines("from INFORMATION_SCHEMA.Views v select v.table_name, dialect, view_definition"),
  ).toEqual(["seen duckdb select id, day from n.types"]);
  expect(
    await rows("from information_schema.columns where table_name = 'types' and column_name = 'id'"),
  ).toMatchObject([
    { ordinal_position: 1, is_nullable: "NO", data_type: "BIGINT", column_comment: "what it's called by" },
  ]);
});

test.each(["n.types", "n.seen", 'a.b."Odd name\'s"'])(
  "%s has the columns that DESCRIBE shows",
  async (name) => {
    const [last = ""] = name
      .split(".")
      .slice(-1)
      .map((part) => part.replaceAll('"', "").replaceAll("'", "''"));
    const listed = await lines(
      `select column_name, data_type, is_nullable from information_schema.columns where table_name = '${last}' order by ordinal_position`,
    );
    expect(listed.length).toBeGreaterThan(0);
    // DuckDB puts a struct's names in quotes only where they need them.
    const bare = listed.map((line) => line.replaceAll(/"(\w+)"/g, "$1"));
    expect(await lines(`select column_name, column_type, "null" from (describe ${name})`)).toEqual(bare);
  },
);

test.each([
  "select * from information_schema.key_column_usage",
  "select * from pg_catalog.pg_class",
  "select * from duckdb_tables()",
  "select * from n.types join Duckdb_Columns() on true",
  "show databases",
])("%s, which would tell of the engine, is refused", async (text) => {
  await expect(rows(text)).rejects.toMatchObject({ code: "INVALID_SQL" });
});

test("a table of the lakehouse may be in a namespace of that name", async () => {
  const branch = await lake.branch("odd");
  await branch.createTable("information_schema.mine", { schema: defineSchema({ one: int() }) });
  expect(await lines("select * from information_schema.mine", "odd")).toEqual([]);
});
