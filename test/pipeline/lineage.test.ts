import { afterAll, beforeAll, expect, test } from "vitest";
import { queryLineage } from "../../lib/lakehouse/pipeline/lineage/columns.js";
import { openQueryEngine, type QueryEngine } from "../../lib/lakehouse/query/index.js";

let engine: QueryEngine;
beforeAll(async () => {
  engine = await openQueryEngine({ resolve: async () => undefined });
});
afterAll(() => engine.close());

const INPUTS = new Map([
  ["t", ["a", "b", "k"]],
  ["u", ["c", "k"]],
]);

async function said(query: string): Promise<Record<string, string>> {
  const options = "skip_empty := true, skip_null := true, skip_default := true";
  const literal = query.replaceAll("'", "''");
  const [row] = await (
    await engine.sql(`SELECT json_serialize_sql('${literal}', ${options}) AS tree`)
  ).rows();
  const tree = JSON.parse((row as { tree: string }).tree) as { statements: [{ node: unknown }] };
  const { columns, rows } = queryLineage(tree.statements[0].node, INPUTS);
  const text = (from: typeof rows) => from.map(({ input, column }) => `${input}.${column}`).join(" ");
  return { ...Object.fromEntries([...columns].map(([name, from]) => [name, text(from)])), rows: text(rows) };
}

test.each<[string, Record<string, string>]>([
  ["SELECT a, b + a AS s, 1 AS one FROM t", { a: "t.a", s: "t.a t.b", one: "", rows: "" }],
  ["SELECT A AS x FROM t AS z WHERE z.B > 1", { x: "t.a", rows: "t.b" }],
  ["SELECT * EXCLUDE (b) FROM t", { a: "t.a", k: "t.k", rows: "" }],
  ["SELECT * FROM t JOIN u USING (k)", { a: "t.a", b: "t.b", k: "t.k", c: "u.c", rows: "t.k u.k" }],
  ["SELECT u.*, a FROM t LEFT JOIN u ON t.k = u.k", { c: "u.c", k: "u.k", a: "t.a", rows: "t.k u.k" }],
  ["SELECT a AS x, x + 1 AS y FROM t", { x: "t.a", y: "t.a", rows: "" }],
  ["SELECT k, max(a) AS m FROM t GROUP BY k HAVING count(b) > 1", { k: "t.k", m: "t.a", rows: "t.b t.k" }],
  ["SELECT DISTINCT a FROM t", { a: "t.a", rows: "t.a" }],
  ["SELECT a FROM t ORDER BY b LIMIT 1", { a: "t.a", rows: "t.b" }],
  ["SELECT sum(a) OVER (PARTITION BY k ORDER BY b) AS s FROM t", { s: "t.a t.b t.k", rows: "" }],
  ["SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.k = t.k)", { a: "t.a", rows: "t.k u.k" }],
  ["SELECT (SELECT max(c) FROM u WHERE k = t.k) AS m FROM t", { m: "t.k u.c u.k", rows: "" }],
  ["WITH w(x, y, z) AS (SELECT * FROM t) SELECT y FROM w", { y: "t.b", rows: "" }],
  ["WITH t AS (SELECT c AS a FROM u) SELECT a FROM t", { a: "u.c", rows: "" }],
  ["SELECT x FROM (SELECT a AS x FROM t WHERE b > 0) AS s", { x: "t.a", rows: "t.b" }],
  ["SELECT a FROM t UNION ALL SELECT c FROM u", { a: "t.a u.c", rows: "" }],
  ["SELECT a FROM t UNION SELECT c FROM u", { a: "t.a u.c", rows: "t.a u.c" }],
  ["SELECT CASE WHEN b > 0 THEN a END AS v FROM t", { v: "t.a t.b", rows: "" }],
])("%s", async (query, expected) => {
  expect(await said(query)).toEqual(expected);
});

test.each([
  "SELECT * FROM range(3)",
  "SELECT a FROM t NATURAL JOIN u",
  "SELECT COLUMNS('a') FROM t",
  "SELECT * REPLACE (1 AS a) FROM t",
  "WITH RECURSIVE r AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM r) SELECT a FROM r",
  "SELECT a FROM t UNION BY NAME SELECT c AS a FROM u",
])("of %s nothing is said", async (query) => {
  await expect(said(query)).rejects.toMatchObject({ code: "UNSUPPORTED_FEATURE" });
});
