import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type BranchingCatalog,
  type RestServer,
  serveRestCatalog,
} from "../../lib/lakehouse/catalog/index.js";
import { type Lakehouse, openLakehouse } from "../../lib/lakehouse/index.js";
import { Engine } from "./engine.js";
import { ourSchema, type PlainRow, plain, sorted } from "./plain.js";

/** What SQL statements made, on main and on a branch, is for PyIceberg and Spark what it is for us. */
let folder: string;
let lake: Lakehouse;
let pyiceberg: Engine;
let server: RestServer;
let spark: Engine;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slh-interop-sql-"));
  lake = await openLakehouse({ root: folder });
  pyiceberg = new Engine("pyiceberg_engine.py");
  const auth = { clients: { ada: "lovelace" } };
  const catalog = lake.catalog as BranchingCatalog;
  server = await serveRestCatalog({ catalog, store: lake.store, port: 0, auth });
  spark = new Engine("spark_rest.py");
  await lake.branch("etl");
  await spark.call("start", { uri: server.uri, credential: "ada:lovelace", folder });
});
afterAll(async () => {
  await spark?.close();
  await server?.close();
  await pyiceberg.close();
  await lake.close();
  await rm(folder, { recursive: true });
});

const MODES =
  "'write.delete.mode' = 'merge-on-read', 'write.update.mode' = 'merge-on-read', 'write.merge.mode' = 'merge-on-read'";

const STATEMENTS = [
  "INSERT INTO n.t SELECT i, 'r' || i, DATE '2024-01-01' + (i * 40)::INTEGER, i / 4, {'a': i::INTEGER, 'b': ['x', NULL]} FROM range(12) r(i)",
  "UPDATE n.t SET s = upper(s), d = d + INTERVAL 1 MONTH, st = {'a': st.a + 1, 'b': NULL} WHERE id % 3 = 0",
  "DELETE FROM n.t WHERE id IN (SELECT max(id) FROM n.t)",
  "MERGE INTO n.t USING (SELECT i AS id, 'm' AS s FROM range(8, 14) r(i)) AS m USING (id) WHEN MATCHED AND id = 8 THEN DELETE WHEN MATCHED THEN UPDATE SET s = m.s WHEN NOT MATCHED THEN INSERT BY NAME",
  "ALTER TABLE n.t ADD COLUMN later INTEGER",
  "ALTER TABLE n.t RENAME s TO text",
  "INSERT INTO n.t (id, later) VALUES (100, 1)",
  "CREATE OR REPLACE TABLE n.t AS SELECT id, text, st FROM n.t WHERE id > 2",
  "INSERT INTO n.t BY NAME SELECT 77 AS id",
];

test.each([
  ["copy-on-write", ""],
  ["merge-on-read", ` PARTITIONED BY (year(d), bucket(2, id)) WITH (${MODES})`],
])("PyIceberg reads the results of statements, %s, on main and on a branch", async (_, layout) => {
  await lake.sql("CREATE SCHEMA IF NOT EXISTS n");
  await lake.sql(
    `CREATE OR REPLACE TABLE n.t (id BIGINT NOT NULL, s VARCHAR, d DATE, n DECIMAL(10,2), st STRUCT(a INTEGER, b VARCHAR[]))${layout}`,
  );
  const branch = await lake.branch(layout === "" ? "cow" : "mor");
  for (const on of [branch, lake]) {
    for (const statement of STATEMENTS) {
      await on.sql(statement);
      const table = await on.table("n.t");
      const view = await pyiceberg.call<{ rows: readonly PlainRow[]; schema: unknown }>("read", {
        metadata_location: table.metadataLocation,
      });
      const rows = await (await on.sql("FROM n.t")).rows();
      const ours = rows.map((row) =>
        Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)])),
      );
      expect(sorted(view.rows), statement).toEqual(sorted(ours));
      expect(view.schema, statement).toEqual(ourSchema(table));
    }
  }
});

test.each(["lake", "etl"])(
  "Spark reads the results of statements on a table by partitions, in catalog %s",
  async (name) => {
    const on = name === "etl" ? lake.on("etl") : lake;
    await on.sql("CREATE SCHEMA IF NOT EXISTS sp");
    await on.sql(
      `CREATE OR REPLACE TABLE sp.t PARTITIONED BY (year(d), bucket(2, id)) WITH (${MODES}) AS SELECT i AS id, 'r' || i AS s, DATE '2024-01-01' + (i * 40)::INTEGER AS d, (i / 4)::DECIMAL(10,2) AS n, {'a': i::INTEGER, 'b': ['x', NULL]} AS st FROM range(3) r(i)`,
    );
    for (const statement of STATEMENTS.map((each) => each.replaceAll("n.t", "sp.t"))) {
      await on.sql(statement);
      const theirs = await spark.call<PlainRow[]>("query", { sql: `SELECT * FROM ${name}.sp.t` });
      const ours = (await on.sql("FROM sp.t").rows()).map((row) =>
        Object.fromEntries(Object.entries(row).map(([column, value]) => [column, plain(value)])),
      );
      expect(sorted(theirs), statement).toEqual(sorted(ours));
    }
  },
);

test("Spark shows the partitions of rows as we do, over all specs", async () => {
  await lake.sql(
    "CREATE OR REPLACE TABLE sp.parts (id BIGINT, s VARCHAR, d DATE) PARTITIONED BY (day(d), s)",
  );
  await lake.sql("INSERT INTO sp.parts VALUES (1, 'a', DATE '2024-01-01'), (2, NULL, NULL)");
  await lake.sql("ALTER TABLE sp.parts SET PARTITIONED BY (month(d), bucket(4, id))");
  await lake.sql("INSERT INTO sp.parts VALUES (3, 'b', DATE '2024-03-01')");
  const columns = ["d_day", "s", "d_month", "id_bucket"].map((part) => `_partition.${part} AS ${part}`);
  const sql = (from: string) => `SELECT id, _spec_id AS spec, ${columns.join(", ")} FROM ${from} ORDER BY id`;
  const theirs = await spark.call<PlainRow[]>("query", { sql: sql("lake.sp.parts") });
  const ours = (await lake.sql(sql("sp.parts")).rows()).map((row) =>
    Object.fromEntries(Object.entries(row).map(([column, value]) => [column, plain(value)])),
  );
  expect(theirs).toEqual(ours);
});
