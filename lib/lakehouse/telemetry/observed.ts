import type { Closing } from "../closing.js";
import type { GaugeValue, Metric, MetricDescription } from "../observability/index.js";

/** What one part of a lakehouse said when it was asked to do its job once. */
export interface PartReport {
  readonly part: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly milliseconds: number;
}

/** A gauge, of the lakehouse that is open. */
export interface OpenGauge extends MetricDescription {
  readonly read: () => Promise<readonly GaugeValue[]>;
}

/** All that there is to see of an open lakehouse. */
export interface Observed {
  readonly metrics: readonly Metric[];
  readonly gauges: readonly OpenGauge[];
  /** Puts each part to work once. Never throws. */
  readonly health: () => Promise<readonly PartReport[]>;
}

/** What the room needs of an open lakehouse. */
export interface TelemetryContext {
  readonly observed: Observed;
  readonly closing: Closing;
}
