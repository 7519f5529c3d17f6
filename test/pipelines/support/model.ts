import type { FlightEvent, Replay } from "../../../pipelines/flights/index.js";

export interface ModelFlight {
  readonly flight_id: string;
  readonly flight_date: string;
  readonly origin: string;
  readonly destination: string;
  readonly status: string;
  readonly distance_miles: number;
  readonly arrival_delay_minutes: number | null;
  readonly sent: string;
}

/** Every flight as its newest good report has it, by a plain reading. */
export function flightsOf(good: readonly FlightEvent[]): ModelFlight[] {
  const newest = new Map<string, ModelFlight>();
  for (const event of good) {
    const id = event.flight as string;
    const sent = event.sent as string;
    if ((newest.get(id)?.sent ?? "") >= sent) continue;
    newest.set(id, {
      flight_id: id,
      flight_date: (event.scheduled as string).slice(0, 10),
      origin: event.origin as string,
      destination: event.destination as string,
      status: event.status as string,
      distance_miles: Number(event.distance),
      arrival_delay_minutes: event.delay === null ? null : Number(event.delay),
      sent,
    });
  }
  return [...newest.values()].sort((a, b) => (a.flight_id < b.flight_id ? -1 : 1));
}

const delaysOf = (flights: readonly ModelFlight[]) =>
  flights.flatMap(({ arrival_delay_minutes: delay }) => (delay === null ? [] : [delay]));

const mean = (values: readonly number[]) =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;

function groups(flights: readonly ModelFlight[], keyOf: (flight: ModelFlight) => string) {
  const found = new Map<string, ModelFlight[]>();
  for (const flight of flights) found.set(keyOf(flight), [...(found.get(keyOf(flight)) ?? []), flight]);
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
}

const before = (day: string, days: number) =>
  new Date(Date.parse(`${day}T00:00:00Z`) - days * 86_400_000).toISOString().slice(0, 10);

/** The gold tables, each row as its columns in order, rows in the order of their keys. */
export function goldOf(flights: readonly ModelFlight[]): Readonly<Record<string, unknown[][]>> {
  const routes = groups(flights, (f) => `${f.flight_date} ${f.origin} ${f.destination}`);
  const origins = groups(flights, (f) => `${f.flight_date} ${f.origin}`);
  const airports = groups(
    flights.flatMap((f) => [
      { ...f, sent: f.origin },
      { ...f, sent: f.destination },
    ]),
    (f) => `${f.flight_date} ${f.sent}`,
  );
  const week = (f: ModelFlight, isAlike: (other: ModelFlight) => boolean) =>
    mean(
      delaysOf(
        flights.filter(
          (other) =>
            isAlike(other) &&
            other.flight_date < f.flight_date &&
            other.flight_date >= before(f.flight_date, 7),
        ),
      ),
    );
  return {
    "gold.route_days": routes.map(([key, own]) => {
      const delays = delaysOf(own);
      const late = delays.filter((delay) => delay >= 15).length;
      const most = delays.length === 0 ? null : Math.max(...delays);
      return [...key.split(" "), own.length, delays.length, late, mean(delays), most];
    }),
    "gold.airport_days": airports.map(([key]) => {
      const [day = "", airport = ""] = key.split(" ");
      const out = flights.filter((f) => f.flight_date === day && f.origin === airport);
      const into = flights.filter((f) => f.flight_date === day && f.destination === airport);
      return [day, airport, out.length, into.length, mean(delaysOf(out)), mean(delaysOf(into))];
    }),
    "gold.on_time_days": origins.map(([key, own]) => {
      const delays = delaysOf(own);
      const onTime = delays.filter((delay) => delay < 15).length;
      const share = delays.length === 0 ? null : onTime / delays.length;
      return [...key.split(" "), own.length, delays.length, onTime, share];
    }),
    "gold.flight_features": flights
      .filter(({ arrival_delay_minutes: delay }) => delay !== null)
      .map((f) => [
        f.flight_id,
        f.flight_date,
        week(f, (other) => other.origin === f.origin && other.destination === f.destination),
        week(f, (other) => other.origin === f.origin),
        (f.arrival_delay_minutes as number) >= 15,
      ]),
  };
}

/** What is wrong with the broken events, each as often as it is. */
export const reasonsOf = ({ truth }: Replay) => truth.broken.map(({ reason }) => reason).sort();
