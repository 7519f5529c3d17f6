import type { Table } from "sololakehouse";
import type { ActiveRun } from "sololakehouse/experiments";
import type { Matrix } from "./boosting.js";

/** What a model sees of a flight, in the order of its columns. */
export const FEATURES = [
  "scheduled_hour",
  "weekday",
  "distance_miles",
  "route_delay_minutes_7d",
  "origin_delay_minutes_7d",
  "origin_late_share",
  "destination_late_share",
] as const;

/** Flights as columns, by day, with whether they came in late, and by how many minutes. */
export interface Examples {
  /** Days since 1970-01-01. */
  readonly day: Int32Array;
  readonly origin: readonly string[];
  readonly destination: readonly string[];
  readonly hour: Float32Array;
  readonly weekday: Float32Array;
  readonly distance: Float32Array;
  readonly routeDelay: Float32Array;
  readonly originDelay: Float32Array;
  readonly late: Uint8Array;
  /** Less than 0 is early. */
  readonly minutes: Float32Array;
}

const DAY_MS = 86_400_000;

/** Reads the rows in the order of day and flight, so that the same snapshot gives the same columns. */
export async function examplesOf(run: ActiveRun, { name }: Table): Promise<Examples> {
  const rows = await run
    .sql(`SELECT epoch_ms(flight_date) AS at, origin, destination, scheduled_hour, weekday, distance_miles,
        route_delay_minutes_7d, origin_delay_minutes_7d, is_late, arrival_delay_minutes
      FROM ${name} ORDER BY flight_date, flight_id`)
    .rows();
  const singles = (column: string) =>
    Float32Array.from(rows, (row) => (row[column] === null ? Number.NaN : Number(row[column])));
  return {
    day: Int32Array.from(rows, ({ at }) => Math.floor(Number(at) / DAY_MS)),
    origin: rows.map(({ origin }) => String(origin)),
    destination: rows.map(({ destination }) => String(destination)),
    hour: singles("scheduled_hour"),
    weekday: singles("weekday"),
    distance: singles("distance_miles"),
    routeDelay: singles("route_delay_minutes_7d"),
    originDelay: singles("origin_delay_minutes_7d"),
    late: Uint8Array.from(rows, (row) => Number(row.is_late === true)),
    minutes: singles("arrival_delay_minutes"),
  };
}

/** The flights of some days: from the first one on, before the second one. */
export const part = (all: Examples, [from, to]: readonly [number, number]): Examples =>
  pick(all, (day) => day >= from && day < to);

/** The flights that a test of their day and place among the rows holds of, in their order. */
export function pick(all: Examples, isWanted: (day: number, row: number) => boolean): Examples {
  const rows = Uint32Array.from(all.day.keys()).filter((row) => isWanted(all.day[row] as number, row));
  const singles = (column: Float32Array) => Float32Array.from(rows, (row) => column[row] as number);
  const texts = (column: readonly string[]) => Array.from(rows, (row) => column[row] as string);
  return {
    day: Int32Array.from(rows, (row) => all.day[row] as number),
    origin: texts(all.origin),
    destination: texts(all.destination),
    hour: singles(all.hour),
    weekday: singles(all.weekday),
    distance: singles(all.distance),
    routeDelay: singles(all.routeDelay),
    originDelay: singles(all.originDelay),
    late: Uint8Array.from(rows, (row) => all.late[row] as number),
    minutes: singles(all.minutes),
  };
}

/** The late share of airports, drawn towards that of all where there are few flights. */
export interface Places {
  readonly origin: Readonly<Record<string, number>>;
  readonly destination: Readonly<Record<string, number>>;
}

/** As many flights of the mean count beside those of an airport. */
const PRIOR = 50;

export function placesOf({ origin, destination, late }: Examples): Places {
  const mean = late.reduce((sum, each) => sum + each, 0) / Math.max(1, late.length);
  const shares = (places: readonly string[]) => {
    const sums = new Map<string, [number, number]>();
    for (const [i, place] of places.entries()) {
      const had = sums.get(place) ?? [0, 0];
      sums.set(place, [had[0] + (late[i] as number), had[1] + 1]);
    }
    return Object.fromEntries(
      [...sums].map(([place, [sum, n]]) => [place, (sum + PRIOR * mean) / (n + PRIOR)]),
    );
  };
  return { origin: shares(origin), destination: shares(destination) };
}

export function matrixOf(rows: Examples, places: Places): Matrix {
  const share = (of: Readonly<Record<string, number>>, all: readonly string[]) =>
    Float32Array.from(all, (place) => of[place] ?? Number.NaN);
  return {
    names: FEATURES,
    rows: rows.late.length,
    columns: [
      rows.hour,
      rows.weekday,
      rows.distance,
      rows.routeDelay,
      rows.originDelay,
      share(places.origin, rows.origin),
      share(places.destination, rows.destination),
    ],
  };
}
