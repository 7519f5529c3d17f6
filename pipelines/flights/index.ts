/**
 * The flights pipeline: real flights replayed as a stream of reports, made into bronze, silver and gold. What M5 to M10
 * stand on.
 */
export {
  bronzeAirports,
  bronzeEvents,
  contracts,
  goldAirportDays,
  goldFlightFeatures,
  goldOnTimeDays,
  goldRouteDays,
  silverFlights,
  silverRejected,
} from "./contracts.js";
export { type EventStream, ingestAirports, ingestEvents, sendEvents, streamEvents } from "./ingest.js";
export { flightsPipeline } from "./pipeline.js";
export {
  type Arrival,
  byDay,
  type Flight,
  type FlightEvent,
  RATES,
  type Rates,
  type Replay,
  type ReplayOptions,
  readFlights,
  replay,
  type Truth,
} from "./source.js";
export { tasks } from "./tasks.js";
