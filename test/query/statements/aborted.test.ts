import { DuckDBConnection } from "@duckdb/node-api";
import { beforeAll, expect, test, vi } from "vitest";
import { isLakehouseError } from "../../../lib/lakehouse/errors.js";
import { plannedScans } from "../../../lib/lakehouse/iceberg/table/metrics.js";
import { commitsOf, lake, rowsOf } from "../support/statements.js";

// A statement that is stopped before its commit has changed nothing, and says why; one that is too late has been done whole.

beforeAll(async () => {
  await lake.sql("CREATE SCHEMA s");
});

const STATEMENTS = [
  "INSERT INTO n.t SELECT i, 'new' FROM range(200000) r(i)",
  "UPDATE n.t SET v = v || 'x' WHERE i % 2 = 0",
  "DELETE FROM n.t WHERE i % 3 = 0",
  "TRUNCATE n.t",
  "MERGE INTO n.t USING (SELECT i, 'm' AS v FROM range(10, 60000) r(i)) AS s USING (i) WHEN MATCHED THEN UPDATE WHEN NOT MATCHED THEN INSERT",
  "CREATE OR REPLACE TABLE n.t PARTITIONED BY (v) AS SELECT i % 4 AS i, v FROM n.t",
  "CREATE TABLE n.made AS SELECT i, v FROM n.t",
  "CREATE TABLE n.made (i INTEGER)",
  "ALTER TABLE n.t ADD COLUMN more INTEGER",
  "ALTER TABLE n.t ALTER i SET NOT NULL",
  "CREATE VIEW n.made AS SELECT i FROM n.t",
  "CREATE SCHEMA made",
  "DROP TABLE n.t",
  "ALTER TABLE n.t RENAME TO made",
];

async function begin(): Promise<() => Promise<unknown>> {
  for (const sql of [
    "DROP VIEW IF EXISTS n.made",
    "DROP TABLE IF EXISTS n.made",
    "DROP SCHEMA IF EXISTS made",
  ]) {
    await lake.sql(sql);
  }
  await lake.sql("CREATE OR REPLACE TABLE n.t AS SELECT i, 'v' || i % 7 AS v FROM range(50000) r(i)");
  const before = await rowsOf(
    lake,
    "SELECT count(*) AS c, sum(i) AS s, count(DISTINCT v) AS v, min(v) AS m FROM n.t",
  );
  const commits = await commitsOf(lake);
  return async () => {
    expect(await commitsOf(lake)).toBe(commits);
    expect(
      await rowsOf(lake, "SELECT count(*) AS c, sum(i) AS s, count(DISTINCT v) AS v, min(v) AS m FROM n.t"),
    ).toEqual(before);
  };
}

test.each(STATEMENTS)("%s", async (statement) => {
  const unchanged = await begin();
  // Before it starts.
  await expect(lake.sql(statement, { signal: AbortSignal.abort() }).rows()).rejects.toMatchObject({
    code: "ABORTED",
  });
  await unchanged();
  // At some moments between its steps, as they come.
  for (const turns of [1, 3, 10, 40]) {
    const stop = new AbortController();
    const commits = await commitsOf(lake);
    const done = lake.sql(statement, { signal: stop.signal }).then(
      () => "done",
      (error: unknown) => (error as { readonly code?: unknown }).code,
    );
    for (let i = 0; i < turns; i++) await new Promise(setImmediate);
    stop.abort(new Error("enough"));
    const outcome = await done;
    expect(["done", "ABORTED"]).toContain(outcome);
    if (outcome === "done") {
      expect(await commitsOf(lake)).toBe(commits + 1);
      return;
    }
    await unchanged();
  }
  await lake.sql(statement);
  await expect(unchanged()).rejects.toThrow();
});

test("is stopped where it has planned what it reads", async () => {
  for (const statement of STATEMENTS.filter((sql) => /^(UPDATE|DELETE|MERGE)/.test(sql))) {
    const unchanged = await begin();
    const stop = new AbortController();
    const unsubscribe = plannedScans.subscribe(() => stop.abort(new Error("enough")));
    try {
      await expect(lake.sql(statement, { signal: stop.signal }).rows()).rejects.toMatchObject({
        code: "ABORTED",
        message: expect.stringContaining("enough"),
      });
    } finally {
      unsubscribe();
    }
    await unchanged();
  }
});

/**
 * Aborts at the `nth` call to DuckDB from now on, which fails as interrupted where the abort interrupts its connection. Tells
 * whether it came.
 */
function abortAt(nth: number, stop: AbortController): { readonly came: () => boolean } {
  let calls = 0;
  const interrupts = vi.spyOn(DuckDBConnection.prototype, "interrupt");
  for (const name of ["prepare", "run", "runAndReadAll", "extractStatements"] as const) {
    const real = DuckDBConnection.prototype[name] as (...args: unknown[]) => Promise<never>;
    vi.spyOn(DuckDBConnection.prototype, name).mockImplementation(function (
      this: unknown,
      ...args: unknown[]
    ) {
      calls += 1;
      if (calls !== nth) return real.apply(this, args);
      stop.abort(new Error("enough"));
      if (!interrupts.mock.contexts.includes(this as DuckDBConnection)) return real.apply(this, args);
      return Promise.reject(new Error('{"exception_type":"INTERRUPT","exception_message":"Interrupted!"}'));
    });
  }
  return { came: () => calls >= nth };
}

test.each(STATEMENTS)("at whichever call to DuckDB it is stopped: %s", async (statement) => {
  for (let nth = 1; ; nth++) {
    const unchanged = await begin();
    const stop = new AbortController();
    const { came } = abortAt(nth, stop);
    const outcome = await lake.sql(statement, { signal: stop.signal }).then(
      () => "done",
      (error: unknown) => (isLakehouseError(error) ? error.code : error),
    );
    vi.restoreAllMocks();
    if (!came()) {
      expect(outcome).toBe("done");
      expect(nth).toBeGreaterThan(1);
      return;
    }
    // What is committed by then is done.
    expect(["done", "ABORTED"], `call ${nth}`).toContain(outcome);
    if (outcome === "ABORTED") await unchanged();
  }
});
