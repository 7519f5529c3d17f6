/**
 * Telemetry, `lake.telemetry`: what rooms publish on their channels, told to others. Metrics and health are served for
 * Prometheus, supervisors and browsers. It stands at the top: the rooms know the port (`sololakehouse/observability`) and
 * none of this.
 */
export type { HealthState } from "./health-watch.js";
export type { Observed, OpenGauge, PartReport } from "./observed.js";
export { type ServeTelemetryOptions, serveTelemetry, type TelemetryServer } from "./server.js";
export type { Telemetry } from "./telemetry.js";
