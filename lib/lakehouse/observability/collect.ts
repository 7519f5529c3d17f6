import type { Metric, MetricDescription, MetricLabels } from "./metric.js";
import { boundedLabels, labelsKey, MAX_SERIES, otherLabels } from "./series.js";

/** What a metric has come to, for one combination of labels. */
export interface MetricReading extends MetricDescription {
  readonly labels: MetricLabels;
  /** How many values there were. */
  readonly count: number;
  /** Of all values, in the metric's unit: what a counter or a gauge stands at. */
  readonly sum: number;
  /** Histograms only. */
  readonly distribution?: Distribution | undefined;
}

export interface Distribution {
  readonly min: number;
  readonly max: number;
  /** Those that hold something, in order; each has the values above the one before it, up to a power of two. */
  readonly buckets: readonly { readonly upTo: number; readonly count: number }[];
}

export interface Metrics {
  /** Every metric that has a value yet, by name and labels. */
  read(): MetricReading[];
  stop(): void;
}

interface Series {
  readonly metric: Metric;
  readonly labels: MetricLabels;
  count: number;
  sum: number;
  min: number;
  max: number;
  /** By exponent of two. */
  readonly buckets: Map<number, number>;
}

/**
 * Counts what happens in this process from now on, until it is stopped. Of each metric at most 200 combinations of labels
 * are kept; others count as one, whose labels are `other`.
 */
export function collectMetrics(metrics: readonly Metric[]): Metrics {
  const all = metrics.map((metric) => new MetricSeries(metric));
  const ends = all.map((series) => series.metric.observe((value, labels) => series.add(value, labels)));
  return {
    read: () =>
      all
        .flatMap((series) => series.read())
        .sort((a, b) =>
          a.name === b.name ? compare(labelsKey(a.labels), labelsKey(b.labels)) : compare(a.name, b.name),
        ),
    stop: () => {
      for (const end of ends) end();
    },
  };
}

const compare = (a: string, b: string): number => (a < b ? -1 : 1);

class MetricSeries {
  readonly metric: Metric;
  readonly #series = new Map<string, Series>();

  constructor(metric: Metric) {
    this.metric = metric;
  }

  add(value: number, labels: MetricLabels): void {
    // No number would poison the sum for good.
    if (!Number.isFinite(value)) return;
    const one = this.#of(boundedLabels(labels), value);
    one.count++;
    one.sum += value;
    if (this.metric.kind === "counter") return;
    one.min = Math.min(one.min, value);
    one.max = Math.max(one.max, value);
    const exponent = value <= 0 ? Number.NEGATIVE_INFINITY : Math.ceil(Math.log2(value));
    one.buckets.set(exponent, (one.buckets.get(exponent) ?? 0) + 1);
  }

  #of(labels: MetricLabels, value: number): Series {
    const key = labelsKey(labels);
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const other = otherLabels(labels);
    if (this.#series.size >= MAX_SERIES - 1 && labelsKey(other) !== key) return this.#of(other, value);
    const one = { metric: this.metric, labels, count: 0, sum: 0, min: value, max: value, buckets: new Map() };
    this.#series.set(key, one);
    return one;
  }

  read(): MetricReading[] {
    return [...this.#series.values()].map(readingOf);
  }
}

function readingOf({ metric, labels, count, sum, min, max, buckets }: Series): MetricReading {
  const { name, kind, unit, help } = metric;
  const distribution = {
    min,
    max,
    buckets: [...buckets]
      .sort(([a], [b]) => a - b)
      .map(([exponent, count]) => ({ upTo: 2 ** exponent, count })),
  };
  return {
    name,
    kind,
    unit,
    help,
    labels,
    count,
    sum,
    distribution: kind === "histogram" ? distribution : undefined,
  };
}
