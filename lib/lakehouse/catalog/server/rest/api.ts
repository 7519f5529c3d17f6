import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { invalidArgument } from "../../../errors.js";
import { type JsonInput, JsonNode, readJson, stringifyJson } from "../../../iceberg/index.js";
import type { Api, ApiOptions } from "../http/api.js";
import { badRequest, Fault } from "../http/fault.js";
import { answerTokenRequest } from "../http/oauth.js";
import { faultToJson, toFault } from "./faults.js";
import { KnownAnswers, type Rendered } from "./idempotency.js";
import type { Operation, RestContext } from "./operation.js";
import { operations } from "./operations.js";
import { ScanPlans } from "./scan-plans.js";
import { catalogOf } from "./target.js";

/** Where the API is found: at the root, as the spec has it, and as Nessie has it, with and without a ref. */
const BASES = ["", "/iceberg", "/iceberg/:target"];

const FORM = "application/x-www-form-urlencoded";

/** The Iceberg REST catalog protocol. It has the server's root, and so claims what no other protocol does. */
export const restApi: Api = {
  claims: () => true,
  refuse: (reply, error) => sendFault(reply, toFault(error, false)),
  register(app, options) {
    addParsers(app);
    app.setErrorHandler((error, request, reply) => {
      const fault = toFault(error, false);
      if (fault.status >= 500) options.onFault(error, `${request.method} ${request.url}`);
      return sendFault(reply, fault);
    });
    app.setNotFoundHandler((request, reply) => {
      const message = `There is no ${request.method} ${request.url.split("?")[0]} in the Iceberg REST catalog API.`;
      return sendFault(reply, new Fault(404, "NotFoundException", message.slice(0, 300)));
    });
    const context = { ...options.context, plans: new ScanPlans() };
    const answers = new KnownAnswers();
    for (const base of BASES) {
      app.post(`${base}/v1/oauth/tokens`, async (request, reply) => {
        if (!(request.body instanceof URLSearchParams))
          throw badRequest(`Send the request for a token as ${FORM}.`);
        const { authorization } = request.headers;
        const { status, body } = answerTokenRequest(options.gate, request.body, authorization);
        return send(reply.header("cache-control", "no-store"), status, stringifyJson(body));
      });
      for (const operation of operations) {
        const [method, path] = operation.endpoint.split(" ") as [string, string];
        app.route({
          method: method as "GET" | "HEAD" | "POST" | "DELETE",
          url: base + path.replaceAll(/\{([\w-]+)\}/g, (_, name: string) => `:${name.replace("-", "_")}`),
          handler: (request, reply) => answer(options, context, operation, answers, request, reply),
        });
      }
    }
  },
};

function addParsers(app: FastifyInstance): void {
  app.addContentTypeParser(
    "application/json",
    { parseAs: "string" },
    async (_: FastifyRequest, text: string) =>
      text === "" ? undefined : readJson(text, { subject: "the request", kind: invalidArgument }),
  );
  app.addContentTypeParser(
    FORM,
    { parseAs: "string" },
    async (_: FastifyRequest, text: string) => new URLSearchParams(text),
  );
}

async function answer(
  { gate, onFault }: ApiOptions,
  context: RestContext,
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
