import type { EventChannel } from "./channel.js";

/**
 * `counter`: a sum that only grows. `histogram`: how often, and how much, by size. `gauge`: how much there is now, asked for
 * when somebody looks.
 */
export type MetricKind = "counter" | "histogram" | "gauge";
/** By the Unified Code for Units of Measure, as OpenTelemetry has them: `By` are bytes, `1` is a count. */
export type MetricUnit = "1" | "By" | "ms" | "s";
export type MetricLabels = Readonly<Record<string, string>>;

/** What a metric is, whoever counts it. */
export interface MetricDescription {
  /** `<room>.<what>`, such as `storage.request.duration`. */
  readonly name: string;
  readonly kind: MetricKind;
  readonly unit: MetricUnit;
  /** One sentence: what is counted. */
  readonly help: string;
}

/** A metric that a room states: what it is, and how it follows from the room's events. */
export interface Metric extends MetricDescription {
  readonly kind: "counter" | "histogram";
  /** What it follows from. */
  readonly channel: EventChannel<object>;
  /**
   * Labels under which it stands at nothing before anything happens. An increase from nothing at all to one is none for who
   * looks at the difference: the first failure would raise no alarm.
   */
  readonly initial: readonly MetricLabels[];
  /** Tells each value as it comes, until what it answers with is called. */
  readonly observe: (record: (value: number, labels: MetricLabels) => void) => () => void;
}

/** What one event says of a metric; undefined for nothing. */
export interface Measurement<Event> {
  /** 1 where not given: events are counted. */
  readonly value?: (event: Event) => number | undefined;
  /** Few values each, since every combination is kept: an outcome, never a URI or a name that users choose. */
  readonly labels?: (event: Event) => MetricLabels;
  /** See `Metric`. Where there are no labels, nothing has to be said. */
  readonly initial?: readonly MetricLabels[];
}

/**
 * A metric made from the events of a channel.
 *
 * @example
 * metric(requests, { name: "storage.bytes", kind: "counter", unit: "By", help: "…" }, { value: ({ bytes }) => bytes })
 */
export function metric<Event extends object>(
  channel: EventChannel<Event>,
  description: MetricDescription & Pick<Metric, "kind">,
  { value = () => 1, labels, initial = labels === undefined ? [{}] : [] }: Measurement<Event> = {},
): Metric {
  return {
    ...description,
    channel: channel as unknown as EventChannel<object>,
    initial,
    observe: (record) =>
      channel.subscribe((event) => {
        const measured = value(event);
        if (measured !== undefined) record(measured, labels?.(event) ?? {});
      }),
  };
}

/** What there is of something now, by labels. */
export interface Gauge<Context = never> extends MetricDescription {
  readonly kind: "gauge";
  /** Asked whenever somebody looks: it costs little, and opens nothing. */
  readonly read: (context: Context) => Promise<readonly GaugeValue[]>;
}

export interface GaugeValue {
  readonly labels: MetricLabels;
  readonly value: number;
}
