import { AsyncLocalStorage } from "node:async_hooks";
import { randomBytes } from "node:crypto";
import { eventChannel } from "./channel.js";

/** Which trace some work belongs to, and which span of it: W3C Trace Context's ids, in hexadecimal. */
export interface SpanContext {
  /** 32 digits. */
  readonly traceId: string;
  /** 16 digits. */
  readonly spanId: string;
  /** Whether the trace is recorded; where not, its ids are only handed on. */
  readonly sampled: boolean;
}

/** What is told of a span: no objects, and nothing as long as a text of SQL. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** Work that has ended. Its parent, if it has one, has not yet. */
export interface FinishedSpan extends SpanContext {
  readonly parentSpanId: string | undefined;
  /** That of the channel which the work is told on, such as `storage.request`. */
  readonly name: string;
  /** When it began, in milliseconds since the epoch, to the microsecond. */
  readonly startTime: number;
  readonly milliseconds: number;
  /** `ok`, or the code of the error. */
  readonly outcome: string;
  readonly attributes: SpanAttributes;
}

/** Spans as they end. Only while somebody listens here are there any. */
export const finishedSpans = eventChannel<FinishedSpan>("trace.span");

const active = new AsyncLocalStorage<SpanContext>();

/** The span that the caller's work belongs to, while somebody listens to spans. */
export function activeSpan(): SpanContext | undefined {
  return finishedSpans.hasSubscribers ? active.getStore() : undefined;
}

/** A span that has begun. */
export interface OpenSpan extends SpanContext {
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly began: number;
}

/** Begins a span below the active one, or a trace where there is none; undefined while nobody listens. */
export function beginSpan(name: string): OpenSpan | undefined {
  if (!finishedSpans.hasSubscribers) return undefined;
  const parent = active.getStore();
  return {
    traceId: parent?.traceId ?? randomBytes(16).toString("hex"),
    spanId: randomBytes(8).toString("hex"),
    parentSpanId: parent?.spanId,
    sampled: parent?.sampled ?? true,
    name,
    began: performance.now(),
  };
}

/** Does work as part of a span. */
export function inSpan<Result>(span: SpanContext | undefined, work: () => Result): Result {
  return span === undefined ? work() : active.run(span, work);
}

/** @param event of which what is plain text, a number or a flag becomes attributes. */
export function endSpan(span: OpenSpan | undefined, outcome: string, event: object | undefined): void {
  if (span === undefined || !span.sampled || !finishedSpans.hasSubscribers) return;
  const { began, ...rest } = span;
  finishedSpans.publish({
    ...rest,
    startTime: performance.timeOrigin + began,
    milliseconds: performance.now() - began,
    outcome,
    attributes: attributesOf(event ?? {}),
  });
}

/** Said of every span by itself. */
const OWN: ReadonlySet<string> = new Set(["outcome", "milliseconds"]);

function attributesOf(event: object): SpanAttributes {
  const attributes: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(event)) {
    if (OWN.has(name)) continue;
    if (typeof value === "bigint") attributes[name] = String(value);
    else if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
      attributes[name] = value;
  }
  return attributes;
}

const TRACEPARENT =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;

/** The header `traceparent` of a request that the caller's work sends; undefined where there is no trace. */
export function traceparent(): string | undefined {
  const span = activeSpan();
  return span && `00-${span.traceId}-${span.spanId}-${span.sampled ? "01" : "00"}`;
}

/**
 * Does work as part of the trace that a request came with.
 *
 * @param header its `traceparent`; one that says no trace is as none.
 */
export function inTraceOf<Result>(header: string | undefined, work: () => Result): Result {
  if (header === undefined || !finishedSpans.hasSubscribers) return work();
  const [, traceId, spanId, flags] = TRACEPARENT.exec(header) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return work();
  return active.run({ traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }, work);
}
