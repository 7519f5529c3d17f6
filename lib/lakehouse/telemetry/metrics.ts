import { eventChannel, metric } from "../observability/index.js";

/** Spans, or lines of events, that were to leave this process. */
export interface Export {
  readonly what: "spans" | "events";
  readonly count: number;
  /** `ok`, or `failed`: what could not be sent or written is lost. */
  readonly outcome: "ok" | "failed";
  /** Why it failed. */
  readonly why: string | undefined;
}

export const exports = eventChannel<Export>("telemetry.export");

const KINDS = (["spans", "events"] as const).map((what) => ({ what }));

export const metrics = [
  metric(
    exports,
    {
      name: "telemetry.exported",
      kind: "counter",
      unit: "1",
      help: "Spans that a collector has taken.",
    },
    {
      value: ({ count, outcome }) => (outcome === "ok" ? count : undefined),
      labels: ({ what }) => ({ what }),
      initial: KINDS,
    },
  ),
  metric(
    exports,
    {
      name: "telemetry.lost",
      kind: "counter",
      unit: "1",
      help: "Spans and lines of events that could not be sent or written.",
    },
    {
      value: ({ count, outcome }) => (outcome === "failed" ? count : undefined),
      labels: ({ what }) => ({ what }),
      initial: KINDS,
    },
  ),
];
