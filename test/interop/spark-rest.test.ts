import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type BranchingCatalog,
  openCatalog,
  type RestServer,
  serveRestCatalog,
} from "../../lib/lakehouse/catalog/index.js";
import {
  boolean,
  currentViewVersion,
  defineSchema,
  long,
  replaceViewUpdates,
  sqlFor,
} from "../../lib/lakehouse/iceberg/index.js";
import { LocalStore } from "../../lib/lakehouse/storage/index.js";
import { Engine } from "./engine.js";

/** Java's own REST client, in Spark, on our server. */
describe("Spark on the REST server", () => {
  let directory: string;
  let catalog: BranchingCatalog;
  let server: RestServer;
  let spark: Engine;
  const run = (...statements: string[]) => spark.call("run", { statements });
  const query = (sql: string) => spark.call("query", { sql });
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "rest-spark-"));
    const store = new LocalStore(join(directory, "warehouse"));
    catalog = await openCatalog({ backend: join(directory, "catalog.db"), store });
    await catalog.createBranch("etl");
    const auth = { clients: { ada: "lovelace" } };
    server = await serveRestCatalog({ catalog, store, port: 0, auth });
    spark = new Engine("spark_rest.py");
    await spark.call("start", { uri: server.uri, credential: "ada:lovelace", folder: directory });
  });
  afterAll(async () => {
    await spark?.close();
    await server?.close();
    await catalog?.close();
    await rm(directory, { recursive: true, force: true });
  });

  test("creates, writes, evolves, renames and drops tables", async () => {
    await run(
      "create namespace lake.ns",
      "create table lake.ns.t (id bigint, day date) using iceberg partitioned by (days(day)) tblproperties ('format-version'='2')",
      "insert into lake.ns.t values (1, date '2001-01-01'), (2, date '2001-01-02')",
      "alter table lake.ns.t add column delay double",
      "alter table lake.ns.t rename column id to flight",
      "alter table lake.ns.t write ordered by flight",
      "insert into lake.ns.t values (3, date '2001-01-02', 1.5)",
      "delete from lake.ns.t where flight = 1",
      "update lake.ns.t set delay = 0 where flight = 2",
      "alter table lake.ns.t create branch audit",
    );
    expect(await query("select flight, delay from lake.ns.t order by flight")).toEqual([
      { flight: 2, delay: 0 },
      { flight: 3, delay: 1.5 },
    ]);
    const table = await catalog.loadTable("ns.t");
    expect(Object.keys(table.metadata.refs).sort()).toEqual(["audit", "main"]);
    await run("alter table lake.ns.t rename to ns.u");
    expect(await catalog.tableExists("ns.t")).toBe(false);
    expect(await query("show tables in lake.ns")).toMatchObject([{ tableName: "u" }]);
    expect(await spark.call("refused", { sql: "drop namespace lake.ns" })).toMatch(/not empty|still holds/i);
    expect(await spark.call("refused", { sql: "select * from lake.ns.nope" })).toContain(
      "TABLE_OR_VIEW_NOT_FOUND",
    );
  });

  test("creates and replaces tables from queries, in one commit each", async () => {
    await run("create table lake.ns.ctas using iceberg as select * from lake.ns.u");
    expect(await query("select count(*) as n from lake.ns.ctas")).toEqual([{ n: 2 }]);
    const { metadata } = await catalog.loadTable("ns.ctas");
    await run("create or replace table lake.ns.ctas using iceberg as select 7 as id");
    expect(await query("select * from lake.ns.ctas")).toEqual([{ id: 7 }]);
    expect((await catalog.loadTable("ns.ctas")).metadata.tableUuid).toBe(metadata.tableUuid);
    await run("drop table lake.ns.ctas purge");
    expect(await catalog.tableExists("ns.ctas")).toBe(false);
  });

  test("creates, replaces, reads, renames and drops views", async () => {
    await run(
      "create view lake.ns.late (flight comment 'its number') as select flight from lake.ns.u where delay > 1",
    );
    expect(await query("select * from lake.ns.late")).toEqual([{ flight: 3 }]);
    await run("create or replace view lake.ns.late as select flight from lake.ns.u where delay <= 1");
    expect(await query("select * from lake.ns.late")).toEqual([{ flight: 2 }]);
    const { metadata } = await catalog.loadView("ns.late");
    expect(metadata.versions).toHaveLength(2);
    expect(sqlFor(currentViewVersion(metadata), "spark")).toContain("delay <= 1");
    await run("alter view lake.ns.late rename to lake.ns.early");
    expect(await query("select * from lake.ns.early")).toEqual([{ flight: 2 }]);
    await run("drop view lake.ns.early");
    expect(await catalog.listViews("ns")).toEqual([]);
  });

  test("reads views that we create and replace, in its dialect, and we those that it replaces", async () => {
    const definition = (sql: string) => ({
      schema: defineSchema({ flight: long().optional(), late: boolean().optional() }),
      defaultNamespace: ["ns"],
      representations: [
        { type: "sql" as const, dialect: "duckdb", sql: sql.replaceAll("`", '"') },
        { type: "sql" as const, dialect: "spark", sql },
      ],
    });
    const { metadata } = await catalog.createView(
      "ns.ours",
      definition("select `flight`, delay > 1 as late from u"),
    );
    expect(await query("select * from lake.ns.ours order by flight")).toEqual([
      { flight: 2, late: false },
      { flight: 3, late: true },
    ]);
    await catalog.commitView("ns.ours", {
      requirements: [{ type: "assert-view-uuid", uuid: metadata.viewUuid }],
      updates: replaceViewUpdates(definition("select `flight`, delay <= 1 as late from u")),
    });
    expect(await query("select * from lake.ns.ours where late")).toEqual([{ flight: 2, late: true }]);
    // Spark replaces no view that has a dialect which it cannot write; it is told to.
    await run(
      "alter view lake.ns.ours set tblproperties ('replace.drop-dialect.allowed'='true')",
      "create or replace view lake.ns.ours as select count(*) as n from lake.ns.u",
    );
    const replaced = (await catalog.loadView("ns.ours")).metadata;
    expect(replaced.versions).toHaveLength(3);
    expect(sqlFor(currentViewVersion(replaced), "spark")).toContain("count(*)");
    expect(sqlFor(currentViewVersion(replaced), "duckdb")).toBeUndefined();
    await run("drop view lake.ns.ours");
  });

  test("works on a branch by its catalog, and by the name table@branch", async () => {
    await catalog.merge("main", { into: "etl" });
    await run("insert into etl.ns.u values (100, date '2001-01-03', 9.0)");
    const count = async (table: string) => query(`select count(*) as n from ${table}`);
    expect(await count("lake.ns.u")).toEqual([{ n: 2 }]);
    expect(await count("etl.ns.u")).toEqual([{ n: 3 }]);
    expect(await count("lake.ns.`u@etl`")).toEqual([{ n: 3 }]);
    await run("insert into lake.ns.`u@etl` values (101, date '2001-01-03', 9.0)");
    expect(await count("lake.ns.u")).toEqual([{ n: 2 }]);
    await catalog.merge("etl");
    expect(await count("lake.ns.u")).toEqual([{ n: 4 }]);
  });
});
