import fc from "fast-check";
import { expect, test } from "vitest";
import { runs } from "../../support/runs.js";
import { commitsOf, duckdb, expectSame, lake, runBoth } from "../support/statements.js";

/* Statements that nobody thought of: drawn at random, they do to our tables what they do to DuckDB's. */

const column = fc.constantFrom("a", "b", "c");
const value = fc.oneof(column, fc.integer({ min: -3, max: 9 }).map(String), fc.constant("NULL"));
const condition: fc.Arbitrary<string> = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc
      .tuple(value, fc.constantFrom("=", "<>", "<", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"), value)
      .map((parts) => parts.join(" ")),
    column.map((name) => `${name} IS NULL`),
    fc.tuple(column, value, value).map(([name, x, y]) => `${name} IN (${x}, ${y})`),
    column.map((name) => `${name} > (SELECT avg(${name}) FROM n.t)`),
    fc.tuple(tie("any"), fc.constantFrom("AND", "OR"), tie("any")).map(([x, op, y]) => `(${x} ${op} ${y})`),
    tie("any").map((inner) => `NOT (${inner})`),
  ),
})).any;
const expression = fc.oneof(
  value,
  fc.constant("DEFAULT"),
  fc.tuple(value, value).map(([x, y]) => `coalesce(${x}, ${y}) + 1`),
  fc.tuple(condition, value, value).map(([test, x, y]) => `CASE WHEN ${test} THEN ${x} ELSE ${y} END`),
);
const rows = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: -3, max: 9 })), {
    minLength: 1,
    maxLength: 6,
  })
  .map((list) => [...new Map(list).entries()].map(([k, x]) => `(${k}, ${x})`).join(", "));
const when = fc.subarray(
  [
    "WHEN MATCHED AND s.x < 3 THEN DELETE",
    "WHEN MATCHED AND t.b IS NULL THEN DO NOTHING",
    "WHEN MATCHED THEN UPDATE SET b = s.x, c = DEFAULT",
    "WHEN NOT MATCHED AND s.x > 5 THEN INSERT (k, a) VALUES (s.k, s.x)",
    "WHEN NOT MATCHED THEN INSERT VALUES (s.k, DEFAULT, s.x, NULL)",
    "WHEN NOT MATCHED BY SOURCE AND t.a > 4 THEN UPDATE SET a = t.b",
    "WHEN NOT MATCHED BY SOURCE AND t.k > 8 THEN DELETE",
  ],
  { minLength: 1 },
);
/** Keys may be there twice: then a row of the table is met once, and one of the source several times. */
const statement = fc.oneof(
  rows.map((list) => `INSERT INTO n.t (k, b) VALUES ${list}`),
  condition.map((test) => `INSERT INTO n.t SELECT k, b, a, c FROM n.t WHERE ${test} LIMIT 20`),
  condition.map((test) => `DELETE FROM n.t WHERE ${test}`),
  fc
    .tuple(column, expression, condition)
    .map(([name, x, test]) => `UPDATE n.t SET ${name} = ${x} WHERE ${test}`),
  rows.map((list) => `UPDATE n.t SET a = s.x, c = t.a FROM (VALUES ${list}) s(k, x) WHERE s.k = t.k`),
  rows.map(
    (list) => `DELETE FROM n.t USING (VALUES ${list}) s(k, x) WHERE s.k = t.k AND t.a IS DISTINCT FROM s.x`,
  ),
  fc
    .tuple(rows, when)
    .map(
      ([list, clauses]) =>
        `MERGE INTO n.t AS t USING (VALUES ${list}) s(k, x) ON t.k = s.k ${clauses.join(" ")}`,
    ),
);

test("random statements, one after the other, do what they do in DuckDB", async () => {
  const options = [
    "",
    " PARTITIONED BY (bucket(3, k)) WITH ('format-version' = '3', 'write.delete.mode' = 'merge-on-read', 'write.update.mode' = 'merge-on-read', 'write.merge.mode' = 'merge-on-read')",
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.array(statement, { minLength: 1, maxLength: 5 }),
      fc.constantFrom(...options),
      async (statements, layout) => {
        const create = "CREATE OR REPLACE TABLE n.t (k INTEGER, a INTEGER, b INTEGER DEFAULT 4, c BIGINT)";
        const fill =
          "INSERT INTO n.t SELECT i, i % 5, CASE WHEN i % 3 = 0 THEN NULL ELSE i % 4 END, -i FROM range(12) r(i)";
        await duckdb.run(create);
        await duckdb.run(fill);
        await lake.sql(create + layout);
        await lake.sql(fill);
        for (const each of statements) {
          const before = await commitsOf(lake);
          await runBoth(lake, each);
          await expectSame(lake, "SELECT * FROM n.t");
          expect((await commitsOf(lake)) - before).toBeLessThanOrEqual(1);
        }
      },
    ),
    { numRuns: runs(12) },
  );
});
