import type { MetricLabels } from "./metric.js";

/**
 * So many combinations of labels are kept of a metric. What comes beyond is counted together, as `other`: a label whose
 * values somebody else chooses costs no more memory than this, here and in what scrapes it.
 */
export const MAX_SERIES = 200;

/** Letters of a label's value. */
const MAX_LENGTH = 128;

const OTHER = "other";

/** Labels as they are kept: values are of a bounded length. */
export function boundedLabels(labels: MetricLabels): MetricLabels {
  const entries = Object.entries(labels);
  if (entries.every(([, value]) => value.length <= MAX_LENGTH)) return labels;
  return Object.fromEntries(
    entries.map(([name, value]) => [
      name,
      value.length <= MAX_LENGTH ? value : `${value.slice(0, MAX_LENGTH - 1)}…`,
    ]),
  );
}

/** The labels of all that is beyond the bound. */
export function otherLabels(labels: MetricLabels): MetricLabels {
  return Object.fromEntries(Object.keys(labels).map((name) => [name, OTHER]));
}

/** A key of labels, whatever their order and values. */
export function labelsKey(labels: MetricLabels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
