import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { type Lakehouse, openLakehouse } from "sololakehouse";
import type { Spark, TaskRun } from "sololakehouse/pipeline";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Arrival,
  contracts,
  type Flight,
  type FlightEvent,
  ingestAirports,
  ingestEvents,
  readFlights,
  replay,
  tasks,
} from "../../pipelines/flights/index.js";
import { runs } from "../support/runs.js";
import { sparkHere } from "./spark-here.js";

/** The files of sql/flights run by DuckDB on one branch, and by Spark on another, over the same events: row for row the same. */
let root: string;
let lake: Lakehouse;
let spark: Spark;
let flights: readonly Flight[];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "spark-flights-"));
  lake = await openLakehouse({ root });
  flights = await readFlights(lake, 5, 4);
  await ingestAirports(lake);
  spark = lake.pipeline.spark(sparkHere);
});
afterAll(async () => {
  await lake?.close();
  await rm(root, { recursive: true, force: true });
});

const ROUGH = { late: 0.2, duplicate: 0.2, corrected: 0.2, broken: 0.1 };
const DERIVED = contracts.map(({ name }) => name).filter((name) => !name.startsWith("bronze."));

let branches = 0;
async function twins(): Promise<{ readonly ours: Lakehouse; readonly theirs: Lakehouse }> {
  const name = `twin-${branches++}`;
  return { ours: await lake.branch(`${name}-ours`), theirs: await lake.branch(`${name}-theirs`) };
}

/** All rows of all tables, with all of their columns, as text that tells types and every digit. */
async function rowsOf(on: Lakehouse): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const name of DERIVED) {
    const rows = await on.sql(`select * from ${name} order by all`).rows();
    found[name] = rows.map((row) => JSON.stringify(row, (_, v) => (typeof v === "bigint" ? `${v}n` : v)));
  }
  return found;
}

async function expectSame({ ours, theirs }: Awaited<ReturnType<typeof twins>>): Promise<void> {
  expect(await rowsOf(theirs)).toEqual(await rowsOf(ours));
}

/** What a field of a report may have become on its way: it is for both to say the same of it. */
const TEXTS = [
  ..."12.7|1e3| 5 |+5|1_000|0x10|٣|5L|.5|5.|\t5|2147483648|-2147483649|NaN".split("|"),
  ..."2001-01-02|2001-02-30T00:00:00|2001-01-02T24:00:00|2001-01-02T10:00|2001-1-2T10:00:00".split("|"),
  ..."2001-01-02T10:00:60|2001-01-02T10:00:00Z|2001-01-02 10:00:00|2001-01-02T10:00:00.5|now|epoch".split(
    "|",
  ),
  ..."infinity|0000-01-01T00:00:00|99999-01-01T00:00:00|ATL |atl|it's|\\n|''|--|é".split("|"),
];
const texts = fc.constantFrom(...TEXTS, "", null);
const fields = [
  "flight",
  "status",
  "scheduled",
  "origin",
  "destination",
  "distance",
  "delay",
  "sent",
] as const;
const damages = fc.array(fc.record({ at: fc.nat(), field: fc.constantFrom(...fields), text: texts }), {
  minLength: 5,
  maxLength: 40,
});

test("random days of late, repeated and broken reports make the same tables, day after day and again", async () => {
  const given = fc.record({
    seed: fc.nat(),
    cut: fc.nat(1000),
    damages,
    backfill: fc.constantFrom("2001-01-02", "2001-01-04"),
  });
  await fc.assert(
    fc.asyncProperty(given, async ({ seed, cut, damages, backfill }) => {
      const both = await twins();
      const arrivals: Arrival[] = [...replay(flights, { seed, rates: ROUGH, maxLateHours: 200 }).arrivals];
      for (const { at, field, text } of damages) {
        const place = at % arrivals.length;
        const there = arrivals[place] as Arrival;
        arrivals.push({ ...there, event: { ...there.event, [field]: text } as FlightEvent });
      }
      const place = Math.floor((cut / 1000) * arrivals.length);
      for (const [i, batch] of [arrivals.slice(0, place), arrivals.slice(place)].entries()) {
        for (const on of [both.ours, both.theirs]) await ingestEvents(on, `batch-${i}`, batch);
        const ours = await both.ours.pipeline.run(tasks, { record: false });
        const theirs = await both.theirs.pipeline.run(tasks, { record: false, engine: spark });
        const said = ({ task, outcome, slices }: TaskRun) => ({ task, outcome, slices });
        expect(theirs.map(said)).toEqual(ours.map(said));
        await expectSame(both);
      }
      // Twice changes nothing, by whichever engine.
      for (const engine of [undefined, spark]) {
        const again = await both.theirs.pipeline.run(tasks, { record: false, engine });
        expect(again.map(({ outcome }) => outcome)).toEqual(tasks.map(() => "unchanged"));
      }
      const [silver] = await both.theirs.pipeline.run(tasks.slice(0, 1), {
        slices: [backfill],
        record: false,
        engine: spark,
      });
      expect(silver?.slices).toEqual([backfill]);
      await both.theirs.pipeline.run(tasks, { record: false, engine: spark });
      await expectSame(both);
    }),
    { numRuns: runs(1), endOnFailure: true },
  );
});
