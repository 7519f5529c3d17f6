import type { Lakehouse, RowOf } from "sololakehouse";
import type { TableStream, TypedTopic } from "sololakehouse/log";
import { bronzeAirports, bronzeEvents, eventSchema } from "./contracts.js";
import { type Arrival, airportsFile, type FlightEvent } from "./source.js";

/** Makes the bronze tables, and takes in the raw file of airports, once. */
export async function ingestAirports(lake: Lakehouse): Promise<void> {
  await lake.quality.createTable(bronzeEvents);
  const airports = await lake.quality.createTable(bronzeAirports);
  if (airports.currentSnapshot === undefined)
    await lake.quality.publish(bronzeAirports, { csv: airportsFile }, { token: "airports" });
}

/**
 * Adds a batch of events to bronze, as they arrived, with where they come from. The same name again does nothing, whatever
 * became of the call before, as far back as the branch's last thousand commits.
 *
 * @param name of the file or batch: letters, digits, hyphens and underscores.
 */
export async function ingestEvents(
  lake: Lakehouse,
  name: string,
  arrivals: readonly Arrival[],
): Promise<void> {
  const rows = arrivals.map(
    ({ at, event }, i): RowOf<typeof bronzeEvents.schema> => ({
      ...event,
      source: name,
      partition: null,
      position: BigInt(i + 1),
      received_at: new Date(at).toISOString(),
    }),
  );
  const now = new Date(arrivals.reduce((last, { at }) => Math.max(last, at), 0));
  await lake.quality.publish(bronzeEvents, rows, { token: name, now });
}

/** Events on their way: the topic that they are appended to, and what takes it into bronze until it is closed. */
export interface EventStream {
  readonly topic: TypedTopic<FlightEvent>;
  readonly stream: TableStream;
}

/**
 * Opens the log's way into bronze, and goes on where it was.
 *
 * @example
 * const { topic, stream } = await streamEvents(lake);
 * await sendEvents(topic, arrivals);
 * await stream.flush(); // bronze has them
 */
export async function streamEvents(lake: Lakehouse): Promise<EventStream> {
  const topic = await lake.log.createTopic("flight-events", { schema: eventSchema, ifExists: "keep" });
  const stream = await topic.toTable(bronzeEvents.name, {
    columns: { partition: "partition", offset: "position", timestamp: "received_at" },
  });
  return { topic: topic as TypedTopic<FlightEvent>, stream };
}

/** Appends events to the log, those of a flight in their order, with the times at which they arrive. */
export async function sendEvents(
  topic: TypedTopic<FlightEvent>,
  arrivals: readonly Arrival[],
): Promise<void> {
  // An event that comes twice is one object.
  const rows = arrivals.map(({ event }) => ({ ...event }));
  const times = new Map(rows.map((row, i) => [row, Math.floor(arrivals[i]?.at ?? 0)]));
  const key = ({ flight }: FlightEvent) => flight ?? "";
  await topic.appendRows(rows, { key, timestamp: (row) => times.get(row) ?? 0, ack: "stored" });
}
