/**
 * Telemetry, `lake.telemetry`: what rooms publish on their channels, told to others. Metrics and health are served for
 * Prometheus, supervisors and browsers; spans go to a collector of OpenTelemetry, and events to a file. It stands at the top: the rooms know the port (`sololakehouse/observability`) and
 * none of this.
 */

export type { EventLinesOptions } from "./event-lines.js";
export { exposedMetrics } from "./exposition.js";
export { isAskedFor, startFromEnv } from "./from-env.js";
export type { HealthState } from "./health-watch.js";
export type { Observed, OpenGauge, PartReport } from "./observed.js";
export { type ServeTelemetryOptions, serveTelemetry, type TelemetryServer } from "./server.js";
export type { Telemetry } from "./telemetry.js";
export type { Stoppable, TraceOptions } from "./traces.js";
