import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { date, defineSchema, int, type Lakehouse, long, openLakehouse } from "sololakehouse";
import { branchingOf } from "sololakehouse/catalog";
import { replace, task, upsert } from "sololakehouse/pipeline";
import { contract, range } from "sololakehouse/quality";
import { afterEach, beforeEach } from "vitest";

export const EVENTS = contract({
  name: "n.events",
  schema: defineSchema({ id: int(), day: date(), v: int() }),
  owner: "test",
});
export const LATEST = contract({
  name: "n.latest",
  schema: EVENTS.schema,
  keys: ["id"],
  owner: "test",
  checks: [range("v", { max: 9 })],
});
export const DAYS = contract({
  name: "n.days",
  schema: defineSchema({ day: date(), rows: long() }),
  owner: "test",
});
export const latest = task({
  into: LATEST,
  changes: { events: EVENTS },
  sql: "SELECT * FROM events",
  write: upsert({ newest: "v", slice: "day" }),
});
export const days = task({
  into: DAYS,
  changes: { latest: LATEST },
  sql: "SELECT day, count(*) AS rows FROM latest GROUP BY day",
  write: replace("day"),
});

/** A lakehouse of its own for each test. */
export function freshLake(): {
  readonly lake: Lakehouse;
  readonly root: string;
  valuesOf(sql: string): Promise<unknown[][]>;
  branches(): Promise<string[]>;
} {
  let lake: Lakehouse;
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "orchestration-"));
    lake = await openLakehouse({ root });
    await lake.quality.createTable(EVENTS);
  });
  afterEach(async () => {
    await lake.close();
    await rm(root, { recursive: true, force: true });
  });
  return {
    get lake() {
      return lake;
    },
    get root() {
      return root;
    },
    valuesOf: async (sql) => (await lake.sql(sql).rows()).map((row) => Object.values(row)),
    branches: async () =>
      (await branchingOf(lake.catalog).references())
        .map(({ name }) => name)
        .filter((name) => name.startsWith("pipeline/")),
  };
}
