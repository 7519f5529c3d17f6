import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  type BranchingCatalog,
  type RestServer,
  serveRestCatalog,
} from "../../lib/lakehouse/catalog/index.js";
import {
  bucket,
  defineSchema,
  eq,
  identity,
  type Lakehouse,
  long,
  openLakehouse,
  string,
} from "../../lib/lakehouse/index.js";
import { Engine } from "./engine.js";

/** All that DuckDB's own Iceberg extension can do on our server, and what it wrote read back by us after each step. */
describe.each(["main", "etl"])("DuckDB's Iceberg extension on the branch %s", (ref) => {
  let root: string;
  let lake: Lakehouse;
  let ours: Lakehouse;
  let server: RestServer;
  let duckdb: Engine;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "rest-duckdb-"));
    lake = await openLakehouse({ root });
    ours = ref === "main" ? lake : await lake.branch(ref);
    server = await serveRestCatalog({
      catalog: lake.catalog as BranchingCatalog,
      store: lake.store,
      port: 0,
      auth: { tokens: ["letmein"] },
    });
    duckdb = new Engine("duckdb_engine.py");
    await duckdb.call("attach", {
      session: "one",
      statements: [
        `attach '' as lake (type iceberg, endpoint '${server.uri}/iceberg/${ref}', token 'letmein')`,
      ],
    });
  });
  afterAll(async () => {
    await duckdb?.close();
    await server?.close();
    await lake?.close();
    await rm(root, { recursive: true, force: true });
  });

  const ask = (sql: string) =>
    duckdb.call<{ rows: unknown[][] } | { refused: string }>("run", { session: "one", sql });

  async function run(sql: string): Promise<unknown[][]> {
    const answer = await ask(sql);
    if ("refused" in answer) throw new Error(`${sql}: ${answer.refused}`);
    return answer.rows;
  }

  async function refused(sql: string): Promise<string> {
    const answer = await ask(sql);
    return "refused" in answer ? answer.refused : `not refused: ${sql}`;
  }

  /** The rows of a table, each as JSON, after both sides gave the same ones. */
  async function rows(table: string, order = "id"): Promise<unknown[]> {
    const query = (from: string) => `select to_json(t)::varchar from ${from} as t order by ${order}`;
    const theirs = (await run(query(`lake.${table}`))).map(([json]) => JSON.parse(json as string));
    const result = await ours.sql(query(table));
    const own = (await result.rows()).map((row) => JSON.parse(Object.values(row)[0] as string));
    expect(own).toEqual(theirs);
    return own;
  }
  const ids = async (table: string) => (await rows(table)).map((row) => (row as { id: number }).id);

  const load = (name: string) => ours.table(name);

  beforeEach(async () => {
    await run("create schema if not exists lake.s");
  });

  test("makes and drops schemas", async () => {
    await run("create schema lake.short");
    expect(await refused("create schema lake.short")).toContain("AlreadyExistsException");
    expect(await ours.catalog.listNamespaces()).toContainEqual(["short"]);
    await run("create table lake.short.t as select 1::bigint as id");
    expect(await refused("drop schema lake.short")).toContain("NamespaceNotEmptyException");
    await run("drop table lake.short.t");
    await run("drop schema lake.short");
    expect(await ours.catalog.listNamespaces()).not.toContainEqual(["short"]);
  });

  test("creates, inserts, updates and deletes", async () => {
    await run(
      "create table lake.s.t (id bigint not null, name varchar, price decimal(10,2), seen timestamp, day date)",
    );
    expect(await rows("s.t")).toEqual([]);
    await run(
      "insert into lake.s.t values (1, 'a', 1.5, timestamp '2020-01-01 12:00:00', date '2020-01-01'), (2, null, null, null, null)",
    );
    expect(await rows("s.t")).toEqual([
      { id: 1, name: "a", price: 1.5, seen: "2020-01-01 12:00:00", day: "2020-01-01" },
      { id: 2, name: null, price: null, seen: null, day: null },
    ]);
    expect(await refused("insert into lake.s.t values (null, 'x', null, null, null)")).toContain("NOT NULL");
    await run("insert into lake.s.t select range, 'r' || range, range, null, null from range(10, 1010)");
    expect(await ids("s.t")).toHaveLength(1002);
    await run("update lake.s.t set name = 'it''s' where id = 2");
    await run("delete from lake.s.t where id = 1 or id >= 12");
    expect(await rows("s.t")).toMatchObject([
      { id: 2, name: "it's" },
      { id: 10, name: "r10" },
      { id: 11, name: "r11" },
    ]);
    expect(await run("select count(*), max(id) from lake.s.t where id > 2 and name like 'r%'")).toEqual([
      [2, 11],
    ]);
    await run("truncate lake.s.t");
    expect(await rows("s.t")).toEqual([]);
    const table = await load("s.t");
    expect(table.schema.fields.map(({ required }) => required)).toEqual([true, false, false, false, false]);
  });

  test("writes on after us, and we after it", async () => {
    await run("create table lake.s.shared as select range as id, 'duck' as name from range(3)");
    await (await load("s.shared")).append([{ id: 10n, name: "ours" }]);
    await run("delete from lake.s.shared where id = 1");
    await run("update lake.s.shared set name = 'duck too' where id = 10");
    await (await load("s.shared")).deleteRows(eq("id", 0n));
    expect(await rows("s.shared")).toEqual([
      { id: 2, name: "duck" },
      { id: 10, name: "duck too" },
    ]);
  });

  test("makes tables of queries, also with other statements in one transaction", async () => {
    await run(
      "create table lake.s.made as select range as id, {'a': range, 'b': [range, null]} as nested from range(5)",
    );
    expect(await ids("s.made")).toEqual([0, 1, 2, 3, 4]);
    await run("create table if not exists lake.s.made as select 9 as id");
    await run(`create table lake.s."odd 'name" as select 1::bigint as id`);
    expect(await ours.catalog.tableExists({ namespace: ["s"], name: "odd 'name" })).toBe(true);
    await run("begin");
    await run("create table lake.s.first (id bigint)");
    await run("insert into lake.s.first values (1)");
    await run("insert into lake.s.made select id + 10, nested from lake.s.made");
    await run("delete from lake.s.made where id < 4");
    expect(await ours.catalog.tableExists("s.first")).toBe(false);
    await run("commit");
    expect(await ids("s.first")).toEqual([1]);
    expect(await ids("s.made")).toEqual([4, 10, 11, 12, 13, 14]);
  });

  test("undoes what is rolled back, and what meets another's commit", async () => {
    await run("create table lake.s.undone as select range as id from range(3)");
    await run("begin");
    await run("delete from lake.s.undone");
    await run("rollback");
    expect(await ids("s.undone")).toEqual([0, 1, 2]);
    await run("begin");
    await run("delete from lake.s.undone where id = 1");
    await (await load("s.undone")).deleteRows(eq("id", 2n));
    expect(await refused("commit")).toContain("409");
    expect(await ids("s.undone")).toEqual([0, 1]);
  });

  test("reads what was, and the table's metadata", async () => {
    await run("create table lake.s.past as select 1::bigint as id");
    await run("insert into lake.s.past values (2)");
    const { snapshots } = (await load("s.past")).metadata;
    expect(await run("select count(*) from iceberg_snapshots(lake.s.past)")).toEqual([[snapshots.length]]);
    const [first] = snapshots;
    expect(await run(`select * from lake.s.past at (version => ${first?.snapshotId})`)).toEqual([[1]]);
    const at = new Date(Number(first?.timestampMs)).toISOString().replace("Z", "");
    expect(await run(`select * from lake.s.past at (timestamp => timestamp '${at}')`)).toEqual([[1]]);
    expect(await run("select count(*) from iceberg_metadata(lake.s.past)")).toEqual([[2]]);
    await run("call set_iceberg_table_properties(lake.s.past, {'owner': 'duck', 'layer': 'bronze'})");
    await run("call remove_iceberg_table_properties(lake.s.past, ['layer'])");
    expect((await load("s.past")).properties).toMatchObject({ owner: "duck" });
    expect((await load("s.past")).properties).not.toHaveProperty("layer");
  });

  test.each([2, 3] as const)(
    "reads partitioned tables with deletes of format version %i",
    async (formatVersion) => {
      const name = `s.by_name_${formatVersion}`;
      const schema = defineSchema({ id: long(), name: string().optional() });
      const created = await ours.createTable(name, {
        schema,
        partitionSpec: [identity("name"), bucket("id", 4)],
        formatVersion,
      });
      const letters = ["a", "b", undefined];
      const table = await created.append(
        Array.from({ length: 300 }, (_, id) => ({ id: BigInt(id), name: letters[id % 3] })),
      );
      await table.deleteRows(eq("id", 7n), { mode: "merge-on-read" });
      expect(await ids(name)).toHaveLength(299);
      expect(await run(`select count(*) from lake.${name} where name = 'b'`)).toEqual([[99]]);
      for (const sql of [
        `insert into lake.${name} values (1000, 'c')`,
        `delete from lake.${name} where id = 1`,
      ])
        expect(await refused(sql), sql).toMatch(/Not implemented/);
      expect(await ids(name)).toHaveLength(299);
    },
  );

  test("leaves other branches as they are", async () => {
    const other = ref === "main" ? await lake.branch("other") : lake;
    await run("create table lake.s.here as select 1 as id");
    expect(await other.catalog.tableExists("s.here")).toBe(false);
  });

  test("refuses by itself what it does not know yet", async () => {
    await run("create table lake.s.as_is (id bigint, name varchar)");
    for (const sql of [
      "alter table lake.s.as_is add column more int",
      "alter table lake.s.as_is rename to other",
      "create view lake.s.v as select 1",
      "create or replace table lake.s.as_is as select 1 as id",
      "merge into lake.s.as_is using (values (1)) s(id) on as_is.id = s.id when matched then delete",
      "drop schema lake.s cascade",
    ])
      expect(await refused(sql), sql).toMatch(/not supported|does not support|Not implemented/);
    expect(await rows("s.as_is")).toEqual([]);
  });
});
