import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Lakehouse } from "sololakehouse";

/** A flight as `vega-datasets` has it (US DOT, 2001): when it was to leave, how late it came in, how far it went. */
export interface Flight {
  /** `2001-01-01T06:55:00`, local time of the origin. */
  readonly scheduled: string;
  /** Minutes; less than 0 is early. */
  readonly delay: number;
  /** Miles. */
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}

/** A report of a flight, as it is sent: all of it is text. */
export interface FlightEvent {
  readonly flight: string | null;
  readonly status: string | null;
  readonly scheduled: string | null;
  readonly origin: string | null;
  readonly destination: string | null;
  readonly distance: string | null;
  readonly delay: string | null;
  readonly sent: string | null;
}

/** An event, and when it arrives: milliseconds since 1970, by the clock that `sent` has. */
export interface Arrival {
  readonly at: number;
  readonly event: FlightEvent;
}

/** How often what goes wrong: fractions of the events. */
export interface Rates {
  /** Arrive hours or days after they were sent, out of their order. */
  readonly late: number;
  /** Arrive a second time. */
  readonly duplicate: number;
  /** Are followed by one that has another delay. */
  readonly corrected: number;
  /** Are damaged on their way, so that no flight can be made of them. */
  readonly broken: number;
}

export const RATES: Rates = { late: 0.03, duplicate: 0.02, corrected: 0.01, broken: 0.005 };

export interface ReplayOptions {
  /** The same seed, flights and rates give the same events. */
  readonly seed: number;
  readonly rates?: Partial<Rates> | undefined;
  /** The longest that a late event is on its way. Three days where not given. */
  readonly maxLateHours?: number | undefined;
}

/** What a replay did, by event. */
export interface Truth {
  /** The good events, each once. */
  readonly good: readonly FlightEvent[];
  /** The damaged ones with what is wrong, in the words of the pipeline. */
  readonly broken: readonly { readonly event: FlightEvent; readonly reason: string }[];
  readonly late: number;
  readonly duplicates: number;
  readonly corrections: number;
}

export interface Replay {
  /** In the order in which they arrive. */
  readonly arrivals: readonly Arrival[];
  readonly truth: Truth;
}

const data = (name: string) =>
  join(dirname(createRequire(import.meta.url).resolve("vega-datasets")), "..", "data", name);

/** The raw file of airports. */
export const airportsFile = data("airports.csv");

/**
 * Real flights of some days from 2001-01-01 on, 181 at most, so many of each day, in the order of their departures.
 *
 * @param lake reads the file of 3,000,000; nothing is written.
 */
export async function readFlights(lake: Lakehouse, days: number, perDay: number): Promise<Flight[]> {
  const rows = await lake
    .sql<{ scheduled: string; delay: number; distance: number; origin: string; destination: string }>(
      `WITH days AS (
         SELECT *, row_number() OVER (PARTITION BY CAST(date AS DATE) ORDER BY hash(date, origin, destination, delay), date, origin, destination, delay) AS place
         FROM read_parquet($file)
         WHERE date >= TIMESTAMP '2001-01-01' AND date < TIMESTAMP '2001-01-01' + to_days($days)
           AND delay IS NOT NULL AND origin IS NOT NULL AND destination IS NOT NULL AND distance > 0
       )
       SELECT strftime(date, '%Y-%m-%dT%H:%M:%S') AS scheduled, CAST(delay AS INT) AS delay, CAST(distance AS INT) AS distance, origin, destination
       FROM days WHERE place <= $perDay ORDER BY 1, 4, 5, 2`,
      { params: { file: data("flights-3m.parquet"), days, perDay } },
    )
    .rows();
  return rows.map((row) => ({ ...row }));
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Numbers from 0 to 1 that a seed determines (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What may happen to an event on its way: what becomes of it, and what the pipeline says of it. */
const DAMAGES: readonly { readonly damage: Partial<FlightEvent>; readonly reason: string }[] = [
  { damage: { flight: null }, reason: "flight is missing" },
  { damage: { status: "LANDED?" }, reason: "status is unknown" },
  { damage: { scheduled: "yesterday" }, reason: "scheduled is no time" },
  { damage: { sent: "" }, reason: "sent is no time" },
  { damage: { origin: "???" }, reason: "origin is no airport" },
  { damage: { destination: null }, reason: "destination is no airport" },
  { damage: { distance: "-1" }, reason: "distance is no distance" },
  { damage: { status: "landed", delay: "n/a" }, reason: "delay is no number" },
  { damage: { status: "departed", delay: "7" }, reason: "delay before the landing" },
];

/**
 * Flights as a stream of reports: one when a flight leaves, one when it lands, and where its delay is put right another.
 * They are sent by the time of what they tell, and arrive a few minutes later, but for what goes wrong on purpose.
 */
export function replay(flights: readonly Flight[], options: ReplayOptions): Replay {
  const { seed, maxLateHours = 72 } = options;
  const rates = { ...RATES, ...options.rates };
  const random = randomOf(seed);
  const arrivals: Arrival[] = [];
  const good: FlightEvent[] = [];
  const broken: { event: FlightEvent; reason: string }[] = [];
  let [late, duplicates, corrections] = [0, 0, 0];
  const send = (event: FlightEvent, sentMs: number): void => {
    const isLate = random() < rates.late;
    const at = sentMs + (isLate ? (1 + random() * (maxLateHours - 1)) * HOUR_MS : random() * 10 * MINUTE_MS);
    if (isLate) late++;
    if (random() < rates.broken) {
      const { damage, reason } = DAMAGES[Math.floor(random() * DAMAGES.length)] as (typeof DAMAGES)[number];
      const damaged = { ...event, ...damage };
      broken.push({ event: damaged, reason });
      arrivals.push({ at, event: damaged });
      return;
    }
    good.push(event);
    arrivals.push({ at, event });
    if (random() < rates.duplicate) {
      duplicates++;
      arrivals.push({ at: at + random() * 24 * HOUR_MS, event });
    }
  };
  const seen = new Map<string, number>();
  for (const { scheduled, delay, distance, origin, destination } of flights) {
    const name = `${scheduled.slice(0, 16).replace(/[-:]/g, "")}-${origin}-${destination}`;
    const twins = (seen.get(name) ?? 0) + 1;
    seen.set(name, twins);
    const flight = `${name}-${twins}`;
    const leaves = Date.parse(`${scheduled}Z`);
    const about = { flight, scheduled, origin, destination, distance: String(distance) };
    const report = (status: string, late: number | undefined, atMs: number) =>
      send(
        {
          ...about,
          status,
          delay: late === undefined ? null : String(late),
          sent: new Date(atMs).toISOString().slice(0, 19),
        },
        atMs,
      );
    report("departed", undefined, leaves);
    // Eight miles a minute, and half an hour on the ground; a flight that made up more than that did so in the air.
    const lands = Math.max(leaves + MINUTE_MS, leaves + (30 + distance / 8 + delay) * MINUTE_MS);
    report("landed", delay, lands);
    if (random() >= rates.corrected) continue;
    corrections++;
    report("landed", delay + 1 + Math.floor(random() * 30), lands + (1 + random() * 47) * HOUR_MS);
  }
  arrivals.sort((a, b) => a.at - b.at);
  return { arrivals, truth: { good, broken, late, duplicates, corrections } };
}

/** The arrivals by the day, in UTC, on which they arrive: `2001-01-01`. */
export function byDay(arrivals: readonly Arrival[]): ReadonlyMap<string, readonly Arrival[]> {
  const days = new Map<string, Arrival[]>();
  for (const arrival of arrivals) {
    const day = new Date(arrival.at).toISOString().slice(0, 10);
    const there = days.get(day);
    if (there === undefined) days.set(day, [arrival]);
    else there.push(arrival);
  }
  return days;
}
