import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  defineSchema,
  double,
  int,
  type Lakehouse,
  long,
  openLakehouse,
  string,
  timestamp,
} from "sololakehouse";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as q from "../../lib/lakehouse/quality/index.js";

let root: string;
let lake: Lakehouse;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "quality-"));
  lake = await openLakehouse({ root, profile: "embedded" });
});
afterAll(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

const schema = defineSchema({
  id: long().optional(),
  o: string().optional(),
  d: int().optional(),
  f: double().optional(),
  at: timestamp().optional(),
});

test("checks", async () => {
  await lake
    .createTable("a.parents", { schema: defineSchema({ code: string() }) })
    .then((t) => t.append([{ code: "ATL" }, { code: "ORD" }]));
  const t = await lake.createTable("a.t", { schema });
  const t2 = await t.append([
    { id: 1n, o: "ATL", d: 1, f: 0, at: "2001-01-01T00:00:00" },
    { id: 1n, o: "ORD", d: 2000, f: Number.NaN, at: "2001-01-02T00:00:00" },
    { id: 2n, o: "xx", d: null, f: -0, at: "2001-01-03T00:00:00" },
    { id: null, o: null, d: -5, f: 2, at: null },
  ]);
  const checks = [
    q.notNull("id"),
    q.unique("id"),
    q.unique(["id", "o"]),
    q.unique("f"),
    q.range("d", { min: 0, max: 100.5 }),
    q.range("f", { min: -1 }),
    q.acceptedValues("o", ["ATL", "ORD"]),
    q.pattern("o", "^[A-Z]{3}$"),
    q.length("o", { min: 3 }),
    q.types({ id: "long", o: "string", x: "int" }),
    q.references("o", "a.parents", "code"),
    q.expression("d > 0 -- yes"),
    q.rowCount({ min: 5, change: { min: -0.1 } }),
    q.freshness("at", "24h"),
    q.drift("d", { against: "main" }),
    q.drift("o", { against: "main" }),
    q.sqlCheck("select o from rows where d > 100;"),
  ];
  const report = await lake.quality.check("a.t", { checks, now: new Date("2001-01-04T01:00:00Z") });
  console.log(
    report.results
      .map(
        (r) =>
          `${r.outcome} ${r.check.name}: ${r.failing}/${r.rows} ${r.message} ${JSON.stringify(r.samples)}`,
      )
      .join("\n"),
  );
  console.log(q.summary(report));
  await t2.append([
    { id: 2n, o: "zz", d: 7 },
    { id: 9n, o: "ATL", d: 1 },
    { id: 9n, o: "ATL", d: 1 },
  ]);
  const r2 = await lake.quality.check("a.t", {
    checks,
    since: t2.currentSnapshot!.snapshotId,
    now: new Date("2001-01-04T01:00:00Z"),
  });
  console.log(
    r2.results
      .map(
        (r) =>
          `${r.outcome} ${r.check.name}: ${r.failing}/${r.rows} ${r.message} ${JSON.stringify(r.samples)}`,
      )
      .join("\n"),
  );
  const r3 = await lake.quality.checkRows(
    [
      { id: 2n, o: "zz" },
      { id: 10n, o: "ATL" },
      { id: 10n, o: "ATL" },
    ],
    "a.t",
    { checks, into: "a.t" },
  );
  console.log(
    r3.results
      .map(
        (r) =>
          `${r.outcome} ${r.check.name}: ${r.failing}/${r.rows} ${r.message} ${JSON.stringify(r.samples)}`,
      )
      .join("\n"),
  );
  console.log(await lake.quality.history("a.t", { runs: 1 }));
  await expect(
    lake.quality.check("a.t", { checks: [q.notNull("id"), q.expression("nope > 1")] }),
  ).rejects.toThrow(/nope/);
});
