import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  defineSchema,
  identifier,
  int,
  type Lakehouse,
  openLakehouse,
  sql,
  string,
  UpdateSchema,
} from "../../../lib/lakehouse/index.js";

let dir: string;
let lake: Lakehouse;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "views-"));
  lake = await openLakehouse({ root: dir, profile: "embedded" });
  const schema = defineSchema({ id: int(), name: string() });
  const table = await lake.createTable("n.t", { schema });
  await table.append([1, 2, 3, 4].map((id) => ({ id, name: `n${id}` })));
});
afterAll(async () => {
  await lake.close();
  await rm(dir, { recursive: true });
});

const rows = async (text: string) => (await lake.sql(text)).rows();

describe("a view", () => {
  test("is read as a table, by all that a table is read by", async () => {
    await lake.createView("n.late", "select id, name as label from n.t where id > 2;");
    expect(await rows("select * from n.late order by id")).toEqual([
      { id: 3, label: "n3" },
      { id: 4, label: "n4" },
    ]);
    expect(await rows("select n.late.label from n.late, n.t where late.id = t.id and t.id = 4")).toEqual([
      { label: "n4" },
    ]);
    expect(await rows("with late as (select 1 as one) select * from late")).toEqual([{ one: 1 }]);
    expect(await rows("describe n.late")).toMatchObject([
      { column_name: "id", column_type: "INTEGER" },
      { column_name: "label", column_type: "VARCHAR" },
    ]);
    expect(await rows("from n.late a join n.late b using (id) select count(*) as c")).toEqual([{ c: 2n }]);
    expect(await lake.views()).toContainEqual({ namespace: ["n"], name: "late" });
  });

  test("reads views, and prunes by its own filter", async () => {
    await lake.createView("n.base", "select * from n.t");
    await lake.createView("m.upper", "select upper(name) as name from n.base where id = 1");
    expect(await rows("select * from m.upper")).toEqual([{ name: "N1" }]);
    const none = await lake.createView("n.none", "select id from n.t where id > 100");
    expect(none.metadata.schemas[0]?.fields.map(({ name, type }) => [name, type.type])).toEqual([
      ["id", "int"],
    ]);
    expect((await lake.sql("select * from n.none")).tables[0]?.skippedDataFiles).toBe(1);
  });

  test("takes values and names from a template, and columns of its own", async () => {
    await lake.createView("n.p", sql`select ${identifier("id")} from n.t where name = ${"n2"}`, {
      columns: ['a "b"'],
    });
    expect(await rows("select * from n.p")).toEqual([{ 'a "b"': 2 }]);
    await expect(lake.createView("n.q", "select 1, 2", { columns: ["a"] })).rejects.toMatchObject({
      code: "INVALID_SQL",
    });
  });

  test("keeps the columns it was made with when its table gets more of them", async () => {
    const table = await lake.createTable("n.grows", { schema: defineSchema({ b: int(), a: int() }) });
    await table.append([{ b: 1, a: 2 }]);
    await lake.createView("n.all", "select * from n.grows");
    await (await lake.table("n.grows")).update([
      new UpdateSchema().addColumn("c", string().optional()).moveFirst("a"),
    ]);
    expect(await rows("select * from n.grows")).toEqual([{ a: 2, b: 1, c: null }]);
    expect(await rows("select * from n.all")).toEqual([{ b: 1, a: 2 }]);
    await (await lake.table("n.grows")).update([new UpdateSchema().dropColumn("a")]);
    await expect(rows("select * from n.all")).rejects.toMatchObject({ code: "INVALID_SQL" });
  });

  test("reads the tables of the ref on which it is read", async () => {
    await lake.createView("n.branched", "select count(*) as c from n.t");
    const etl = await lake.branch("etl");
    await (await etl.table("n.t")).append([{ id: 5, name: "n5" }]);
    expect(await rows("select * from n.branched@etl")).toEqual([{ c: 5n }]);
    expect(await (await etl.sql("select * from n.branched")).rows()).toEqual([{ c: 5n }]);
    expect(await rows("select * from n.branched")).toEqual([{ c: 4n }]);
    await etl.createView("n.only", "select c from n.branched");
    expect(await rows("select * from n.only@etl")).toEqual([{ c: 5n }]);
    await expect(rows("select * from n.only")).rejects.toMatchObject({ code: "NO_SUCH_TABLE" });
    const before = (await lake.table("n.t")).currentSnapshot?.timestampMs as bigint;
    expect(await (await lake.sql("select * from n.branched", { at: before })).rows()).toEqual([{ c: 4n }]);
  });

  test("is replaced by a new version of it, and not by chance", async () => {
    await lake.createView("n.r", "select 1 as a", { comment: "one" });
    await expect(lake.createView("n.r", "select 2 as a")).rejects.toMatchObject({ code: "VIEW_EXISTS" });
    const replaced = await lake.createView("n.r", "select 'two' as b", { ifExists: "replace" });
    expect(replaced.metadata).toMatchObject({ currentVersionId: 2, properties: { comment: "one" } });
    expect(await rows("select * from n.r")).toEqual([{ b: "two" }]);
    await lake.dropView("n.r");
    await expect(rows("select * from n.r")).rejects.toMatchObject({ code: "NO_SUCH_TABLE" });
    await expect(lake.createView("n.t", "select 1 as a")).rejects.toMatchObject({ code: "TABLE_EXISTS" });
  });

  test("that reads itself is refused when it is made, and when it came to be so", async () => {
    await lake.createView("n.c1", "select 1 as a");
    await lake.createView("n.c2", "select a from n.c1");
    await expect(
      lake.createView("n.c1", "select a from n.c2", { ifExists: "replace" }),
    ).rejects.toMatchObject({
      code: "INVALID_SQL",
      message: expect.stringContaining("The view n.c1 reads itself: n.c1 reads n.c2 reads n.c1."),
    });
    const text = (from: string) => ({
      schema: defineSchema({ a: int() }),
      defaultNamespace: ["n"],
      representations: [{ type: "sql", dialect: "duckdb", sql: `select a from ${from}` }] as const,
    });
    await lake.catalog.createView("n.x", text("n.y"));
    await lake.catalog.createView("n.y", text("x"));
    await expect(rows("select * from n.x")).rejects.toThrow(
      "The view n.x reads itself: n.x reads n.y reads n.x.",
    );
  });

  test.each([
    ["select gone from n.t", "gone"],
    ["select * from n.gone", "There is no table n.gone"],
    ["select id, id as ID from n.t", "would have the column"],
    ["delete from n.t", "syntax error"],
    ["select 1 as a; select 2", "syntax error"],
  ])("of %s is refused", async (query, message) => {
    await expect(lake.createView("n.bad", query)).rejects.toThrow(message);
    expect(await lake.catalog.viewExists("n.bad")).toBe(false);
  });

  test("whose table went says so, and which view it is", async () => {
    await lake.createTable("n.gone", { schema: defineSchema({ id: int() }) });
    await lake.createView("n.lost", "select id from n.gone");
    await lake.dropTable("n.gone");
    await expect(rows("select * from n.lost")).rejects.toThrow(
      "The view n.lost cannot be read: There is no table n.gone",
    );
  });

  test("has no versions of its own rows", async () => {
    await lake.createView("n.v", "select id from n.t");
    await expect(rows("select * from n.v for version as of 1")).rejects.toThrow(
      "n.v is a view, which has no snapshots",
    );
  });
});

describe("CREATE VIEW", () => {
  test("makes a view, as it was written, with values in it and on the branch that it says", async () => {
    await lake.sql("create view n.made (a, b) as select id, name from n.t where id = ? or name = ?;", {
      params: [1, "n2"],
    });
    expect(await rows("select * from n.made order by a")).toEqual([
      { a: 1, b: "n1" },
      { a: 2, b: "n2" },
    ]);
    await lake.branch("made");
    await lake.sql("create or replace view n.made@made as select count(*) as c from n.t@main, n.t");
    expect(await rows("select * from n.made@made")).toEqual([{ c: 16n }]);
    expect(await rows("select count(*) as c from n.made")).toEqual([{ c: 2n }]);
    await lake.sql("create view if not exists n.made as select 1 as one");
    await expect(rows("create view n.made as select 1 as one")).rejects.toMatchObject({
      code: "VIEW_EXISTS",
    });
    await lake.sql("alter view n.made rename to other");
    expect(await rows("select count(*) as c from n.other")).toEqual([{ c: 2n }]);
    await lake.sql("drop view n.other");
    await expect(rows("select * from n.other")).rejects.toMatchObject({ code: "NO_SUCH_TABLE" });
  });
});

describe("a view of another engine's", () => {
  const make = async (name: string, dialect: string, text: string, more: object = {}) =>
    lake.catalog.createView(name, {
      schema: defineSchema({ a: int(), b: string() }),
      defaultNamespace: ["n"],
      representations: [{ type: "sql", dialect, sql: text }],
      ...more,
    });

  test.each([
    "SELECT id, name FROM t WHERE id = 2",
    "SELECT id AS `x``y`, name FROM n.t WHERE id = 2".replace("``", " "),
    "SELECT t.id, t.name FROM lake.n.t AS t WHERE t.id IN (2, 9) AND NOT t.name LIKE 'x%'",
    "WITH w AS (SELECT max(id) - 2 AS m, min('n2') AS k FROM t) SELECT m, k FROM w WHERE true",
    "SELECT t.id, u.name FROM t LEFT JOIN t u ON t.id = u.id WHERE t.id = 2 GROUP BY t.id, u.name HAVING count(*) = 1",
  ])("is read where it means the same: %s", async (text) => {
    await make("n.s", "Spark", text, { defaultCatalog: "lake" });
    expect(await rows("select * from n.s")).toEqual([{ a: 2, b: "n2" }]);
    await lake.dropView("n.s");
  });

  test("is read by the names that Spark has for its columns", async () => {
    await make("n.named", "spark", "SELECT name, id FROM t WHERE id = 3", {
      properties: { "spark.query-column-names": "id,name" },
    });
    expect(await rows("select * from n.named")).toEqual([{ a: 3, b: "n3" }]);
  });

  test.each([
    ["SELECT id / 2, name FROM t", "/"],
    ['SELECT id, "name" FROM t', "name"],
    ["SELECT id, 'a\\tb' FROM t", "a\\tb"],
    ["SELECT id, name FROM t ORDER BY id", "ORDER BY"],
    ["SELECT id, name FROM t LIMIT 1", "limit"],
    ["SELECT cast(name AS int), name FROM t", "cast"],
    ["SELECT id, date_format(name, 'y') FROM t", "date_format"],
    ["SELECT current_date, name FROM t", "current_date"],
    ["SELECT sum(id) OVER (), name FROM t", "window"],
    ["WITH w AS (SELECT id % 2 AS id, name FROM t) SELECT id, name FROM w", "%"],
  ])("is refused where it may not: %s", async (text, what) => {
    await make("n.s", "spark", text);
    const refused = rows("select * from n.s");
    try {
      await expect(refused).rejects.toMatchObject({
        code: "INVALID_SQL",
        message: expect.stringContaining(what),
      });
    } finally {
      await lake.dropView("n.s");
    }
  });

  test("of a dialect that is not read says which it has", async () => {
    await make("n.trino", "trino", "SELECT id, name FROM t");
    await expect(rows("select * from n.trino")).rejects.toThrow("its dialects are trino");
  });
});
