import { isAbsolute, resolve } from "node:path";
import { invalidConfig } from "../errors.js";
import {
  activeSpan,
  type EventChannel,
  type EventLevel,
  finishedSpans,
  type Metric,
} from "../observability/index.js";
import { redactor } from "../secrets.js";
import { exports } from "./metrics.js";
import { tellable } from "./shown.js";
import type { Stoppable } from "./traces.js";

export interface EventLinesOptions {
  /** A file to append to, or `-` for stderr. */
  readonly to: string;
  /** `info` where not given: what has changed, and what failed. `debug` has every request and query, too. */
  readonly level?: EventLevel | undefined;
}

const LEVELS: readonly EventLevel[] = ["debug", "info", "warn"];

/** What each line says by these names. */
const OWN: ReadonlySet<string> = new Set(["level", "time", "pid", "event", "trace_id", "span_id"]);

/** What counts as no failure, though it is not `ok`. */
const EXPECTED: ReadonlySet<string> = new Set(["OBJECT_NOT_FOUND", "PRECONDITION_FAILED", "ABORTED"]);

/**
 * Writes a line of JSON for each event of the rooms from now on, with the ids of its trace and span: those of one run have one
 * `trace_id`, whether or not traces are sent anywhere. Lines that cannot be written are lost, and counted in `telemetry.lost`.
 *
 * @throws LakehouseError INVALID_CONFIG for a file that cannot be opened.
 */
export async function writeEventLines(
  metrics: readonly Metric[],
  { to, level = "info" }: EventLinesOptions,
): Promise<Stoppable> {
  if (!LEVELS.includes(level))
    throw invalidConfig(
      "SLH_EVENTS_LEVEL",
      `There is no level ${JSON.stringify(level)}.`,
      `Say ${LEVELS.join(", ")}.`,
    );
  const { pino } = await import("pino");
  const path = to === "-" || isAbsolute(to) ? to : resolve(to);
  let destination: ReturnType<typeof pino.destination>;
  try {
    destination = pino.destination({ dest: path === "-" ? 2 : path, append: true, sync: true, mode: 0o600 });
  } catch (cause) {
    throw invalidConfig(
      "SLH_EVENTS",
      `Events cannot be written to ${path}: ${(cause as Error).message}.`,
      "Give a file in a folder that can be written, or - for stderr.",
      cause,
    );
  }
  let isTelling = false;
  destination.on("error", (error: Error) => {
    if (isTelling) return;
    isTelling = true;
    exports.publish({ what: "events", count: 1, outcome: "failed", why: error.message });
    isTelling = false;
  });
  const logger = pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  const shown = redactor();
  const ends = channelsOf(metrics).map((channel) =>
    channel.subscribe((event) => {
      const severity = severityOf(channel, event);
      if (!logger.isLevelEnabled(severity)) return;
      const span = activeSpan();
      const name = channel.name.slice(channel.name.indexOf(":") + 1);
      const told = tellable(event, shown);
      logger[severity]({
        event: name,
        ...(span && { trace_id: span.traceId, span_id: span.spanId }),
        // What a line says of itself is not for an event to say.
        ...Object.fromEntries(Object.entries(told).filter(([key]) => !OWN.has(key))),
      });
    }),
  );
  // Only while somebody listens to spans do events belong to any.
  ends.push(finishedSpans.subscribe(() => {}));
  return {
    async stop() {
      for (const end of ends) end();
      await new Promise<void>((resolve) => {
        destination.once("close", resolve);
        destination.once("error", () => resolve());
        // The terminal is not ours to close.
        if (path === "-") {
          destination.flushSync();
          resolve();
        } else destination.end();
      });
    },
  };
}

function channelsOf(metrics: readonly Metric[]): readonly EventChannel<object>[] {
  return [...new Set(metrics.map(({ channel }) => channel))];
}

function severityOf(channel: EventChannel<object>, event: object): "debug" | "info" | "warn" | "error" {
  const { outcome } = event as { readonly outcome?: unknown };
  const isFailure = typeof outcome === "string" && /^([A-Z][A-Z0-9_]*|error|failed)$/.test(outcome);
  return isFailure && !EXPECTED.has(outcome as string) ? "error" : channel.level;
}
