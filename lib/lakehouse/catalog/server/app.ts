import type { FastifyInstance } from "fastify";
import { registerFrontPage } from "./front/register.js";
import type { Api, ApiOptions } from "./http/api.js";
import { Fault } from "./http/fault.js";
import { traceRequests } from "./http/trace.js";
import { nessieApi } from "./nessie/api.js";
import { restApi } from "./rest/api.js";
import { refuseUnreadable } from "./rest/unreadable.js";

/** What a server speaks. A request is the first one's that claims it; REST has what is left. */
const APIS: readonly Api[] = [nessieApi, restApi];

/** Node refuses a request line and headers above 16 KiB together; a name in a path can be as long as that allows. */
const MAX_PARAM_LENGTH = 16_384;

/** Wires the protocols to HTTP. Fastify is loaded here, so that whoever does not serve does not wait for it. */
export async function buildApp(options: ApiOptions): Promise<FastifyInstance> {
  const { gate, bodyLimit } = options;
  const { fastify } = await import("fastify");
  const app = fastify({
    bodyLimit,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    exposeHeadRoutes: false,
    forceCloseConnections: "idle",
    // Slow senders do not hold a connection for ever.
    requestTimeout: 60_000,
    clientErrorHandler: refuseUnreadable,
    frameworkErrors: (error, request, reply) =>
      (APIS.find((api) => api.claims(request)) ?? restApi).refuse(reply, error),
  });
  app.removeAllContentTypeParsers();
  // A page from elsewhere may make a browser speak to this machine under another name: where nobody has to
  // show a token, only this machine's own names are answered.
  app.addHook("onRequest", async ({ hostname, headers }) => {
    if (!gate.isOpen || headers.host === undefined || isOwnName(hostname)) return;
    throw new Fault(403, "ForbiddenException", "Without authentication only localhost is served.");
  });
  traceRequests(app);
  for (const api of APIS) api.register(app, options);
  registerFrontPage(app, options);
  return app;
}

function isOwnName(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, "").toLowerCase();
  return (
    name === "localhost" ||
    name.endsWith(".localhost") ||
    name === "::1" ||
    /^127(?:\.\d{1,3}){3}$/.test(name)
  );
}
