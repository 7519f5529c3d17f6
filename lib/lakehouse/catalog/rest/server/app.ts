import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { invalidArgument } from "../../../errors.js";
import { type JsonInput, JsonNode, readJson, stringifyJson } from "../../../iceberg/index.js";
import { isNessieRequest, registerNessieApi, sendNessieFault } from "../../nessie/index.js";
import type { Gate } from "./auth.js";
import { badRequest, Fault, faultToJson, toFault } from "./fault.js";
import { KnownAnswers, type Rendered } from "./idempotency.js";
import { answerTokenRequest } from "./oauth.js";
import type { Operation, ServerContext } from "./operation.js";
import { operations } from "./operations.js";
import { catalogOf } from "./target.js";
import { refuseUnreadable } from "./unreadable.js";

export interface AppOptions {
  readonly context: ServerContext;
  readonly gate: Gate;
  readonly bodyLimit: number;
  readonly onFault: (error: unknown, request: string) => void;
}

/** Where the API is found: at the root, as the spec has it, and as Nessie has it, with and without a ref. */
const BASES = ["", "/iceberg", "/iceberg/:target"];

/** Node refuses a request line and headers above 16 KiB together; a name in a path can be as long as that allows. */
const MAX_PARAM_LENGTH = 16_384;

/** Wires the operations to HTTP. Fastify is loaded here, so that whoever does not serve does not wait for it. */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { gate, bodyLimit, onFault } = options;
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
      isNessieRequest(request) ? sendNessieFault(reply, error) : sendFault(reply, toFault(error, false)),
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    "application/json",
    { parseAs: "string" },
    async (_: FastifyRequest, text: string) =>
      text === "" ? undefined : readJson(text, { subject: "the request", kind: invalidArgument }),
  );
  const FORM = "application/x-www-form-urlencoded";
  app.addContentTypeParser(
    FORM,
    { parseAs: "string" },
    async (_: FastifyRequest, text: string) => new URLSearchParams(text),
  );

  app.setErrorHandler((error, request, reply) => {
    const fault = toFault(error, false);
    if (fault.status >= 500) onFault(error, `${request.method} ${request.url}`);
    return sendFault(reply, fault);
  });
  app.setNotFoundHandler((request, reply) => {
    const message = `There is no ${request.method} ${request.url.split("?")[0]} in the Iceberg REST catalog API.`;
    return sendFault(reply, new Fault(404, "NotFoundException", message.slice(0, 300)));
  });
  // A page from elsewhere may make a browser speak to this machine under another name: where nobody has to
  // show a token, only this machine's own names are answered.
  app.addHook("onRequest", async ({ hostname, headers }) => {
    if (!gate.isOpen || headers.host === undefined || isOwnName(hostname)) return;
    throw new Fault(403, "ForbiddenException", "Without authentication only localhost is served.");
  });

  registerNessieApi(app, options);
  const answers = new KnownAnswers();
  for (const base of BASES) {
    app.post(`${base}/v1/oauth/tokens`, async (request, reply) => {
      if (!(request.body instanceof URLSearchParams))
        throw badRequest(`Send the request for a token as ${FORM}.`);
      const { status, body } = answerTokenRequest(gate, request.body, request.headers.authorization);
      return send(reply.header("cache-control", "no-store"), status, stringifyJson(body));
    });
    for (const operation of operations) {
      const [method, path] = operation.endpoint.split(" ") as [string, string];
      app.route({
        method: method as "GET" | "HEAD" | "POST" | "DELETE",
        url: base + path.replaceAll(/\{([\w-]+)\}/g, (_, name: string) => `:${name.replace("-", "_")}`),
        handler: (request, reply) => answer(options, operation, answers, request, reply),
      });
    }
  }
  return app;
}

async function answer(
  { context, gate, onFault }: AppOptions,
  operation: Operation,
  answers: KnownAnswers,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const who = gate.check(request.headers.authorization);
  const params = request.params as Readonly<Record<string, string>>;
  const key = operation.idempotent ? singleHeader(request, "idempotency-key") : undefined;
  const run = async (token?: string): Promise<Rendered> => {
    try {
      const catalog = catalogOf(context, params.prefix ?? params.target ?? "");
      const {
        status,
        headers = {},
        body,
      } = await operation.run({
        context,
        catalog: token === undefined ? catalog : catalog.once(token),
        params,
        query: single(request.query as Record<string, string | string[]>),
        headers: {
          "if-none-match": singleHeader(request, "if-none-match"),
          "x-iceberg-access-delegation": singleHeader(request, "x-iceberg-access-delegation"),
        },
        body: request.body instanceof JsonNode ? request.body : undefined,
      });
      return { status, headers, payload: body === undefined ? "" : stringifyJson(body) };
    } catch (error) {
      const fault = toFault(error, operation.commits === true);
      if (fault.status >= 500) onFault(error, `${request.method} ${request.url}`);
      return { status: fault.status, headers: fault.headers, payload: stringifyJson(faultToJson(fault)) };
    }
  };
  const body = request.body instanceof JsonNode ? stringifyJson(request.body.value as JsonInput) : "";
  const rendered =
    key === undefined
      ? await run()
      : await answers.answer(key, [who, request.method, request.url, body], run);
  return send(reply.headers(rendered.headers), rendered.status, rendered.payload);
}

function send(reply: FastifyReply, status: number, payload: string): FastifyReply {
  reply.code(status);
  // A body in an answer that may not have one would be taken for the next answer.
  if (payload === "" || status === 204 || status === 304) return reply.send();
  return reply.type("application/json").send(payload);
}

function sendFault(reply: FastifyReply, fault: Fault): FastifyReply {
  return send(reply.headers(fault.headers), fault.status, stringifyJson(faultToJson(fault)));
}

function singleHeader(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

function single(query: Readonly<Record<string, string | string[]>>): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(query)) {
    if (Array.isArray(value)) throw badRequest(`${name} is given more than once.`);
    result[name] = value;
  }
  return result;
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
