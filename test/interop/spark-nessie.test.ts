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
import { LocalStore } from "../../lib/lakehouse/storage/index.js";
import { records } from "../catalog/support/contents.js";
import { Engine } from "./engine.js";

/** Nessie's own Java client, in Spark, on our Nessie API. */
describe("Spark with Nessie's catalog", () => {
  let directory: string;
  let catalog: BranchingCatalog;
  let server: RestServer;
  let spark: Engine;
  const run = (...statements: string[]) => spark.call("run", { statements });
  const query = (sql: string) => spark.call<Record<string, unknown>[]>("query", { sql });
  const refused = (sql: string) => spark.call<string>("refused", { sql });
  const count = async (table: string) => (await query(`select count(*) as n from ${table}`))[0]?.n;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "nessie-spark-"));
    const store = new LocalStore(join(directory, "warehouse"));
    catalog = await openCatalog({ backend: join(directory, "catalog.db"), store });
    server = await serveRestCatalog({ catalog, store, port: 0, auth: { tokens: ["letmein"] } });
    spark = new Engine("spark_nessie.py");
    const uri = `${server.uri}/api/v2`;
    await spark.call("start", { uri, token: "letmein", warehouse: store.root, folder: directory });
  });
  afterAll(async () => {
    await spark?.close();
    await server?.close();
    await catalog?.close();
    await rm(directory, { recursive: true, force: true });
  });

  test("creates, writes, evolves, renames and drops tables, which are ours as well", async () => {
    await run(
      "create namespace lake.ns",
      "create table lake.ns.t (id bigint, data string) using iceberg tblproperties ('format-version'='2')",
      "insert into lake.ns.t values (1, 'a'), (2, 'b')",
      "alter table lake.ns.t add column delay double",
      "delete from lake.ns.t where id = 1",
      "alter table lake.ns.t drop column delay",
    );
    const table = await catalog.loadTable("ns.t");
    await table.append(records(3));
    expect(await query("select * from lake.ns.t order by id")).toEqual([
      { id: 2, data: "b" },
      { id: 3, data: "row 3" },
    ]);
    await run("alter table lake.ns.t rename to lake.ns.u");
    expect(await query("show tables in lake.ns")).toMatchObject([{ tableName: "u" }]);
    expect((await catalog.loadTable("ns.u")).metadata.tableUuid).toBe(table.metadata.tableUuid);
    await run("create table lake.ns.junk (id bigint) using iceberg", "drop table lake.ns.junk");
    expect(await catalog.tableExists("ns.junk")).toBe(false);
    expect(await refused("drop namespace lake.ns")).toMatch(/not empty|still holds/i);
    await run("create namespace lake.ns.deep", "alter namespace lake.ns.deep set properties (team = 'ops')");
    expect((await catalog.loadNamespace("ns.deep")).properties).toMatchObject({ team: "ops" });
    expect(await query("show namespaces in lake.ns")).toMatchObject([{ namespace: "ns.deep" }]);
    await run("drop namespace lake.ns.deep");
  });

  test("creates, assigns, merges and drops branches in SQL", async () => {
    await run("create branch etl in lake from main", "use reference etl in lake");
    await run(
      "insert into lake.ns.u values (10, 'on etl')",
      "create table lake.ns.new (id bigint) using iceberg",
    );
    expect(await count("lake.ns.u")).toBe(3);
    expect(await count("lake.ns.`u@main`")).toBe(2);
    expect(await catalog.tableExists("ns.new")).toBe(false);
    expect(await query("list references in lake")).toMatchObject([
      { refType: "Branch", name: "etl", hash: (await catalog.reference("etl")).hash },
      { refType: "Branch", name: "main", hash: await catalog.hash() },
    ]);
    const log = await query("show log etl in lake");
    expect(log.length).toBe((await catalog.on("etl").log()).items.length);
    expect(log[0]).toMatchObject({ hash: await catalog.on("etl").hash() });

    await run("use reference main in lake", "merge branch etl into main in lake");
    expect(await count("lake.ns.u")).toBe(3);
    expect(await catalog.tableExists("ns.new")).toBe(true);
    expect((await catalog.log({ pageSize: 1 })).items[0]?.parents).toHaveLength(2);

    await run("create tag v1 in lake from main", "insert into lake.ns.u values (11, 'later')");
    expect(await count("lake.ns.`u@v1`")).toBe(3);
    await run("assign branch etl to main in lake");
    expect((await catalog.reference("etl")).hash).toBe(await catalog.hash());
    await run("drop branch etl in lake", "drop tag v1 in lake");
    expect((await catalog.references()).map(({ name }) => name)).toEqual(["main"]);
  });

  test("merges what both sides only appended to one table", async () => {
    await run("create branch more in lake from main", "use reference more in lake");
    await run("insert into lake.ns.u values (20, 'there')", "use reference main in lake");
    await run("insert into lake.ns.u values (21, 'here')", "merge branch more into main in lake");
    expect(await query("select id from lake.ns.u where id >= 20 order by id")).toEqual([
      { id: 20 },
      { id: 21 },
    ]);
    await run("drop branch more in lake");
  });

  test("hears of a conflict which tables it is about", async () => {
    await run("create branch risky in lake from main", "use reference risky in lake");
    await run("delete from lake.ns.u where id = 20", "use reference main in lake");
    await run("insert into lake.ns.u values (22, 'here')");
    expect(await refused("merge branch risky into main in lake")).toContain("ns.u");
    await run("drop branch risky in lake");
  });

  test("keeps views beside the tables", async () => {
    await run("create view lake.ns.big as select id from lake.ns.u where id > 9");
    expect((await catalog.listViews("ns")).map(({ name }) => name)).toEqual(["big"]);
    expect(await query("select * from lake.ns.big order by id")).toEqual([
      { id: 10 },
      { id: 11 },
      { id: 20 },
      { id: 21 },
      { id: 22 },
    ]);
    await run("drop view lake.ns.big");
  });
});
