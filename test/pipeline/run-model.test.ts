import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Backend, SqliteBackend } from "../../lib/lakehouse/catalog/index.js";
import { isLakehouseError } from "../../lib/lakehouse/errors.js";
import type { QueryEngine } from "../../lib/lakehouse/query/index.js";
import { LocalStore } from "../../lib/lakehouse/storage/index.js";
import { dyingAt } from "../quality/support/crashing.js";
import { runs } from "../support/runs.js";
import { EVENTS, type Event, modelOf, openOn, TASKS } from "./support/lake.js";

let folder: string;
let store: LocalStore;
let backend: Backend;
const engines: QueryEngine[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipeline-"));
  store = new LocalStore(join(folder, "warehouse"), { durable: false });
  backend = new SqliteBackend(":memory:");
});
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
  await backend.close();
  await rm(folder, { recursive: true });
});

type Lake = Awaited<ReturnType<typeof openOn>>;

/** Each table's columns, in whose order its rows are read. */
const COLUMNS = {
  "n.latest": "id, day, v, seq",
  "n.all": "seq, id, day, v",
  "n.rejected": "seq, reason",
  "n.days": "day, rows, total",
  "n.trailing": "day, total",
};

async function tablesOf({ engine, catalog }: Lake) {
  const plain = (row: object) =>
    Object.fromEntries(
      Object.entries(row).map(([key, value]) => [key, typeof value === "bigint" ? Number(value) : value]),
    );
  const found: Record<string, unknown> = {};
  for (const [name, columns] of Object.entries(COLUMNS)) {
    const isThere = await catalog.tableExists(name);
    const rows = isThere
      ? await (await engine.sql(`SELECT ${columns} FROM ${name} ORDER BY ${columns}`)).rows()
      : [];
    found[name] = rows.map(plain);
  }
  return found;
}

const DAYS = ["2001-01-01", "2001-01-02", "2001-01-03", "2001-01-05", "2001-01-09"];

const event = fc.record({
  id: fc.option(fc.nat(3), { nil: null, freq: 8 }),
  day: fc.option(fc.constantFrom(...DAYS), { nil: null, freq: 8 }),
  v: fc.option(fc.nat(9), { nil: null, freq: 8 }),
  // Late ones have a lower number than what is there; it is made one of its own below.
  late: fc.nat(3),
});
const batch = fc.array(event, { maxLength: 5 });

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("append" as const), batch }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("run" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("die" as const), at: fc.nat(45), after: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("compact" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("backfill" as const), day: fc.constantFrom(...DAYS) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("rebuild" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("both" as const) }) },
);

const SLICED = TASKS.filter(({ write }) => write.slice !== undefined);

test("tables are what a plain reading of all events says, however they are split, late, broken, run twice, at once or killed", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 8 }), async (steps) => {
      await backend.close();
      backend = new SqliteBackend(":memory:");
      const lake = await openOn(backend, store, engines);
      await lake.quality.createTable(EVENTS);
      const events: Event[] = [];
      const matches = async () => expect(await tablesOf(lake)).toEqual(modelOf(events));
      for (const each of [...steps, { do: "run" as const }]) {
        switch (each.do) {
          case "append": {
            const rows = each.batch.map(({ late, ...row }, i): Event => {
              const place = events.length + i;
              // One of its own, and lower than that of events before it where it is late.
              return { ...row, seq: (place - late) * 10 + late + 1000 };
            });
            const fresh = rows.filter(
              ({ seq }, i) =>
                !events.some((other) => other.seq === seq) &&
                rows.findIndex((other) => other.seq === seq) === i,
            );
            events.push(...fresh);
            await (await lake.catalog.loadTable<Event>("n.events")).append(fresh);
            break;
          }
          case "run":
            await lake.pipeline.run(TASKS, { record: false });
            await matches();
            break;
          case "die": {
            const dying = await openOn(dyingAt(backend, each.at, each.after), store, engines);
            await dying.pipeline.run(TASKS, { record: false }).catch((error) => {
              if (!isLakehouseError(error)) throw error;
            });
            break;
          }
          case "compact": {
            const table = (await lake.catalog.loadTable("n.events")).withEngine(lake.engine);
            await table.rewriteManifests();
            break;
          }
          case "backfill": {
            const ran = await lake.pipeline.run(SLICED, { slices: [each.day], record: false });
            expect(ran).toHaveLength(SLICED.length);
            break;
          }
          case "rebuild":
            await lake.pipeline.run(TASKS, { rebuild: true, record: false });
            await matches();
            break;
          case "both": {
            const other = await openOn(backend, store, engines);
            await Promise.all([
              lake.pipeline.run(TASKS, { record: false }),
              other.pipeline.run(TASKS, { record: false }),
            ]);
            await matches();
            break;
          }
        }
      }
      const ran = await lake.pipeline.run(TASKS, { record: false });
      expect(ran.map(({ outcome }) => outcome)).toEqual(ran.map(() => "unchanged"));
      await matches();
      for (const engine of engines.splice(0)) await engine.close();
    }),
    { numRuns: runs(12), endOnFailure: true },
  );
});
