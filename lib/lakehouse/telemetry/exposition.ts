import {
  collectMetrics,
  type MetricDescription,
  type MetricReading,
  type Metrics,
  prometheusText,
} from "../observability/index.js";
import type { HealthWatch } from "./health-watch.js";
import type { Observed, OpenGauge } from "./observed.js";
import { PROCESS_METRICS, ProcessGauges, reading } from "./process-gauges.js";

/** A value that cannot be read is left out of a scrape, and counted here: the others are told. */
const GAUGE_FAILURES = {
  name: "telemetry.read.failures",
  kind: "counter",
  unit: "1",
  help: "Values that could not be read when they were asked for.",
} as const satisfies MetricDescription;

/** Of a gauge that has more values than these, the greatest are told, and the sum of the others as `other`. */
const MAX_GAUGE_VALUES = 200;

/** Every metric that an exposition of a lakehouse has. */
export function exposedMetrics({
  metrics,
  gauges,
}: Pick<Observed, "metrics" | "gauges">): readonly MetricDescription[] {
  return [...metrics, ...gauges, ...Object.values(PROCESS_METRICS), GAUGE_FAILURES];
}

/** What this process has done since then, and is now, for who comes to read it. */
export class Exposition {
  readonly #observed: Observed;
  readonly #health: HealthWatch;
  readonly #metrics: Metrics;
  readonly #process: ProcessGauges;
  #gaugeFailures = 0;

  constructor(observed: Observed, health: HealthWatch, version: string) {
    this.#observed = observed;
    this.#health = health;
    this.#metrics = collectMetrics(observed.metrics);
    this.#process = new ProcessGauges(version);
  }

  /** In Prometheus's text format. */
  async text(): Promise<string> {
    return prometheusText(exposedMetrics(this.#observed), await this.#read());
  }

  async #read(): Promise<MetricReading[]> {
    // Asked first, so that what it says is of this moment; it is the same for all who ask within five seconds.
    const { parts } = await this.#health.now();
    const gauges = await Promise.all(this.#observed.gauges.map((gauge) => this.#gauge(gauge)));
    return [
      ...this.#metrics.read(),
      ...gauges.flat(),
      ...this.#process.read(),
      ...parts.map(({ part, ok }) => reading(PROCESS_METRICS.up, ok ? 1 : 0, { part })),
      ...parts.map(({ part, milliseconds }) => reading(PROCESS_METRICS.partDuration, milliseconds, { part })),
      reading(GAUGE_FAILURES, this.#gaugeFailures),
    ];
  }

  async #gauge(gauge: OpenGauge): Promise<MetricReading[]> {
    try {
      const values = [...(await gauge.read())].sort((a, b) => b.value - a.value);
      const told = values
        .slice(0, MAX_GAUGE_VALUES)
        .map(({ value, labels }) => reading(gauge, value, labels));
      const rest = values.slice(MAX_GAUGE_VALUES);
      const [first] = rest;
      if (first === undefined) return told;
      const other = Object.fromEntries(Object.keys(first.labels).map((name) => [name, "other"]));
      return [
        ...told,
        reading(
          gauge,
          rest.reduce((sum, { value }) => sum + value, 0),
          other,
        ),
      ];
    } catch {
      this.#gaugeFailures++;
      return [];
    }
  }

  stop(): void {
    this.#metrics.stop();
    this.#process.stop();
  }
}
