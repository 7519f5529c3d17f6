import {
  boolean,
  date,
  day,
  defineSchema,
  double,
  int,
  long,
  string,
  timestamp,
  timestamptz,
} from "sololakehouse";
import { acceptedValues, contract, expression, length, range, references } from "sololakehouse/quality";

/**
 * The tables, each declared once: row types, how it is made, what is checked and its page of the data dictionary follow.
 *
 * Names: the namespace is the layer. A table is called by what its rows are, in the plural, with its grain where rows are
 * sums (`route_days`). Columns are in snake_case: `_id` names a row, `_date` is a day, `_at` a time, `is_` true or false,
 * and a quantity ends in its unit (`_minutes`, `_miles`) or is a count, in the plural. Bronze keeps the names of its source.
 */
const OWNER = "flights@example.org";

/**
 * A table that has stopped growing is reported, and not closed: a backfill is old, too. What counts as now is up to whoever
 * runs the checks (`now`), and for a replay that is the time of what it replays.
 */
const STOPPED = { severity: "warn" } as const;

/** What a report says: all of it is text, and any of it may be missing. */
const EVENT = {
  flight: string().optional().doc("Names a flight."),
  status: string().optional().doc("departed or landed."),
  scheduled: string().optional().doc("When it was to leave, local time of the origin."),
  origin: string().optional().doc("IATA code of an airport."),
  destination: string().optional().doc("IATA code of an airport."),
  distance: string().optional().doc("Miles."),
  delay: string().optional().doc("Minutes late at the landing; less than 0 is early."),
  sent: string().optional().doc("When the report was made."),
};

/** Where a report came from, and when. */
const RECEIVED = {
  source: string().optional().doc("The file that it came in; none of what came by the log."),
  partition: int().optional().doc("The partition of the log that it came by."),
  position: long().optional().doc("Its line in the file, from 1, or its offset in the partition."),
  received_at: timestamptz().optional().doc("When it was received."),
};

/** Reports on the log. */
export const eventSchema = defineSchema(EVENT);

export const bronzeEvents = contract({
  name: "bronze.flight_events",
  description: "What airlines report of their flights, as it was received. Rows are only ever added.",
  owner: OWNER,
  freshness: { column: "received_at", within: "24h", ...STOPPED },
  schema: defineSchema({
    ...EVENT,
    ...RECEIVED,
  }),
});

export const bronzeAirports = contract({
  name: "bronze.airports",
  description: "Airports of the United States.",
  owner: OWNER,
  keys: ["iata"],
  schema: defineSchema({
    iata: string().doc("IATA or FAA code."),
    name: string(),
    city: string().optional(),
    state: string().optional().doc("Two letters."),
    country: string(),
    latitude: double().doc("Degrees north."),
    longitude: double().doc("Degrees east."),
  }),
});

/** Slices of days lie in files of their own, which are replaced as they are. */
const BY_DAY = { partitionSpec: [day("flight_date")] };

export const silverFlights = contract({
  ...BY_DAY,
  name: "silver.flights",
  description: "A flight a row, as its newest report has it.",
  owner: OWNER,
  freshness: { column: "sent_at", within: "24h", ...STOPPED },
  keys: ["flight_id", "flight_date"],
  // A file that is written again tells its changes without a look at all others; few rows are late.
  properties: { "write.merge.mode": "copy-on-write" },
  schema: defineSchema({
    flight_id: string(),
    flight_date: date().doc("The day on which it was to leave."),
    scheduled_at: timestamp().doc("When it was to leave, local time of the origin."),
    status: string().doc("departed or landed."),
    origin: string().doc("IATA code."),
    origin_city: string().optional(),
    origin_state: string().optional(),
    destination: string().doc("IATA code."),
    destination_city: string().optional(),
    destination_state: string().optional(),
    distance_miles: int(),
    arrival_delay_minutes: int().optional().doc("Less than 0 is early; none until it has landed."),
    sent_at: timestamp().doc("When the newest report was made."),
  }),
  checks: [
    acceptedValues("status", ["departed", "landed"]),
    length("origin", { min: 3, max: 3 }),
    length("destination", { min: 3, max: 3 }),
    references("origin", "bronze.airports", "iata"),
    references("destination", "bronze.airports", "iata"),
    range("distance_miles", { min: 1, max: 6000 }),
    range("arrival_delay_minutes", { min: -1440, max: 2880 }),
    expression("(status = 'landed') = (arrival_delay_minutes IS NOT NULL)", {
      name: "landed flights have a delay",
    }),
    expression("CAST(scheduled_at AS DATE) = flight_date", {
      name: "flight_date is the day of scheduled_at",
    }),
  ],
});

export const silverRejected = contract({
  name: "silver.flights_rejected",
  description: "Reports that no flight can be made of, as they were received, each with its reason.",
  owner: OWNER,
  schema: defineSchema({
    ...EVENT,
    ...RECEIVED,
    reason: string().doc("The first thing that is wrong with it."),
  }),
});

export const goldRouteDays = contract({
  ...BY_DAY,
  name: "gold.route_days",
  description: "The flights of a route on a day, and how late they came in.",
  owner: OWNER,
  freshness: { column: "flight_date", within: "48h", ...STOPPED },
  keys: ["flight_date", "origin", "destination"],
  schema: defineSchema({
    flight_date: date(),
    origin: string(),
    destination: string(),
    flights: long(),
    landed: long().doc("Flights whose delay is known."),
    delayed: long().doc("Flights that came in 15 minutes late or more."),
    mean_delay_minutes: double().optional(),
    max_delay_minutes: int().optional(),
  }),
  checks: [range("flights", { min: 1 }), expression("delayed <= landed AND landed <= flights")],
});

export const goldAirportDays = contract({
  ...BY_DAY,
  name: "gold.airport_days",
  description: "What left an airport on a day and what came in, and how late it was at its destination.",
  owner: OWNER,
  freshness: { column: "flight_date", within: "48h", ...STOPPED },
  keys: ["flight_date", "airport"],
  schema: defineSchema({
    flight_date: date(),
    airport: string(),
    departures: long(),
    arrivals: long(),
    mean_departed_delay_minutes: double().optional().doc("Of what left it, at the destination."),
    mean_arrived_delay_minutes: double().optional().doc("Of what came in."),
  }),
  checks: [expression("departures + arrivals > 0")],
});

export const goldOnTimeDays = contract({
  ...BY_DAY,
  name: "gold.on_time_days",
  description: "On-time performance of the flights that leave an airport, by day.",
  owner: OWNER,
  freshness: { column: "flight_date", within: "48h", ...STOPPED },
  keys: ["flight_date", "airport"],
  schema: defineSchema({
    flight_date: date(),
    airport: string(),
    flights: long(),
    landed: long(),
    on_time: long().doc("Flights that came in less than 15 minutes late."),
    on_time_share: double().optional().doc("Of those that landed."),
  }),
  checks: [range("on_time_share", { min: 0, max: 1 })],
});

export const goldFlightFeatures = contract({
  ...BY_DAY,
  name: "gold.flight_features",
  description:
    "What is known of a flight before it leaves, and whether it came in late: for models of delays.",
  owner: OWNER,
  freshness: { column: "flight_date", within: "48h", ...STOPPED },
  keys: ["flight_id", "flight_date"],
  schema: defineSchema({
    flight_id: string(),
    flight_date: date(),
    origin: string(),
    destination: string(),
    scheduled_hour: int(),
    weekday: int().doc("0 is a Sunday."),
    distance_miles: int(),
    route_delay_minutes_7d: double().optional().doc("Mean delay on its route in the seven days before."),
    origin_delay_minutes_7d: double()
      .optional()
      .doc("Mean delay of what left its origin in the seven days before."),
    is_late: boolean().doc("15 minutes or more: what is to be predicted."),
    arrival_delay_minutes: int().doc(
      "Less than 0 is early. It is to be predicted as well, and is no feature.",
    ),
  }),
  checks: [range("scheduled_hour", { min: 0, max: 23 }), range("weekday", { min: 0, max: 6 })],
});

/** All of them, in the order in which they are made. */
export const contracts = [
  bronzeAirports,
  bronzeEvents,
  silverFlights,
  silverRejected,
  goldRouteDays,
  goldAirportDays,
  goldOnTimeDays,
  goldFlightFeatures,
] as const;
