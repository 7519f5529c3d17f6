/** Traces across calls by gRPC, in W3C's header `traceparent`. */
import type { Interceptor } from "@connectrpc/connect";
import { inTraceOf, observe, traceparent } from "../../observability/index.js";
import { logCalls } from "../metrics.js";

/** For clients: a call says which trace it is part of. */
export const sendTrace: Interceptor = (next) => (request) => {
  const trace = traceparent();
  if (trace !== undefined) request.header.set("traceparent", trace);
  return next(request);
};

/** For a server: a call is part of the trace that it came with. A stream is told of when it has begun. */
export const takeTrace: Interceptor = (next) => (request) =>
  inTraceOf(request.header.get("traceparent") ?? undefined, () =>
    observe(
      logCalls,
      () => next(request),
      ({ outcome, milliseconds }) => ({ call: request.method.name, outcome, milliseconds }),
    ),
  );
