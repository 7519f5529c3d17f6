/**
 * Observability: a port. A room publishes what happens in it on named, typed channels, and states which metrics follow
 * from them; it costs nothing while nobody listens. What listens (the counters of `lake.metrics()`, an exporter) stands at
 * the top, so that no room knows a metrics library. This room imports no other.
 */
export { type EventChannel, type EventLevel, eventChannel } from "./channel.js";
export { collectMetrics, type Distribution, type MetricReading, type Metrics } from "./collect.js";
export {
  type Gauge,
  type GaugeValue,
  type Measurement,
  type Metric,
  type MetricDescription,
  type MetricKind,
  type MetricLabels,
  type MetricUnit,
  metric,
} from "./metric.js";
export { type Ending, isWatched, observe, outcomeOf, Watch } from "./observe.js";
export { PROMETHEUS_CONTENT_TYPE, prometheusName, prometheusText } from "./prometheus.js";
export {
  activeSpan,
  type FinishedSpan,
  finishedSpans,
  inTraceOf,
  type SpanAttributes,
  type SpanContext,
  traceparent,
} from "./span.js";
