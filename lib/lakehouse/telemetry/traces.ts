import type { HrTime } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { invalidConfig } from "../errors.js";
import { type FinishedSpan, finishedSpans } from "../observability/index.js";
import { redactor } from "../secrets.js";
import { exports } from "./metrics.js";
import { shortened } from "./shown.js";
import { version } from "./version.js";

export interface TraceOptions {
  /** Of a collector that takes OTLP over HTTP, such as `http://127.0.0.1:4318`. */
  readonly endpoint: string;
  /** What the collector is shown as `Authorization`. */
  readonly authorization?: string | undefined;
  /** By which name traces are found there. `sololakehouse` where not given. */
  readonly service?: string | undefined;
}

/** What goes on until it is stopped. */
export interface Stoppable {
  /** Sends what is left, for five seconds at most. */
  stop(): Promise<void>;
}

/** How long spans wait for others to go with, and how long the collector may take. */
const DELAY_MS = 2000;
const TIMEOUT_MS = 5000;
/** Spans that wait at most; what comes while there are as many is lost. */
const MAX_WAITING = 4096;

/**
 * Sends spans to a collector from now on, by OpenTelemetry's protocol. Work never waits for it: what the collector does not
 * take in time is lost, and counted in `telemetry.lost`.
 *
 * @throws LakehouseError INVALID_CONFIG for an endpoint that is no URL of HTTP.
 */
export async function exportTraces({
  endpoint,
  authorization,
  service = "sololakehouse",
}: TraceOptions): Promise<Stoppable> {
  const url = tracesUrl(endpoint);
  const [
    { SpanKind, SpanStatusCode, TraceFlags },
    { BatchSpanProcessor },
    { OTLPTraceExporter },
    { resourceFromAttributes },
  ] = await Promise.all([
    import("@opentelemetry/api"),
    import("@opentelemetry/sdk-trace-base"),
    import("@opentelemetry/exporter-trace-otlp-http"),
    import("@opentelemetry/resources"),
  ]);
  const headers: Record<string, string> = authorization === undefined ? {} : { Authorization: authorization };
  const exporter = new OTLPTraceExporter({ url, headers, timeoutMillis: TIMEOUT_MS });
  const shown = redactor();
  let waiting = 0;
  let overflow = 0;
  const tellOverflow = () => {
    const count = overflow;
    overflow = 0;
    if (count > 0)
      exports.publish({
        what: "spans",
        count,
        outcome: "failed",
        why: "more came than may wait for the collector",
      });
  };
  const processor = new BatchSpanProcessor(
    {
      export: (spans, done) => {
        waiting -= spans.length;
        exporter.export(spans, (result) => {
          tellOverflow();
          const isOk = result.code === 0;
          exports.publish({
            what: "spans",
            count: spans.length,
            outcome: isOk ? "ok" : "failed",
            why: result.error === undefined ? undefined : shown(result.error.message),
          });
          // It has been told. The SDK would only tell it once more, by a logger of its own.
          done({ code: 0 });
        });
      },
      shutdown: () => exporter.shutdown(),
    },
    {
      scheduledDelayMillis: DELAY_MS,
      // The exporter gives up first, and says so: what the SDK gives up by itself fails whoever stops it.
      exportTimeoutMillis: 2 * TIMEOUT_MS,
      maxQueueSize: MAX_WAITING,
      maxExportBatchSize: 512,
    },
  );
  const resource = resourceFromAttributes({
    "service.name": service,
    "service.version": version(),
    "process.pid": process.pid,
  });
  const instrumentationScope = { name: "sololakehouse", version: version() };
  const readable = (span: FinishedSpan): ReadableSpan => {
    const { traceId, spanId, parentSpanId, name, outcome, startTime, milliseconds } = span;
    const traceFlags = TraceFlags.SAMPLED;
    return {
      name,
      kind: SpanKind.INTERNAL,
      spanContext: () => ({ traceId, spanId, traceFlags }),
      ...(parentSpanId !== undefined && { parentSpanContext: { traceId, spanId: parentSpanId, traceFlags } }),
      startTime: hrTime(startTime),
      endTime: hrTime(startTime + milliseconds),
      duration: hrTime(milliseconds),
      ended: true,
      status:
        outcome === "ok" ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: outcome },
      attributes: {
        ...Object.fromEntries(
          Object.entries(span.attributes).map(([key, value]) => [
            `sololakehouse.${key}`,
            typeof value === "string" ? shortened(shown(value)) : value,
          ]),
        ),
        ...(outcome === "ok" ? {} : { "error.type": outcome }),
      },
      links: [],
      events: [],
      resource,
      instrumentationScope,
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    };
  };
  // The SDK drops what its queue has no room for without a word to who counts, so it is never asked to.
  const end = finishedSpans.subscribe((span) => {
    if (waiting >= MAX_WAITING) {
      overflow++;
      return;
    }
    waiting++;
    processor.onEnd(readable(span));
  });
  return {
    async stop() {
      end();
      // A collector that is gone must not fail whoever closes a lakehouse; what it did not take has been counted.
      await processor.shutdown().catch(() => {});
      tellOverflow();
    },
  };
}

/** The path is OTLP's own, unless one is given. */
function tracesUrl(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "")
    throw invalidConfig(
      "SLH_TRACES",
      "Where traces are to be sent is no URL of HTTP without a password.",
      "Give a collector's, as in http://127.0.0.1:4318, and a password by SLH_TRACES_AUTHORIZATION.",
    );
  if (url.pathname === "/") url.pathname = "/v1/traces";
  return url.href;
}

/** Seconds and nanoseconds, of milliseconds. */
function hrTime(milliseconds: number): HrTime {
  const seconds = Math.floor(milliseconds / 1000);
  return [seconds, Math.round((milliseconds - seconds * 1000) * 1e6)];
}
