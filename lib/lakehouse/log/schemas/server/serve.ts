import type { TlsOptions } from "node:tls";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { invalidConfig } from "../../../errors.js";
import { checkOptions } from "../../../options.js";
import type { Caller } from "../../security/caller.js";
import { checkExposure, type Exposure, isLoopback } from "../../security/exposure.js";
import { challenges, type HttpCall, httpCaller } from "../../security/http-caller.js";
import type { Security } from "../../security/security.js";
import { type TokenOptions, TokenVerifier } from "../../security/tokens.js";
import type { SchemaRegistry } from "../registry.js";
import { seesSubject } from "../subjects.js";
import { checkRoute } from "./access.js";
import { faultOf, RegistryFault } from "./faults.js";
import { type HttpServers, httpServers } from "./http-servers.js";
import { ROUTES, SchemaText, subjectIn } from "./routes.js";

export interface SchemaServerOptions {
  /** What is served. */
  readonly registry: SchemaRegistry;
  /** 8081 where not given; 0 for one that the system gives. */
  readonly port?: number | undefined;
  /** `127.0.0.1` where not given. Elsewhere TLS and users are needed. */
  readonly host?: string | undefined;
  /** Certificate and key: TLS alone is spoken. */
  readonly tls?: TlsOptions | undefined;
  /** That of who may make certificates for clients: one whose common name is a user of the log calls as that user. */
  readonly clientCa?: string | Buffer | undefined;
  /** Whose tokens are taken in place of a password: as `Authorization: Bearer`, over TLS or from this machine. */
  readonly tokens?: TokenOptions | undefined;
  /** Listens where others can reach it without TLS, or without users who are asked who they are: who comes may do everything. */
  readonly insecure?: boolean | undefined;
  /** How many connections are taken; those beyond are closed at once. 2,500 where not given. */
  readonly maxConnections?: number | undefined;
  /** Told of faults of the server, which clients see as a bare 500. */
  readonly onFault?: ((error: unknown, request: string) => void) | undefined;
}

export interface SchemaServer {
  /** `http://host:port`, or `https:`: what clients take for the registry's URL. */
  readonly uri: string;
  /**
   * Goes on with another certificate and its key, for connections that come from now on.
   *
   * @throws LakehouseError INVALID_CONFIG where they cannot be used: then those before stay
   */
  setTls(tls: TlsOptions): void;
  /** Takes no new requests, and ends when those under way are answered, or have had some seconds for it. */
  close(): Promise<void>;
}

const JSON_TYPE = "application/vnd.schemaregistry.v1+json";
const BODY_LIMIT = 4 * 1024 * 1024;
const MAX_PARAM_LENGTH = 4096;
/** As many as Kafka's clients may have. */
const MOST_CONNECTIONS = 2_500;
const GRACE_MS = 5_000;

/**
 * Serves a registry in Confluent's REST API, for the serializers of Kafka's clients.
 *
 * @throws LakehouseError INVALID_CONFIG on an address that others reach, or when it cannot listen.
 * @example
 * const server = await serveSchemaRegistry({ registry: lake.log.schemas });
 * const client = new SchemaRegistry({ host: server.uri }); // of @kafkajs/confluent-schema-registry
 */
export async function serveSchemaRegistry(options: SchemaServerOptions): Promise<SchemaServer> {
  checkOptions("serveSchemaRegistry", options, {
    registry: true,
    port: true,
    host: true,
    tls: true,
    clientCa: true,
    tokens: true,
    insecure: true,
    maxConnections: true,
    onFault: true,
  });
  const { registry, port = 8081, host = "127.0.0.1", onFault = () => {} } = options;
  const { tls, clientCa, insecure = false, maxConnections = MOST_CONNECTIONS } = options;
  checkMost(maxConnections);
  const security = await registry.core.security();
  const exposure = { host, tls, clientCa, insecure, isSecured: security.isOn };
  checkExposure(exposure);
  const servers = httpServers(maxConnections, exposure);
  const tokens = options.tokens && (await TokenVerifier.open(options.tokens));
  const app = await buildApp(registry, security, { ...exposure, tokens }, servers, onFault);
  let uri: string;
  try {
    uri = await app.listen({ host, port });
  } catch (cause) {
    await app.close();
    throw invalidConfig(
      `${host}:${port}`,
      `The schema registry cannot be served on ${host}:${port} (${(cause as Error).message}).`,
      "Choose a port that is free, from 0 to 65535, and an address of this machine.",
      cause,
    );
  }
  const close = async () => {
    servers.endHandshakes();
    const timer = setTimeout(servers.cut, GRACE_MS);
    try {
      await app.close();
    } finally {
      clearTimeout(timer);
    }
  };
  return { uri, setTls: servers.setTls, close };
}

/** @throws LakehouseError INVALID_CONFIG */
function checkMost(maxConnections: number): void {
  if (Number.isInteger(maxConnections) && maxConnections > 0) return;
  throw invalidConfig(
    "maxConnections",
    `The schema registry's maxConnections cannot be ${String(maxConnections)}.`,
    "Give a whole number, from 1 on.",
  );
}

/** Fastify is loaded here, so that whoever does not serve does not wait for it. */
async function buildApp(
  registry: SchemaRegistry,
  security: Security,
  exposure: Exposure & Pick<HttpCall, "tokens">,
  { make }: HttpServers,
  onFault: NonNullable<SchemaServerOptions["onFault"]>,
): Promise<FastifyInstance> {
  const { host, tls, insecure, tokens } = exposure;
  const isPrivate = tls !== undefined || isLoopback(host);
  const { fastify } = await import("fastify");
  const app = fastify({
    bodyLimit: BODY_LIMIT,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    forceCloseConnections: "idle",
    serverFactory: make,
  }) as unknown as FastifyInstance;
  const refuse = (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const fault = faultOf(error);
    if (fault.status >= 500) onFault(error, `${request.method} ${request.url}`);
    if (fault.status === 401) reply.header("www-authenticate", challenges({ tokens }));
    return answer(reply, fault.status, { error_code: fault.code, message: fault.message });
  };
  app.removeAllContentTypeParsers();
  // Clients say octet-stream, too, or nothing: what comes is JSON.
  app.addContentTypeParser("*", { parseAs: "string" }, async (_: FastifyRequest, text: string) =>
    parse(text),
  );
  app.setErrorHandler(refuse);
  app.setNotFoundHandler((request, reply) =>
    refuse(new RegistryFault(404, "HTTP 404 Not Found"), request, reply),
  );
  // A page from elsewhere may make a browser speak to this machine under another name.
  app.addHook("onRequest", async ({ hostname, headers }) => {
    if (headers.origin !== undefined)
      throw new RegistryFault(403, "Pages in a browser cannot call this server.");
    if (insecure || !isLoopback(host) || headers.host === undefined || isOwnName(hostname)) return;
    throw new RegistryFault(403, "Only localhost is served.");
  });
  const callers = new WeakMap<FastifyRequest, Caller>();
  app.addHook("onRequest", async (request) => {
    const { authorization } = request.headers;
    const call = { socket: request.socket, authorization, isPrivate, tokens };
    callers.set(request, await httpCaller(security, call));
  });
  for (const { method, path, run } of ROUTES)
    app.route({
      method,
      url: path,
      handler: async (request, reply) => {
        const params = request.params as Record<string, string>;
        const caller = callers.get(request) as Caller;
        checkRoute(caller, method, path, params.subject === undefined ? undefined : subjectIn(params));
        const result = await run({
          registry,
          sees: (subject) => seesSubject(caller, subject),
          params,
          query: request.query as Record<string, string>,
          body: request.body,
        });
        return answer(reply, 200, result);
      },
    });
  return app;
}

function answer(reply: FastifyReply, status: number, result: unknown): FastifyReply {
  const body = result instanceof SchemaText ? result.text : JSON.stringify(result);
  return reply.code(status).type(JSON_TYPE).send(body);
}

function parse(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RegistryFault(400, `The body is no JSON: ${(error as Error).message}`);
  }
}

function isOwnName(hostname: string): boolean {
  const name = hostname.replace(/^\[|\]$/g, "").toLowerCase();
  return isLoopback(name) || name.endsWith(".localhost");
}
