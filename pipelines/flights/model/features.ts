import type { RecordBatch, Utf8, Vector } from "apache-arrow";
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

/** Columns in the order of the query: numbers as single precision, NaN where a value is missing, and places as texts. */
const SINGLES = {
  hour: "scheduled_hour",
  weekday: "weekday",
  distance: "distance_miles",
  routeDelay: "route_delay_minutes_7d",
  originDelay: "origin_delay_minutes_7d",
  minutes: "arrival_delay_minutes",
} as const;

/** Reads the rows in the order of day and flight, so that the same snapshot gives the same columns. */
export async function examplesOf(run: ActiveRun, { name }: Table): Promise<Examples> {
  const singles = Object.entries(SINGLES).map(
    ([key, column]) => `coalesce(CAST(${column} AS FLOAT), CAST('nan' AS FLOAT)) AS "${key}"`,
  );
  const query =
    run.sql(`SELECT date_diff('day', DATE '1970-01-01', flight_date)::INT AS day, origin, destination,
      is_late::UTINYINT AS late, ${singles.join(", ")}
    FROM ${name} ORDER BY flight_date, flight_id`);
  const batches: RecordBatch[] = [];
  for await (const batch of query.batches()) batches.push(batch);
  const rows = batches.reduce((sum, { numRows }) => sum + numRows, 0);
  const filled = <Column extends Int32Array | Float32Array | Uint8Array>(key: string, column: Column) => {
    let at = 0;
    for (const batch of batches) {
      column.set(batch.getChild(key)?.toArray(), at);
      at += batch.numRows;
    }
    return column;
  };
  const known = new Map<number, string>();
  const texts = (key: string) => {
    const all = new Array<string>(rows);
    let at = 0;
    for (const batch of batches) at = fillTexts(all, at, batch.getChild(key) as Vector<Utf8>, known);
    return all;
  };
  const single = (key: keyof typeof SINGLES) => filled(key, new Float32Array(rows));
  return {
    day: filled("day", new Int32Array(rows)),
    origin: texts("origin"),
    destination: texts("destination"),
    late: filled("late", new Uint8Array(rows)),
    hour: single("hour"),
    weekday: single("weekday"),
    distance: single("distance"),
    routeDelay: single("routeDelay"),
    originDelay: single("originDelay"),
    minutes: single("minutes"),
  };
}

const DECODER = new TextDecoder();

/**
 * Puts a column's texts into an array, which has a place for each. A short one, such as an airport's code, is decoded once:
 * its bytes name it.
 *
 * @param start the place of the first. @returns the place behind the last.
 */
function fillTexts(all: string[], start: number, column: Vector<Utf8>, known: Map<number, string>): number {
  let place = start;
  for (const { valueOffsets, values, length } of column.data)
    for (let i = 0; i < length; i++, place++) {
      const [from, to] = [valueOffsets[i] as number, valueOffsets[i + 1] as number];
      if (to - from > 3) {
        all[place] = DECODER.decode(values.subarray(from, to));
        continue;
      }
      let name = to - from;
      for (let at = from; at < to; at++) name = name * 256 + (values[at] as number);
      let text = known.get(name);
      if (text === undefined) {
        text = DECODER.decode(values.subarray(from, to));
        known.set(name, text);
      }
      all[place] = text;
    }
  return place;
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
