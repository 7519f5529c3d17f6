import type { MetricReading } from "./collect.js";
import type { MetricDescription, MetricLabels } from "./metric.js";
import { labelsKey } from "./series.js";

/** What an endpoint says is in its answer: Prometheus's text format. */
export const PROMETHEUS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

const PREFIX = "sololakehouse";

/** Bounds of a histogram's buckets, as exponents of two in the metric's own unit. */
const BOUNDS: Readonly<Record<MetricDescription["unit"], readonly [from: number, to: number]>> = {
  ms: [-2, 17], // a quarter of a millisecond, to two minutes
  s: [-10, 12],
  By: [8, 34], // 256 bytes, to 16 GiB
  "1": [0, 20],
};

/**
 * A metric's name by Prometheus's conventions: `storage.request.duration` in milliseconds is
 * `sololakehouse_storage_request_duration_seconds`, a counter ends in `_total`.
 */
export function prometheusName({ name, kind, unit }: MetricDescription): string {
  // Of any process the same is said, under names that every dashboard knows.
  const words = (name.startsWith("process.") ? name : `${PREFIX}.${name}`).replaceAll(/[^a-zA-Z0-9_]/g, "_");
  const suffix = unit === "By" ? "_bytes" : unit === "1" ? "" : "_seconds";
  const measured = words.endsWith(suffix) ? words : words + suffix;
  return kind === "counter" ? `${measured}_total` : measured;
}

/**
 * Metrics in Prometheus's text format, each with its help and type, by name. A histogram has buckets whose bounds double,
 * the same for every process, so that they can be added up.
 *
 * @param described all that there are, also those without a value yet.
 */
export function prometheusText(
  described: readonly (MetricDescription & { readonly initial?: readonly MetricLabels[] })[],
  readings: readonly MetricReading[],
): string {
  const byName = new Map<string, MetricReading[]>();
  for (const reading of readings) {
    const known = byName.get(reading.name);
    if (known === undefined) byName.set(reading.name, [reading]);
    else known.push(reading);
  }
  const lines: string[] = [];
  for (const metric of [...described].sort((a, b) => (prometheusName(a) < prometheusName(b) ? -1 : 1))) {
    const name = prometheusName(metric);
    const found = byName.get(metric.name) ?? [];
    const keys = new Set(found.map(({ labels }) => labelsKey(labels)));
    const unseen = (metric.initial ?? []).filter((labels) => !keys.has(labelsKey(labels)));
    lines.push(`# HELP ${name} ${escapedHelp(metric.help)}`, `# TYPE ${name} ${metric.kind}`);
    for (const { labels, count, sum, distribution } of [
      ...found,
      ...unseen.map((labels) => ({ labels, count: 0, sum: 0, distribution: undefined })),
    ]) {
      if (metric.kind === "histogram") {
        lines.push(...histogramLines(name, metric.unit, labels, count, sum, distribution?.buckets ?? []));
      } else lines.push(`${name}${labelText(labels)} ${inBaseUnit(sum, metric.unit)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function histogramLines(
  name: string,
  unit: MetricDescription["unit"],
  labels: MetricLabels,
  count: number,
  sum: number,
  buckets: readonly { readonly upTo: number; readonly count: number }[],
): string[] {
  const [from, to] = BOUNDS[unit];
  const lines: string[] = [];
  for (let exponent = from; exponent <= to; exponent++) {
    const upTo = 2 ** exponent;
    const below = buckets.reduce((total, bucket) => (bucket.upTo <= upTo ? total + bucket.count : total), 0);
    lines.push(`${name}_bucket${labelText(labels, String(inBaseUnit(upTo, unit)))} ${below}`);
  }
  lines.push(`${name}_bucket${labelText(labels, "+Inf")} ${count}`);
  lines.push(`${name}_sum${labelText(labels)} ${inBaseUnit(sum, unit)}`);
  lines.push(`${name}_count${labelText(labels)} ${count}`);
  return lines;
}

/** Seconds and bytes: Prometheus has no other units. */
function inBaseUnit(value: number, unit: MetricDescription["unit"]): number {
  return unit === "ms" ? value / 1000 : value;
}

function labelText(labels: MetricLabels, le?: string): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${labelName(name)}="${escapedValue(value)}"`);
  if (le !== undefined) pairs.push(`le="${le}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

/** `le` is the bucket's, and names that begin with two underscores are Prometheus's own. */
function labelName(name: string): string {
  const word = name
    .replaceAll(/[^a-zA-Z0-9_]/g, "_")
    .replace(/^(?=\d)/, "_")
    .replace(/^__+/, "_");
  return word === "le" ? "le_" : word;
}

function escapedHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapedValue(text: string): string {
  // A lone surrogate is no UTF-8, and one label of that kind would cost the whole scrape.
  return text
    .replaceAll(/\p{Surrogate}/gu, "\ufffd")
    .replaceAll("\\", "\\\\")
    .replaceAll("\n", "\\n")
    .replaceAll('"', '\\"');
}
