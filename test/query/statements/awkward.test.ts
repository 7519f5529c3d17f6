import { stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  commitsOf,
  countOf,
  duckdb,
  expectSame,
  folder,
  lake,
  nativeCount,
  runBoth,
} from "../support/statements.js";

test("names are what they are: keywords, quotes, dots, unicode, and columns by any case", async () => {
  const create = `CREATE TABLE n."we ird.t""able" ("select" INTEGER, "a.b" INTEGER, "Ünï" VARCHAR, "from" VARCHAR, "it's" INTEGER)`;
  await duckdb.run(create);
  await lake.sql(create);
  for (const statement of [
    `INSERT INTO n."we ird.t""able" VALUES (1, 2, 'ü', 'it''s; -- no comment', 4), (5, 6, NULL, '/*', 8)`,
    `INSERT INTO n."we ird.t""able" ("FROM", "A.B") VALUES ('x', 3)`,
    `UPDATE n."we ird.t""able" AS "u p" SET "Select" = "u p"."a.b" + "it's", "from" = 'where' /* WHERE */ -- FROM
       WHERE "Ünï" = 'ü' AND "from" <> 'FROM n.x WHERE'`,
    `DELETE FROM n."we ird.t""able" WHERE "from" = '/*' -- the end`,
    `MERGE INTO n."we ird.t""able" AS "on" USING (SELECT 3 AS "a.b", CASE WHEN true THEN 'when matched then' END AS "using") AS "when" ON "on"."a.b" = "when"."a.b" WHEN MATCHED THEN UPDATE SET "from" = "when"."using";`,
  ]) {
    await runBoth(lake, statement);
    await expectSame(lake, `SELECT * FROM n."we ird.t""able"`);
  }
});

test("parameters stand in statements of every kind, in the order of the text", async () => {
  await lake.sql("CREATE TABLE n.p AS SELECT ?::INTEGER AS a, ? AS b", { params: [1, "it's"] });
  await lake.sql("INSERT INTO n.p VALUES ($a, $b)", { params: { a: 2, b: "?" } });
  await lake.sql("UPDATE n.p SET b = ? WHERE a = ?", { params: ["$1", 2] });
  await lake.sql(
    "MERGE INTO n.p USING (SELECT ?::INTEGER AS a) AS s ON p.a = s.a + ? WHEN MATCHED THEN UPDATE SET b = ? WHEN NOT MATCHED THEN INSERT VALUES (?, ?)",
    { params: [1, 1, "merged", 9, "no"] },
  );
  await lake.sql`DELETE FROM n.p WHERE a = ${1}`;
  expect(await (await lake.sql("FROM n.p")).rows()).toEqual([{ a: 2, b: "merged" }]);
});

test.each([
  ["INSERT INTO n.no VALUES (1)", "NO_SUCH_TABLE"],
  ["INSERT INTO n.r VALUES (1)", "INVALID_SQL", /takes 2 values, and has 1/],
  ["INSERT INTO n.r (a, A) VALUES (1, 2)", "INVALID_SQL", /twice/],
  ["INSERT INTO n.r (zz) VALUES (1)", "INVALID_SQL", /no column "zz"/],
  ["INSERT INTO n.r BY NAME SELECT 1 AS zz", "INVALID_SQL", /no column "zz"/],
  ["INSERT INTO n.r VALUES (NULL, 1)", "SCHEMA_MISMATCH", /"a"/],
  ["INSERT INTO n.r SELECT 'abc', 1", "INVALID_SQL", /abc/],
  ["INSERT INTO n.r SELECT 1, 3000000000", "INVALID_SQL", /out of range/],
  ["INSERT INTO n.r VALUES (1, 2) ON CONFLICT DO NOTHING", "INVALID_SQL", /MERGE INTO/],
  ["INSERT OR REPLACE INTO n.r VALUES (1, 2)", "INVALID_SQL", /MERGE INTO/],
  ["INSERT INTO n.r VALUES (1, 2) RETURNING a", "INVALID_SQL", /RETURNING/],
  ["INSERT INTO n.r VALUEZ (1)", "INVALID_SQL", /syntax error[\s\S]*\^/],
  ["INSERT INTO n.r SELECT * FROM n.r WHERE nope", "INVALID_SQL", /nope/],
  ["INSERT INTO n.r VALUES (1, 2); INSERT INTO n.r VALUES (3, 4)", "INVALID_SQL", /2 statements/],
  ["UPDATE n.r SET a = NULL", "SCHEMA_MISMATCH", /"a"/],
  ["UPDATE n.r SET b = 'x'", "INVALID_SQL", /x/],
  ["UPDATE n.r SET nope = 1", "INVALID_SQL", /no column/],
  ["UPDATE n.r SET a = 1, a = 2", "INVALID_SQL", /twice/],
  ["UPDATE n.r SET b = q.x FROM (VALUES (1), (2)) q(x)", "INVALID_ARGUMENT", /which of them should win/],
  [
    "MERGE INTO n.r USING (VALUES (1, 2), (1, 3)) s(a, b) USING (a) WHEN MATCHED THEN UPDATE",
    "INVALID_ARGUMENT",
    /which of them should win/,
  ],
  [
    "MERGE INTO n.r USING (SELECT 1 AS a) s USING (a) WHEN MATCHED THEN ERROR 'so ' || s.a",
    "INVALID_SQL",
    /so 1/,
  ],
  ["UPDATE n.r FOR VERSION AS OF 1 SET a = 1", "INVALID_SQL", /past of n.r cannot be changed/],
  ["DELETE FROM n.r@tagged", "INVALID_ARGUMENT"],
  ["INSERT INTO n.r@tagged VALUES (1, 2)", "INVALID_ARGUMENT"],
  ["CREATE TABLE n.q@tagged (a INTEGER)", "INVALID_ARGUMENT"],
  ["DELETE FROM r", "INVALID_SQL", /no namespace/],
  ["CREATE TABLE n.r (a INTEGER)", "TABLE_EXISTS"],
  ["CREATE TABLE nope.r (a INTEGER)", "NO_SUCH_NAMESPACE"],
  ["CREATE TABLE n.q (a INTERVAL)", "INVALID_SCHEMA", /INTERVAL/],
  ["CREATE TABLE n.q (a STRUCT(b BIT)[])", "INVALID_SCHEMA", /a.element.b.*BIT/],
  ["CREATE TABLE n.q AS SELECT TIMETZ '10:00+01' AS t", "INVALID_SCHEMA", /TIME WITH TIME ZONE/],
  ["CREATE TABLE n.q (a TIMESTAMP_NS)", "INVALID_SCHEMA"],
  ["CREATE TABLE n.q (a INTEGER UNIQUE)", "INVALID_SQL", /UNIQUE/],
  ["CREATE TABLE n.q (a INTEGER CHECK (a > 3))", "INVALID_SQL", /CHECK/],
  ["CREATE TABLE n.q (a INTEGER, b INTEGER GENERATED ALWAYS AS (a + 1))", "INVALID_SQL", /GENERATED/],
  ["CREATE TABLE n.q (a TIMESTAMP DEFAULT now())", "INVALID_SQL", /constant/],
  ["CREATE TABLE n.q (a VARCHAR COLLATE NOCASE)", "INVALID_SQL", /COLLATE/],
  ["CREATE TABLE n.q (a INTEGER) PARTITIONED BY (nope)", "INVALID_SQL", /nope/],
  ["CREATE TABLE n.q (a INTEGER) PARTITIONED BY (sqrt(a))", "INVALID_SQL", /transform/],
  ["CREATE TEMP TABLE q (a INTEGER)", "INVALID_SQL", /temporary/],
  ["CREATE INDEX i ON n.r (a)", "INVALID_SQL", /tables, views and namespaces/],
  ["ALTER TABLE n.r ALTER b TYPE VARCHAR", "INVALID_SCHEMA"],
  ["ALTER TABLE n.r ALTER b TYPE BIGINT USING b + 1", "INVALID_SQL", /widened/],
  ["ALTER TABLE n.r ALTER b SET NOT NULL", "INVALID_SQL", /no value/],
  ["ALTER TABLE n.r DROP nope", "INVALID_SCHEMA", /nope/],
  ["ALTER TABLE n.r ADD COLUMN c INTEGER DEFAULT 3", "INVALID_SCHEMA"],
  ["DROP TABLE n.no", "NO_SUCH_TABLE"],
  ["DROP SCHEMA n CASCADE", "INVALID_SQL", /Drop the tables/],
  ["DROP SCHEMA n", "NAMESPACE_NOT_EMPTY"],
  ["COPY n.r FROM 'x.csv'", "INVALID_SQL", /appendFrom/],
  ["EXPLAIN INSERT INTO n.r VALUES (1, 2)", "INVALID_SQL"],
  ["BEGIN", "INVALID_SQL", /branch/],
  ["SET threads = 1", "INVALID_SQL", /openLakehouse/],
] as const)("%s is refused, and changes nothing", async (statement, code, text: RegExp = /./) => {
  if (!(await lake.catalog.tableExists("n.r"))) {
    await lake.sql("CREATE TABLE n.r (a INTEGER NOT NULL, b INTEGER)");
    await lake.sql("INSERT INTO n.r VALUES (1, NULL), (2, 3)");
    await lake.tag("tagged");
  }
  const before = await commitsOf(lake);
  await expect(lake.sql(statement)).rejects.toMatchObject({ code, message: expect.stringMatching(text) });
  expect(await commitsOf(lake)).toBe(before);
});

test("what is asked for IF [NOT] EXISTS is no error, and no commit", async () => {
  await lake.sql("CREATE TABLE n.e (a INTEGER)");
  const before = await commitsOf(lake);
  for (const statement of [
    "CREATE SCHEMA IF NOT EXISTS n",
    "CREATE TABLE IF NOT EXISTS n.e (b VARCHAR)",
    "CREATE TABLE IF NOT EXISTS n.e AS SELECT 1 AS x",
    "DROP TABLE IF EXISTS n.no",
    "DROP TABLE IF EXISTS no.no",
    "DROP VIEW IF EXISTS n.no",
    "DROP SCHEMA IF EXISTS no",
    "ALTER TABLE IF EXISTS n.no DROP a",
    "ALTER TABLE IF EXISTS n.no RENAME TO m",
    "ALTER TABLE n.e ADD COLUMN IF NOT EXISTS A INTEGER",
    "ALTER TABLE n.e DROP COLUMN IF EXISTS b",
  ]) {
    expect(await countOf(lake, statement), statement).toBeUndefined();
  }
  expect(await commitsOf(lake)).toBe(before);
});

test("CREATE TABLE says all that an Iceberg table has", async () => {
  await lake.sql(
    `CREATE TABLE n.made (id BIGINT, ts TIMESTAMPTZ NOT NULL, s VARCHAR DEFAULT 'x', n DECIMAL(5,2) DEFAULT -1.5, PRIMARY KEY (id))
     PARTITIONED BY (day(TS), bucket(16, id), truncate(s, 2)) SORTED BY (S, id)
     WITH ('format-version' = '3', 'write.parquet.compression-codec' = 'zstd', comment = 'made')`,
  );
  const table = await lake.table("n.made");
  expect(table.schema.identifierFieldIds).toEqual([1]);
  expect(
    table.schema.fields.map(({ name, required, writeDefault }) => [name, required, writeDefault]),
  ).toEqual([
    ["id", true, undefined],
    ["ts", true, undefined],
    ["s", false, "x"],
    ["n", false, -150n],
  ]);
  expect(table.spec.fields.map(({ name }) => name)).toEqual(["ts_day", "id_bucket", "s_trunc"]);
  expect(table.sortOrder.fields).toMatchObject([
    { direction: "asc", nullOrder: "nulls-first" },
    { direction: "asc", nullOrder: "nulls-first" },
  ]);
  expect(table.metadata.formatVersion).toBe(3);
  expect(table.properties).toMatchObject({ "write.parquet.compression-codec": "zstd", comment: "made" });
  await lake.sql("ALTER TABLE n.made SET PARTITIONED BY (day(ts))");
  await lake.sql("ALTER TABLE n.made RESET (comment)");
  await lake.sql("ALTER TABLE n.made ADD COLUMN later INTEGER DEFAULT 3");
  const after = await table.refresh();
  expect(after.spec.fields.map(({ name }) => name)).toEqual(["ts_day"]);
  expect(after.properties).not.toHaveProperty("comment");
  expect(after.schema.fields.at(-1)).toMatchObject({ initialDefault: 3, writeDefault: 3 });
});

test("COPY writes what a query says, or a table, to a file that DuckDB reads", async () => {
  await lake.sql("CREATE TABLE n.c AS SELECT i::INTEGER AS i, 'v' || i AS v FROM range(3) r(i)");
  const [csv, parquet] = ["c.csv", "c.parquet"].map((name) => join(folder, name));
  expect(await countOf(lake, `COPY n.c (v, i) TO '${csv}' (HEADER)`)).toBe("3");
  expect(await countOf(lake, `COPY (SELECT i FROM n.c WHERE i > 0) TO '${parquet}' (FORMAT parquet)`)).toBe(
    "2",
  );
  expect((await stat(csv as string)).size).toBeGreaterThan(0);
  expect(await nativeCount(`SELECT count(*) FROM '${csv}' WHERE v = 'v' || i`)).toBe("3");
  expect(await nativeCount(`SELECT sum(i) FROM '${parquet}'`)).toBe("3");
});

test("writers at the same time lose nothing: statements in conflict are evaluated again", async () => {
  await lake.sql("CREATE TABLE n.w AS SELECT 0 AS counter");
  const writers = Array.from({ length: 4 }, (_, i) => i);
  await Promise.all(writers.map(() => lake.sql("UPDATE n.w SET counter = counter + 1")));
  await Promise.all(writers.map((i) => lake.sql("INSERT INTO n.w VALUES (?)", { params: [100 + i] })));
  await Promise.all([
    lake.sql("DELETE FROM n.w WHERE counter > 101"),
    lake.sql("INSERT INTO n.w SELECT max(counter) + 100 FROM n.w"),
    lake.sql("MERGE INTO n.w USING (SELECT 100 AS c) s ON counter = c WHEN MATCHED THEN DELETE"),
  ]);
  const rows = await (await lake.sql("SELECT counter FROM n.w ORDER BY 1")).rows();
  expect(rows.map(({ counter }) => counter).slice(0, 2)).toEqual([4, 101]);
});
