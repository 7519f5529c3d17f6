import type { EventChannel } from "./channel.js";

/** `counter`: a sum that only grows. `histogram`: how often, and how much, by size. */
export type MetricKind = "counter" | "histogram";
/** By the Unified Code for Units of Measure, as OpenTelemetry has them: `By` are bytes, `1` is a count. */
export type MetricUnit = "1" | "By" | "ms";
export type MetricLabels = Readonly<Record<string, string>>;

/** What a metric is, whoever counts it. */
export interface MetricDescription {
  /** `<room>.<what>`, such as `storage.requests`. */
  readonly name: string;
  readonly kind: MetricKind;
  readonly unit: MetricUnit;
  /** One sentence: what is counted. */
  readonly help: string;
}

/** A metric that a room states: what it is, and how it follows from the room's events. */
export interface Metric extends MetricDescription {
  /** Tells each value as it comes, until what it answers with is called. */
  readonly observe: (record: (value: number, labels: MetricLabels) => void) => () => void;
}

/** What one event says of a metric; undefined for nothing. */
export interface Measurement<Event> {
  /** 1 where not given: events are counted. */
  readonly value?: (event: Event) => number | undefined;
  /** Few values each, since every combination is kept: an outcome, never a URI. */
  readonly labels?: (event: Event) => MetricLabels;
}

/**
 * A metric made from the events of a channel.
 *
 * @example
 * metric(requests, { name: "storage.bytes", kind: "counter", unit: "By", help: "…" }, { value: ({ bytes }) => bytes })
 */
export function metric<Event extends object>(
  channel: EventChannel<Event>,
  description: MetricDescription,
  { value = () => 1, labels = () => ({}) }: Measurement<Event> = {},
): Metric {
  return {
    ...description,
    observe: (record) =>
      channel.subscribe((event) => {
        const measured = value(event);
        if (measured !== undefined) record(measured, labels(event));
      }),
  };
}
