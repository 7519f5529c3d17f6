import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defineSchema, int, string, timestamp } from "../../lib/lakehouse/index.js";
import { headOf } from "../../milestones/small/commits.js";
import { planScan } from "../../milestones/small/scan.js";
import { append, uriOf } from "../../milestones/small/table.js";
import { Engine } from "./engine.js";
import type { PlainRow } from "./plain.js";

/**
 * The table that a reader of M1 to M4 writes by hand. The modules are the notebooks' solution cells, word for word
 * (test/milestones/small.test.ts).
 */
describe("the small lakehouse of the milestones", () => {
  const schema = defineSchema({ date: timestamp(), delay: int(), origin: string() });
  const month = (n: number) => `2001-0${n}-14T08:30:00.000000`;
  const expected = [1, 2, 3, 4, 5, 6].flatMap((n) => [
    { date: month(n), delay: n, origin: "HNL" },
    { date: month(n), delay: -n, origin: "ATL" },
  ]);
  let root: string;
  let location: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "small-"));
    for (const n of [1, 2]) await append(root, "main", "flights", schema, rowsOf(n));
    // The others at once: five of six attempts at the swap are refused, and made again.
    await Promise.all([3, 4, 5, 6].map((n) => append(root, "main", "flights", schema, rowsOf(n))));
    location = uriOf(root, (await headOf(root, "main"))?.tables.flights ?? "");
  });
  afterAll(() => rm(root, { recursive: true, force: true }));
  const rowsOf = (n: number) => expected.filter(({ date }) => date === month(n));
  const byDate = (a: { date: string; delay: number }, b: { date: string; delay: number }) =>
    a.date.localeCompare(b.date) || b.delay - a.delay;

  test("is a table to PyIceberg: its rows, and files with bounds", async () => {
    const pyiceberg = new Engine("pyiceberg_engine.py");
    try {
      const view = await pyiceberg.call<{ rows: (typeof expected)[number][]; entries: PlainRow[] }>("read", {
        metadata_location: location,
      });
      expect(view.rows.sort(byDate)).toEqual(expected);
      expect(view.entries).toHaveLength(6);
    } finally {
      await pyiceberg.close();
    }
  });

  test("is a table to DuckDB's own Iceberg extension", async () => {
    const duckdb = new Engine("duckdb_engine.py");
    try {
      await duckdb.call("attach", { session: "one", statements: [] });
      const answer = await duckdb.call<{ rows: unknown[][] }>("run", {
        session: "one",
        sql: `select count(*), sum(abs(delay)), min(origin) from iceberg_scan('${location}')`,
      });
      expect(answer).toEqual({ rows: [[12, 42, "ATL"]] });
    } finally {
      await duckdb.close();
    }
  });

  test("is planned by its bounds", async () => {
    const micros = (text: string) => BigInt(Date.parse(`${text}Z`)) * 1000n;
    const range = { column: "date", from: micros(month(2)), to: micros(month(3)) };
    const plan = await planScan(root, "main", "flights", schema, range);
    expect([plan.open.length, plan.skipped.length]).toEqual([1, 5]);
  });
});
