import { isIP } from "node:net";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { invalidConfig } from "../../../errors.js";
import { checkOptions } from "../../../options.js";
import type { SchemaRegistry } from "../registry.js";
import { faultOf, RegistryFault } from "./faults.js";
import { ROUTES, SchemaText } from "./routes.js";

export interface SchemaServerOptions {
  /** What is served. */
  readonly registry: SchemaRegistry;
  /** 8081 where not given; 0 for one that the system gives. */
  readonly port?: number | undefined;
  /** `127.0.0.1` where not given. There is no authentication: elsewhere it has to be said with `insecure`. */
  readonly host?: string | undefined;
  /** Serves everyone who reaches the host: they can register and delete schemas. */
  readonly insecure?: boolean | undefined;
  /** Told of faults of the server, which clients see as a bare 500. */
  readonly onFault?: ((error: unknown, request: string) => void) | undefined;
}

export interface SchemaServer {
  /** `http://host:port`: what clients take for the registry's URL. */
  readonly uri: string;
  /** Takes no new requests, and ends when those under way are answered. */
  close(): Promise<void>;
}

const JSON_TYPE = "application/vnd.schemaregistry.v1+json";
const BODY_LIMIT = 4 * 1024 * 1024;
const MAX_PARAM_LENGTH = 4096;

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
    insecure: true,
    onFault: true,
  });
  const { registry, port = 8081, host = "127.0.0.1", insecure = false, onFault = () => {} } = options;
  if (!insecure && !isLoopback(host))
    throw invalidConfig(
      host,
      `The schema registry would be open to everyone who reaches ${host}.`,
      "Serve it on 127.0.0.1, with a proxy in front that knows who may come, or say `insecure`.",
    );
  const app = await buildApp(registry, onFault, insecure);
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
  return { uri, close: () => app.close() };
}

/** Fastify is loaded here, so that whoever does not serve does not wait for it. */
async function buildApp(
  registry: SchemaRegistry,
  onFault: NonNullable<SchemaServerOptions["onFault"]>,
  insecure: boolean,
): Promise<FastifyInstance> {
  const { fastify } = await import("fastify");
  const app = fastify({
    bodyLimit: BODY_LIMIT,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    forceCloseConnections: "idle",
    requestTimeout: 60_000,
  });
  const refuse = (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const fault = faultOf(error);
    if (fault.status >= 500) onFault(error, `${request.method} ${request.url}`);
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
    if (insecure || headers.host === undefined || isOwnName(hostname)) return;
    throw new RegistryFault(403, "Only localhost is served.");
  });
  for (const { method, path, run } of ROUTES)
    app.route({
      method,
      url: path,
      handler: async (request, reply) => {
        const result = await run({
          registry,
          params: request.params as Record<string, string>,
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

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function isOwnName(hostname: string): boolean {
  const name = hostname.replace(/^\[|\]$/g, "").toLowerCase();
  return isLoopback(name) || name.endsWith(".localhost");
}
