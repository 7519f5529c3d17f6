import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { type Lakehouse, openLakehouse } from "sololakehouse";
import { dictionary } from "sololakehouse/quality";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Arrival,
  byDay,
  contracts,
  type Flight,
  ingestAirports,
  ingestEvents,
  RATES,
  readFlights,
  replay,
  sendEvents,
  silverFlights,
  streamEvents,
  tasks,
} from "../../pipelines/flights/index.js";
import { runs } from "../support/runs.js";
import { flightsOf, goldOf, reasonsOf } from "./support/model.js";

let root: string;
let lake: Lakehouse;
let flights: readonly Flight[];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "flights-"));
  lake = await openLakehouse({ root });
  flights = await readFlights(lake, 12, 5);
  await ingestAirports(lake);
});
afterAll(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

/** A lakehouse with the airports and nothing else. */
let branches = 0;
const fresh = () => lake.branch(`fresh-${branches++}`);

const ROUGH = { late: 0.2, duplicate: 0.2, corrected: 0.2, broken: 0.1 };

const COLUMNS: Readonly<Record<string, string>> = {
  "gold.route_days":
    "flight_date, origin, destination, flights, landed, delayed, mean_delay_minutes, max_delay_minutes",
  "gold.airport_days":
    "flight_date, airport, departures, arrivals, mean_departed_delay_minutes, mean_arrived_delay_minutes",
  "gold.on_time_days": "flight_date, airport, flights, landed, on_time, on_time_share",
  "gold.flight_features": "flight_id, flight_date, route_delay_minutes_7d, origin_delay_minutes_7d, is_late",
};

async function valuesOf(on: Lakehouse, sql: string): Promise<unknown[][]> {
  const rows = await on.sql(sql).rows();
  return rows.map((row) =>
    Object.values(row).map((value) =>
      typeof value === "bigint"
        ? Number(value)
        : typeof value === "number"
          ? Number(value.toPrecision(12))
          : value,
    ),
  );
}

async function isAsTheModel(on: Lakehouse, given: ReturnType<typeof replay>): Promise<void> {
  const expected = flightsOf(given.truth.good);
  const silver = await valuesOf(
    on,
    `select flight_id, flight_date, origin, destination, status, distance_miles, arrival_delay_minutes,
       strftime(sent_at, '%Y-%m-%dT%H:%M:%S') from silver.flights order by flight_id`,
  );
  expect(silver).toEqual(expected.map((flight) => Object.values(flight)));
  const reasons = await valuesOf(on, "select reason from silver.flights_rejected order by reason");
  const rejected = await valuesOf(on, "select count(*) from bronze.flight_events");
  expect(rejected).toEqual([[given.arrivals.length]]);
  expect(reasons.flat()).toEqual(reasonsOf(given));
  // Each is a row of bronze, and says which.
  const found = "select * exclude (reason) from silver.flights_rejected";
  const beside = `select count(*) from (${found} except all select * from bronze.flight_events)`;
  expect(await valuesOf(on, beside)).toEqual([[0]]);
  const places = "select count(distinct (source, partition, position)) from silver.flights_rejected";
  expect(await valuesOf(on, places)).toEqual([[reasons.length]]);
  for (const [table, rows] of Object.entries(goldOf(expected))) {
    const found = await valuesOf(on, `select ${COLUMNS[table]} from ${table} order by all`);
    const rounded = rows.map((row) =>
      row.map((value) => (typeof value === "number" ? Number(value.toPrecision(12)) : value)),
    );
    expect({ table, rows: found }).toEqual({ table, rows: rounded });
  }
}

test("the layers are what a plain reading of the events says, in whatever batches and order they arrive", async () => {
  const given = fc.record({
    seed: fc.nat(),
    cuts: fc.array(fc.nat(1000), { minLength: 1, maxLength: 3 }),
    shuffles: fc.boolean(),
    backfill: fc.constantFrom("2001-01-02", "2001-01-07"),
  });
  await fc.assert(
    fc.asyncProperty(given, async ({ seed, cuts, shuffles, backfill }) => {
      const on = await fresh();
      const replayed = replay(flights, { seed, rates: ROUGH, maxLateHours: 200 });
      const arrivals = [...replayed.arrivals];
      if (shuffles) arrivals.sort((a, b) => (a.at % 7919) - (b.at % 7919));
      const places = [0, ...cuts.map((cut) => Math.floor((cut / 1000) * arrivals.length)), arrivals.length];
      places.sort((a, b) => a - b);
      for (const [i, place] of places.slice(1).entries()) {
        const batch = arrivals.slice(places[i], place);
        await ingestEvents(on, `batch-${i}`, batch);
        if (i === 0) await ingestEvents(on, `batch-${i}`, batch);
        await on.pipeline.run(tasks, { record: false });
      }
      await isAsTheModel(on, replayed);
      const [silver] = await on.pipeline.run([tasks[0] as (typeof tasks)[number]], {
        slices: [backfill],
        record: false,
      });
      expect(silver?.slices).toEqual([backfill]);
      await on.pipeline.run(tasks, { record: false });
      await isAsTheModel(on, replayed);
    }),
    { numRuns: runs(3), endOnFailure: true },
  );
});

test("events on the log come to the same layers", async () => {
  const on = await fresh();
  const replayed = replay(flights.slice(0, 20), { seed: 7, rates: ROUGH });
  const { topic, stream } = await streamEvents(on);
  try {
    const half = Math.floor(replayed.arrivals.length / 2);
    for (const batch of [replayed.arrivals.slice(0, half), replayed.arrivals.slice(half)]) {
      await sendEvents(topic, batch);
      await stream.flush();
      await on.pipeline.run(tasks, { record: false });
    }
  } finally {
    await stream.close();
  }
  await isAsTheModel(on, replayed);
});

test("a batch that breaks the contract stays off the branch, with all that would follow from it", async () => {
  const on = await fresh();
  const { arrivals } = replay(flights.slice(0, 6), { seed: 1, rates: { late: 0, broken: 0 } });
  await ingestEvents(on, "good", arrivals);
  await on.pipeline.run(tasks, { record: false });
  const before = await valuesOf(on, "select * from gold.route_days order by all");
  const [first] = arrivals as [Arrival];
  const impossible = { ...first.event, status: "landed", delay: "99999", sent: "2001-06-01T00:00:00" };
  await ingestEvents(on, "bad", [{ at: first.at, event: impossible }]);
  await expect(on.pipeline.run(tasks, { record: false })).rejects.toMatchObject({ code: "CHECK_FAILED" });
  expect(await valuesOf(on, "select * from gold.route_days order by all")).toEqual(before);
  expect(await valuesOf(on, "select max(arrival_delay_minutes) < 2880 from silver.flights")).toEqual([
    [true],
  ]);
});

test("a replay keeps to its rates, says what it did, and is made again by its seed", () => {
  const many = Array.from({ length: 4000 }, (_, i) => ({
    ...(flights[i % flights.length] as Flight),
    delay: i % 100,
  }));
  const made = replay(many, { seed: 3 });
  expect(replay(many, { seed: 3 })).toEqual(made);
  expect(replay(many, { seed: 4 })).not.toEqual(made);
  const { good, broken, late, duplicates, corrections } = made.truth;
  const events = good.length + broken.length;
  expect(made.arrivals).toHaveLength(events + duplicates);
  expect(events).toBe(2 * many.length + corrections);
  expect(late / events).toBeCloseTo(RATES.late, 2);
  expect(broken.length / events).toBeCloseTo(RATES.broken, 2);
  expect(duplicates / events).toBeCloseTo(RATES.duplicate, 2);
  expect(corrections / many.length).toBeCloseTo(RATES.corrected, 2);
  const days = byDay(made.arrivals);
  expect([...days.values()].flat()).toHaveLength(made.arrivals.length);
  expect([...days.keys()]).toEqual([...days.keys()].sort());
});

test("a table that stands still is reported by the replay's clock, and what is late may come in all the same", async () => {
  const on = await fresh();
  const { arrivals } = replay(flights.slice(0, 20), { seed: 3, rates: { late: 0, broken: 0 } });
  const now = new Date((arrivals.at(-1) as Arrival).at);
  await ingestEvents(on, "all", arrivals);
  await on.pipeline.run(tasks, { record: false, now: new Date(now.getTime() + 3 * 86_400_000) });
  const ageAt = async (at: Date) => {
    const { passed, results } = await on.quality.check(silverFlights, { now: at, record: false });
    return [passed, results.find(({ check }) => check.kind === "freshness")?.outcome];
  };
  expect(await ageAt(now)).toEqual([true, "pass"]);
  expect(await ageAt(new Date(now.getTime() + 2 * 86_400_000))).toEqual([true, "warn"]);
  for (const { name, freshness } of contracts.filter((each) =>
    /bronze.flight_events|silver.flights$|gold/.test(each.name),
  ))
    expect({ name, freshness }).toMatchObject({ freshness: { severity: "warn" } });
});

test("contracts keep to the naming conventions, and the dictionary has each of their columns", () => {
  const page = dictionary(contracts);
  for (const { name, schema, owner, description } of contracts) {
    expect(name).toMatch(/^(bronze|silver|gold)\.[a-z]+(_[a-z]+)*$/);
    expect(page).toContain(`## ${name}`);
    expect(page).toContain(description);
    expect(owner).toMatch(/@/);
    for (const { name: column, type } of schema.fields) {
      expect(column).toMatch(/^[a-z]+(_[a-z0-9]+)*$/);
      if (type.type === "boolean") expect(column).toMatch(/^is_/);
      if (type.type === "date") expect(column).toMatch(/_date$/);
      if (type.type.startsWith("timestamp")) expect(column).toMatch(/_at$/);
      expect(page).toContain(`| \`${column}\` |`);
    }
  }
  expect(tasks.map(({ name }) => name)).toContain(silverFlights.name);
});
