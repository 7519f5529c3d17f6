import websocket from "@fastify/websocket";
import { type FastifyInstance, fastify } from "fastify";
import { Guard } from "./guard.js";
import { answerTo, Refused } from "./refused.js";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Answers `?token=…` by itself, before there is a cookie. */
    readonly opens?: boolean | undefined;
  }
}

/** Bytes of a body: a notebook with its pictures is some megabytes. */
const BODY_LIMIT = 64_000_000;

export interface GuardedApp {
  readonly app: FastifyInstance;
  readonly guard: Guard;
  /** Once it listens. */
  port(): number;
}

/** A server that asks nothing to be done before the guard has seen the request, WebSocket upgrades included. */
export async function guardedApp(): Promise<GuardedApp> {
  const guard = new Guard();
  const app = fastify({
    bodyLimit: BODY_LIMIT,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 1000 },
  });
  const port = (): number => {
    const address = app.server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  };
  app.setErrorHandler((error, _, reply) => {
    const { status, body } = answerTo(error);
    return reply.code(status).send(body);
  });
  app.setNotFoundHandler((request) => {
    throw new Refused(404, "NOT_FOUND", `There is nothing at ${request.url.split("?", 1)[0]}.`);
  });
  app.addHook("onRequest", async (request, reply) => {
    reply.headers(HEADERS);
    // A connection that asked for an upgrade is no longer the HTTP server's to close: refused, it would hold up the end.
    if (request.headers.upgrade !== undefined)
      reply.header("connection", "close").raw.once("finish", () => request.raw.socket.destroySoon());
    guard.checkPlace(request, port());
    const opens = request.routeOptions.config.opens === true;
    if (opens && (request.query as { token?: unknown }).token !== undefined) return;
    guard.admit(request, port(), request.url.startsWith("/api"));
  });
  await app.register(websocket, {
    options: {
      maxPayload: BODY_LIMIT,
      // Jupyter's own framing where the client offers it; see `jupyter/framing.ts`.
      handleProtocols: (offered: Set<string>) => (offered.has(JUPYTER_V1) ? JUPYTER_V1 : false),
    },
  });
  return { app, guard, port };
}

/** The subprotocol of `jupyter_server` in which buffers stand beside the JSON. */
export const JUPYTER_V1 = "v1.kernel.websocket.jupyter.org";

const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};
