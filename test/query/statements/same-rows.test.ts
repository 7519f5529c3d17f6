import { expect, test } from "vitest";
import { commitsOf, duckdb, expectSame, lake, runBoth } from "../support/statements.js";

/*
 * The same statements on Iceberg tables and on DuckDB's own: the same rows afterwards, the same count, one commit for
 * each that changes something. On main, and on a branch that main sees nothing of.
 */

const CREATE =
  "CREATE TABLE n.t (id BIGINT NOT NULL, v INTEGER DEFAULT 7, s VARCHAR, d DATE, n DECIMAL(10,2), st STRUCT(a INTEGER, b VARCHAR[]), m MAP(VARCHAR, INTEGER))";
const FILL = `INSERT INTO n.t SELECT i, CASE WHEN i % 4 = 0 THEN NULL ELSE (i % 10)::INTEGER END, 'r' || i, DATE '2024-01-01' + (i * 30)::INTEGER, i / 4, {'a': i::INTEGER, 'b': ['x', NULL]}, MAP {'k': i::INTEGER} FROM range(18) r(i)`;
const SOURCE =
  "CREATE TABLE n.s AS SELECT (i * 3)::BIGINT AS id, 'new' || i AS s, i::INTEGER AS v FROM range(10) r(i)";

const CASES: readonly (readonly [name: string, ...statements: readonly string[]])[] = [
  [
    "INSERT of values of other types, and of defaults",
    "INSERT INTO n.t VALUES (100, DEFAULT, 5, '2024-02-29', 1.005, NULL, MAP {'a': 1}), ('101', 1.7, true, NULL, '3', {'a': 9, 'b': []}, NULL)",
  ],
  [
    "INSERT by a list of columns",
    "INSERT INTO n.t (s, id) VALUES ('x', 1), (NULL, 2)",
    "INSERT INTO n.t (ID) SELECT 5",
  ],
  ["INSERT BY NAME", "INSERT INTO n.t BY NAME SELECT 'q' AS S, 3 AS id"],
  [
    "INSERT with WITH, outside and inside",
    "WITH a AS (SELECT 1 AS x) INSERT INTO n.t (id) WITH b AS (SELECT x + 1 AS x FROM a) SELECT x FROM b",
  ],
  ["INSERT of rows of the table itself", "INSERT INTO n.t SELECT * REPLACE (id + 1000 AS id) FROM n.t"],
  ["INSERT of no rows", "INSERT INTO n.t SELECT * FROM n.t WHERE false"],
  [
    "INSERT with FROM first, and of a list in parentheses",
    "INSERT INTO n.t (id, s) FROM (VALUES (1, 'a')) v",
    "INSERT INTO n.t (id) (SELECT 4)",
  ],
  ["DELETE where a condition is null for some", "DELETE FROM n.t WHERE v > 3"],
  ["DELETE where NOT of it is", "DELETE FROM n.t WHERE NOT (v > 3)"],
  ["DELETE of everything", "DELETE FROM n.t", "DELETE FROM n.t"],
  [
    "DELETE by a subquery, under an alias",
    "DELETE FROM n.t AS x WHERE x.id IN (SELECT id FROM n.s) AND x.v IS NOT NULL",
  ],
  ["DELETE by a query of the table itself", "DELETE FROM n.t WHERE id > (SELECT avg(id) FROM n.t)"],
  ["DELETE by a correlated EXISTS", "DELETE FROM n.t WHERE EXISTS (SELECT 1 FROM n.s WHERE n.s.id = n.t.id)"],
  [
    "DELETE USING, which meets rows twice",
    "DELETE FROM n.t USING n.s, (VALUES (1), (2)) x(y) WHERE s.id = t.id",
  ],
  ["DELETE with WITH", "WITH old AS (SELECT id FROM n.s WHERE v > 4) DELETE FROM n.t WHERE id IN (FROM old)"],
  ["DELETE of nothing", "DELETE FROM n.t WHERE id IS NULL", "DELETE FROM n.t WHERE v IS DISTINCT FROM v"],
  ["UPDATE that reads what it changes", "UPDATE n.t SET id = v, v = id WHERE v IS NOT NULL"],
  ["UPDATE of all rows by a query of them", "UPDATE n.t SET v = (SELECT max(v) FROM n.t) + v"],
  [
    "UPDATE of several columns, to defaults and nested values",
    "UPDATE n.t SET (v, s) = (DEFAULT, upper(s)), st = {'a': st.a + 1, 'b': list_append(st.b, 'y')}, m = NULL WHERE id < 5",
  ],
  ["UPDATE FROM", "UPDATE n.t SET s = s.s, v = s.v FROM n.s WHERE s.id = t.id"],
  [
    "UPDATE by IS DISTINCT FROM, and FROM a query",
    "UPDATE n.t SET s = CASE WHEN v IS DISTINCT FROM 4 THEN q.x ELSE s END FROM (SELECT 'y' AS x) q WHERE v IS NOT DISTINCT FROM NULL",
  ],
  ["UPDATE of a partition's source", "UPDATE n.t SET d = d + INTERVAL 40 DAY WHERE id % 2 = 0"],
  [
    "MERGE with several WHEN",
    "MERGE INTO n.t USING n.s ON t.id = s.id WHEN MATCHED AND s.v > 4 THEN DELETE WHEN MATCHED AND t.v IS NULL THEN UPDATE SET s = s.s WHEN MATCHED THEN DO NOTHING WHEN NOT MATCHED AND s.v > 8 THEN INSERT (id, s) VALUES (s.id, 'late') WHEN NOT MATCHED THEN INSERT (id, v) VALUES (s.id, DEFAULT)",
  ],
  [
    "MERGE BY SOURCE",
    "MERGE INTO n.t AS x USING (SELECT * FROM n.s WHERE v < 3) AS y ON x.id = y.id WHEN NOT MATCHED BY SOURCE AND x.id > 15 THEN DELETE WHEN NOT MATCHED BY SOURCE THEN UPDATE SET s = 'gone' WHEN MATCHED THEN UPDATE SET s = y.s || x.s",
  ],
  [
    "MERGE of whole rows, by place and by name",
    "MERGE INTO n.t USING (SELECT * REPLACE (-v AS v) FROM n.t WHERE id < 3) AS q USING (id) WHEN MATCHED THEN UPDATE",
    "MERGE INTO n.t USING n.s USING (id) WHEN MATCHED THEN UPDATE BY NAME WHEN NOT MATCHED THEN INSERT BY NAME",
  ],
  [
    "MERGE USING columns, whose names alone mean both sides",
    "MERGE INTO n.t AS x USING (SELECT id, 'u' AS u FROM n.s) USING (ID) WHEN MATCHED AND id > 6 THEN UPDATE SET s = u || id WHEN NOT MATCHED BY SOURCE AND id = 1 THEN DELETE WHEN NOT MATCHED THEN INSERT (id, s) VALUES (id, u)",
  ],
  [
    "MERGE where one source row meets several",
    "MERGE INTO n.t USING (SELECT 3 AS v) AS q ON t.v > q.v WHEN MATCHED THEN UPDATE SET v = q.v",
  ],
  [
    "MERGE with WITH, of nothing",
    "WITH q AS (SELECT -1 AS id) MERGE INTO n.t USING q ON t.id = q.id WHEN MATCHED THEN DELETE",
  ],
  ["TRUNCATE", "TRUNCATE n.t", "INSERT INTO n.t (id) VALUES (1)", "TRUNCATE TABLE n.t"],
  [
    "ALTER TABLE",
    "ALTER TABLE n.t ADD COLUMN e INTEGER",
    "UPDATE n.t SET e = id WHERE id < 3",
    "ALTER TABLE n.t RENAME COLUMN e TO f",
    "ALTER TABLE n.t ALTER v SET DATA TYPE BIGINT",
    "ALTER TABLE n.t ALTER f SET DEFAULT -3",
    "INSERT INTO n.t (id) VALUES (77)",
    "ALTER TABLE n.t DROP COLUMN m",
    "ALTER TABLE n.t ALTER id DROP NOT NULL",
    "INSERT INTO n.t (s) VALUES ('none')",
  ],
  [
    "CREATE OR REPLACE TABLE AS, of itself",
    "CREATE OR REPLACE TABLE n.t AS SELECT id, s || '!' AS s FROM n.t WHERE id > 5",
    "INSERT INTO n.t VALUES (1, 'a')",
  ],
];

test.each([
  ["plain tables", ""],
  [
    "partitioned tables of version 3, merge-on-read,",
    " PARTITIONED BY (year(d), bucket(2, id)) WITH ('format-version' = '3', 'write.delete.mode' = 'merge-on-read', 'write.update.mode' = 'merge-on-read', 'write.merge.mode' = 'merge-on-read')",
  ],
])("statements do to %s what they do in DuckDB", async (_, layout) => {
  for (const [name, ...statements] of CASES) {
    for (const statement of [CREATE, SOURCE]) await duckdb.run(statement);
    await lake.sql(CREATE + layout);
    await lake.sql(SOURCE);
    await runBoth(lake, FILL);
    for (const statement of statements) {
      await runBoth(lake, statement);
      await expectSame(lake, "SELECT * FROM n.t");
    }
    for (const table of ["n.t", "n.s"]) {
      await duckdb.run(`DROP TABLE ${table}`);
      await lake.sql(`DROP TABLE ${table}`);
    }
    expect(name).not.toBe("");
  }
});

test("statements change the branch that they are on, and no other", async () => {
  for (const statement of [CREATE, SOURCE]) {
    await duckdb.run(statement);
    await lake.sql(statement);
  }
  await runBoth(lake, FILL);
  await duckdb.run("CREATE SCHEMA main_copy");
  await duckdb.run("CREATE TABLE main_copy.t AS FROM n.t");
  const before = await commitsOf(lake);
  for (const [i, [, ...statements]] of CASES.entries()) {
    const branch = await lake.branch(`b${i}`);
    for (const statement of statements) {
      await runBoth(branch, statement);
      await expectSame(branch, "SELECT * FROM n.t");
    }
    await duckdb.run("DROP TABLE n.t");
    await duckdb.run(CREATE);
    await duckdb.run("INSERT INTO n.t FROM main_copy.t");
    await expectSame(lake, "SELECT * FROM n.t");
  }
  expect(await commitsOf(lake)).toBe(before);
});
