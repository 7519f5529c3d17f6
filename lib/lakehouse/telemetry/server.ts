import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { invalidConfig } from "../errors.js";
import { PROMETHEUS_CONTENT_TYPE } from "../observability/index.js";
import { redactor } from "../secrets.js";
import { Exposition } from "./exposition.js";
import { HealthWatch } from "./health-watch.js";
import type { Observed } from "./observed.js";
import { CONTENT_SECURITY_POLICY, healthPage } from "./page.js";
import { version } from "./version.js";

export interface ServeTelemetryOptions {
  /** 9464 where not given, as OpenTelemetry's exporters have it; 0 for any that is free. */
  readonly port?: number | undefined;
  /** `127.0.0.1` where not given. Elsewhere a token is needed. */
  readonly host?: string | undefined;
  /** What everyone shows who wants more than readiness, as `Authorization: Bearer …`. */
  readonly token?: string | undefined;
}

/** A server that tells how a lakehouse is. */
export interface TelemetryServer {
  /** `http://host:port`, with `/metrics`, `/health`, `/ready`, `/live`, and a page for browsers. */
  readonly url: string;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const TEXT = "text/plain; charset=utf-8";
const text = (status: number, body: string): Answer => ({ status, type: TEXT, body: `${body}\n` });

/** What anybody may know who can reach it, as a supervisor has to. */
const WITHOUT_TOKEN: ReadonlySet<string> = new Set(["/ready", "/live"]);

/**
 * Serves metrics and health of an open lakehouse over HTTP.
 *
 * @throws LakehouseError INVALID_CONFIG where it cannot listen, or where others could reach it and no token is set.
 */
export async function serveTelemetry(
  observed: Observed,
  { port = 9464, host = "127.0.0.1", token }: ServeTelemetryOptions = {},
): Promise<TelemetryServer> {
  if (!isLoopback(host) && !token)
    throw invalidConfig(
      host,
      `Others can reach ${host}, and metrics and health would be shown to all of them.`,
      "Set SLH_TELEMETRY_TOKEN to what they must show, or listen on 127.0.0.1.",
    );
  const health = new HealthWatch(observed.health, redactor());
  const exposition = new Exposition(observed, health, version());
  const routes: Readonly<Record<string, (request: IncomingMessage) => Promise<Answer>>> = {
    "/metrics": async () => ({ status: 200, type: PROMETHEUS_CONTENT_TYPE, body: await exposition.text() }),
    "/health": async () => {
      const state = await health.now();
      const status = state.status === "ok" ? 200 : 503;
      return { status, type: "application/json", body: `${JSON.stringify(state, undefined, 2)}\n` };
    },
    "/ready": async () => {
      const failed = (await health.now()).parts.filter(({ ok }) => !ok).map(({ part }) => part);
      return failed.length === 0 ? text(200, "ready") : text(503, `not ready: ${failed.join(", ")}`);
    },
    "/live": async () => text(200, "live"),
    "/": async () => {
      const state = await health.now();
      const body = healthPage(state);
      return { status: state.status === "ok" ? 200 : 503, type: "text/html; charset=utf-8", body };
    },
  };
  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const path = (request.url ?? "/").split("?", 1)[0] as string;
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    if (isLoopback(host) && !isOwnName(request.headers.host))
      return text(403, "Only this machine is served.");
    if (route === undefined) return text(404, `There is ${Object.keys(routes).join(", ")}.`);
    if (request.method !== "GET" && request.method !== "HEAD") return text(405, "It is only read.");
    if (token && !WITHOUT_TOKEN.has(path) && !shows(request, token))
      return text(401, "A token is to be shown.");
    return route(request);
  };
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    answer(request).then(
      (found) => send(response, found, request.method === "HEAD"),
      () => send(response, text(500, "This could not be told."), false),
    );
  });
  server.maxConnections = 100;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, resolve);
    });
  } catch (cause) {
    exposition.stop();
    throw invalidConfig(
      `${host}:${port}`,
      `Metrics and health cannot be served at ${host}:${port}: ${(cause as Error).message}.`,
      "Choose another address by --telemetry, or port 0 for any that is free.",
      cause,
    );
  }
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    close: async () => {
      exposition.stop();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function send(response: ServerResponse, { status, type, body }: Answer, isHead: boolean): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    ...(status === 401 ? { "www-authenticate": "Bearer" } : {}),
    ...(status === 405 ? { allow: "GET, HEAD" } : {}),
  });
  response.end(isHead ? undefined : body);
}

/** Compared by their hashes: how long that takes tells nothing of the token. */
function shows({ headers }: IncomingMessage, token: string): boolean {
  const given = /^bearer\s+(.+)$/i.exec(headers.authorization ?? "")?.[1];
  const hash = (value: string) => createHash("sha256").update(value).digest();
  return given !== undefined && timingSafeEqual(hash(given), hash(token));
}

function isLoopback(host: string): boolean {
  return /^(127(\.\d{1,3}){3}|::1|localhost)$/i.test(host);
}

/** A page from elsewhere may make a browser speak to this machine under another name. */
function isOwnName(host: string | undefined): boolean {
  if (host === undefined) return true;
  return isLoopback(host.replace(/:\d+$/, "").replace(/^\[|\]$/g, ""));
}
