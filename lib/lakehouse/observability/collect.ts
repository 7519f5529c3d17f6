import type { Metric, MetricDescription, MetricLabels } from "./metric.js";

/** What a metric has come to, for one combination of labels. */
export interface MetricReading extends MetricDescription {
  readonly labels: MetricLabels;
  /** How many values there were. */
  readonly count: number;
  /** Of all values, in the metric's unit: what a counter stands at. */
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

/** Counts what happens in this process from now on, until it is stopped. */
export function collectMetrics(metrics: readonly Metric[]): Metrics {
  const series = new Map<string, Series>();
  const ends = metrics.map((metric) =>
    metric.observe((value, labels) => {
      const key = JSON.stringify([metric.name, ...Object.entries(labels)]);
      let one = series.get(key);
      if (one === undefined) {
        one = { metric, labels, count: 0, sum: 0, min: value, max: value, buckets: new Map() };
        series.set(key, one);
      }
      one.count++;
      one.sum += value;
      if (metric.kind === "counter") return;
      one.min = Math.min(one.min, value);
      one.max = Math.max(one.max, value);
      const exponent = value <= 0 ? Number.NEGATIVE_INFINITY : Math.ceil(Math.log2(value));
      one.buckets.set(exponent, (one.buckets.get(exponent) ?? 0) + 1);
    }),
  );
  return {
    read: () => [...series].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => readingOf(one)),
    stop: () => {
      for (const end of ends) end();
    },
  };
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
