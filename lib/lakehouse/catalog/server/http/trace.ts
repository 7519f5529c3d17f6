import type { FastifyInstance, FastifyRequest } from "fastify";
import { inTraceOf, isWatched, Watch } from "../../../observability/index.js";
import { type CatalogRequest, catalogRequests } from "../../metrics.js";

/** Tells of each request, as part of the trace that it came with. While nobody listens it does nothing. */
export function traceRequests(app: FastifyInstance): void {
  const watches = new WeakMap<FastifyRequest, Watch<CatalogRequest>>();
  app.addHook("onRequest", (request, _, done) => {
    if (!isWatched(catalogRequests)) return done();
    const { traceparent } = request.headers;
    inTraceOf(typeof traceparent === "string" ? traceparent : undefined, () => {
      const watch = new Watch(catalogRequests);
      watches.set(request, watch);
      // What follows is called from here, and so belongs to it.
      watch.within(done);
    });
  });
  app.addHook("onResponse", (request, reply, done) => {
    const { statusCode: status } = reply;
    const outcome = status >= 500 ? "fault" : status >= 400 ? "refused" : "ok";
    const route = request.routeOptions.url ?? "none";
    watches
      .get(request)
      ?.end(outcome, (milliseconds) => ({ method: request.method, route, status, outcome, milliseconds }));
    done();
  });
}
