import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type PlannedScan, plannedScans } from "../../../lib/lakehouse/iceberg/table/metrics.js";
import { runs } from "../../support/runs.js";
import { duckdb, expectSame, lake, runBoth } from "../support/statements.js";

// A MERGE reads the files that a key of its source can be in, and does what it does in DuckDB.

const COLUMNS = "id INTEGER, s VARCHAR, d DATE, n DECIMAL(9,2), f DOUBLE, v VARCHAR";
const FILES = 6;

async function fill(name: string): Promise<void> {
  for (const sql of [`DROP TABLE IF EXISTS ${name}`, `CREATE TABLE ${name} (${COLUMNS})`]) {
    await lake.sql(sql);
    await duckdb.run(sql);
  }
  for (let file = 0; file < FILES; file++) {
    const rows = `SELECT CASE WHEN i % 10 = 7 THEN NULL ELSE i END, 's' || lpad(i::VARCHAR, 2, '0'), DATE '2024-01-01' + i::INTEGER, i / 4, CASE WHEN i % 9 = 0 THEN 'nan'::DOUBLE ELSE i END, 'old' FROM range(${file * 10}, ${file * 10 + 10}) r(i)`;
    await runBoth(lake, `INSERT INTO ${name} ${rows}`);
  }
}

let plans: PlannedScan[] = [];
let unsubscribe: () => void;
beforeAll(async () => {
  unsubscribe = plannedScans.subscribe((plan) => plans.push(plan));
  await lake.sql("CREATE TABLE n.src AS SELECT i AS id, 's' || i AS s FROM range(20, 23) r(i)");
  await duckdb.run("CREATE TABLE n.src AS SELECT i AS id, 's' || i AS s FROM range(20, 23) r(i)");
});
afterAll(() => unsubscribe());

const UPSERT = "WHEN MATCHED THEN UPDATE SET v = 'new' WHEN NOT MATCHED THEN INSERT (v) VALUES ('inserted')";

test.each<[using: string, clauses: string, files: number]>([
  ["(VALUES (12), (45), (NULL), (99)) AS s(id) ON t.id = s.id", UPSERT, 2],
  ["(SELECT i FROM range(12, 15) r(i)) s ON s.i = t.id AND t.s > 's13'", "WHEN MATCHED THEN DELETE", 1],
  ["(SELECT i AS id FROM range(15, 35) r(i)) s USING (id)", UPSERT, 3],
  ["n.src ON t.id = src.id", UPSERT, 1],
  ["n.src AS s USING (id, s)", UPSERT, 1],
  ["(SELECT 's31' AS k) s ON k = t.s", UPSERT, 1],
  ["(VALUES (DATE '2024-01-05'), (DATE '2024-02-01')) AS s(x) ON t.d = x", UPSERT, 2],
  ["(SELECT 1.25::DECIMAL(9,2) AS n) s ON t.n = s.n", UPSERT, 1],
  ["(SELECT i + 10::BIGINT AS id FROM range(130) r(i)) s ON t.id = s.id", UPSERT, 5],
  ["(SELECT 1000000000000 AS id) s ON t.id = s.id", UPSERT, 0],
  ["(SELECT 1 AS id WHERE false) s ON t.id = s.id", UPSERT, 0],
  ["(SELECT NULL::INTEGER AS id) s ON t.id = s.id", "WHEN NOT MATCHED THEN INSERT (v) VALUES ('null')", 0],
  ["(WITH c AS (SELECT 33 AS id) FROM c) s ON t.id = s.id", "WHEN MATCHED THEN UPDATE SET v = s.id", 1],
  // Where a row of the table counts that none of the source is like, and where that is not sure.
  ["(VALUES (12)) AS s(id) ON t.id = s.id", "WHEN NOT MATCHED BY SOURCE AND t.id > 50 THEN DELETE", FILES],
  [
    "(VALUES (12), (NULL)) AS s(id) ON t.id IS NOT DISTINCT FROM s.id",
    "WHEN MATCHED THEN UPDATE SET v = 'x'",
    FILES,
  ],
  ["(VALUES ('nan'::DOUBLE)) AS s(f) ON t.f = s.f", "WHEN MATCHED THEN UPDATE SET v = 'nan'", FILES],
  ["(VALUES (12.0)) AS s(id) ON t.id = s.id", UPSERT, FILES],
  ["(VALUES (12)) AS s(id) ON t.id = s.id OR t.s = 's40'", "WHEN MATCHED THEN DELETE", FILES],
  ["(VALUES (12)) AS s(id) ON t.id + 1 = s.id", UPSERT, FILES],
  ["(SELECT 1 AS id, NULL AS x) s ON t.id = s.id", "WHEN MATCHED THEN UPDATE SET v = x", FILES],
  [
    "(SELECT 1 AS id, NULL AS x, [] AS l) s ON t.id = s.id",
    "WHEN MATCHED THEN UPDATE SET d = coalesce(x, t.d), v = l::VARCHAR",
    FILES,
  ],
  ["n.src ON t.id = n.src.id", UPSERT, FILES],
  // Texts that are equal by a collation are many, and no type tells of it.
  ["(SELECT 'S31' COLLATE NOCASE AS k) s ON k = t.s", UPSERT, FILES],
  ["(SELECT 31 AS id, 'S31' COLLATE NOCASE AS k) s ON t.id = s.id AND k = t.s", UPSERT, FILES],
])("USING %s %s", async (using, clauses, files) => {
  await fill("n.m");
  plans = [];
  await runBoth(lake, `MERGE INTO n.m AS t USING ${using} ${clauses}`);
  expect(plans.filter(({ table }) => table.includes("/m")).map(({ dataFiles }) => dataFiles)[0]).toBe(files);
  await expectSame(lake, "SELECT * FROM n.m");
});

test("evaluates its source once, whatever it is", async () => {
  await fill("n.m");
  // Each evaluation gives other keys.
  await lake.sql(
    "MERGE INTO n.m AS t USING (SELECT (random() * 50)::INTEGER AS id, uuid()::VARCHAR AS u FROM range(1)) AS s ON t.id = s.id WHEN MATCHED THEN UPDATE SET v = 'hit' WHEN NOT MATCHED THEN INSERT (id, v) VALUES (s.id, 'miss')",
  );
  const found = await lake.sql("SELECT id, count(*) AS n FROM n.m WHERE v <> 'old' GROUP BY id").rows();
  expect(found).toEqual([{ id: expect.any(Number), n: 1n }]);
  const again = await lake.sql(`SELECT count(*) AS n FROM n.m WHERE id = ${found[0]?.id}`).rows();
  expect(again).toEqual([{ n: 1n }]);
});

const keys = fc.uniqueArray(fc.option(fc.integer({ min: -3, max: 63 }), { freq: 6 }), {
  minLength: 1,
  maxLength: 6,
});
const ons = fc.constantFrom(
  "t.id = s.id",
  "s.id = id_of AND t.id = id_of",
  "t.id = s.id AND t.s = s.s",
  "t.s = s.s AND s.id > 5",
  "t.id = s.id AND t.v = 'old'",
  "t.id IS NOT DISTINCT FROM s.id AND t.s = s.s",
);
const actions = fc.constantFrom(
  UPSERT,
  "WHEN MATCHED AND s.id % 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET v = s.s, id = s.id + 1",
  "WHEN NOT MATCHED THEN INSERT (id, s, v) VALUES (s.id, s.s, 'fresh')",
  "WHEN MATCHED THEN UPDATE SET v = 'm' WHEN NOT MATCHED BY SOURCE AND t.id < 5 THEN DELETE",
);

test("any source does what it does in DuckDB", async () => {
  await fill("n.m");
  await fc.assert(
    fc.asyncProperty(keys, ons, actions, async (ids, on, action) => {
      const rows = ids.map(
        (id) => `(${id}::INTEGER, 's' || lpad(coalesce(${id}, 7)::VARCHAR, 2, '0'), ${id}::INTEGER)`,
      );
      await runBoth(
        lake,
        `MERGE INTO n.m AS t USING (VALUES ${rows.join(", ")}) AS s(id, s, id_of) ON ${on} ${action}`,
      );
      await expectSame(lake, "SELECT * FROM n.m");
    }),
    { numRuns: runs(15), endOnFailure: true },
  );
});
