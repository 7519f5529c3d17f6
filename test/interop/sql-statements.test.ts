import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Lakehouse, openLakehouse } from "../../lib/lakehouse/index.js";
import { Engine } from "./engine.js";
import { ourSchema, type PlainRow, plain, sorted } from "./plain.js";

/** What SQL statements made, on main and on a branch, is for PyIceberg what it is for us. */
let folder: string;
let lake: Lakehouse;
let pyiceberg: Engine;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slh-interop-sql-"));
  lake = await openLakehouse({ root: folder });
  pyiceberg = new Engine("pyiceberg_engine.py");
});
afterAll(async () => {
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
  "INSERT INTO n.t BY NAME SELECT 7 AS id",
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
