import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { append, replace, task, upsert } from "sololakehouse/pipeline";
import {
  bronzeAirports,
  bronzeEvents,
  goldAirportDays,
  goldFlightFeatures,
  goldOnTimeDays,
  goldRouteDays,
  silverFlights,
  silverRejected,
} from "./contracts.js";

/** The folder of the queries: this file is run as it is written and as it is built. */
function queries(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const found = join(folder, "sql", "flights");
    if (existsSync(found)) return found;
    if (folder === dirname(folder)) throw new Error("The folder sql/flights is not above this file.");
  }
}

const query = (name: string) => readFileSync(join(queries(), `${name}.sql`), "utf8");

const OF_EVENTS = {
  changes: { events: bronzeEvents },
  reads: { airports: bronzeAirports },
  with: { typed_events: query("typed_events") },
};

const OF_FLIGHTS = { changes: { flights: silverFlights } };

/** Bronze to silver to gold. */
export const tasks = [
  task({
    ...OF_EVENTS,
    into: silverFlights,
    sql: query("silver_flights"),
    write: upsert({ newest: "sent_at", slice: "flight_date" }),
  }),
  task({ ...OF_EVENTS, into: silverRejected, sql: query("silver_flights_rejected"), write: append() }),
  task({ ...OF_FLIGHTS, into: goldRouteDays, sql: query("gold_route_days"), write: replace("flight_date") }),
  task({
    ...OF_FLIGHTS,
    into: goldAirportDays,
    sql: query("gold_airport_days"),
    write: replace("flight_date"),
  }),
  task({
    ...OF_FLIGHTS,
    into: goldOnTimeDays,
    sql: query("gold_on_time_days"),
    write: replace("flight_date"),
  }),
  task({
    ...OF_FLIGHTS,
    into: goldFlightFeatures,
    sql: query("gold_flight_features"),
    write: replace("flight_date", { lookback: 7 }),
  }),
];
