import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { invalidArgument } from "../../../errors.js";
import { JsonNode, readJson, stringifyJson } from "../../../iceberg/index.js";
import type { Gate } from "../../rest/server/auth.js";
import type { ServerContext } from "../../rest/server/operation.js";
import { BEGINNING } from "../../versioned/hash.js";
import type { NessieOperation } from "./call.js";
import { commitOperation } from "./changes.js";
import { mergingOperations } from "./merging.js";
import { badRequest, NessieFault, nessieFaultToJson, toNessieFault } from "./nessie-fault.js";
import { readingOperations } from "./reading.js";
import { referenceOperations } from "./references.js";

export interface NessieApiOptions {
  readonly context: ServerContext;
  readonly gate: Gate;
  /** In bytes, also of what a compressed body comes to. */
  readonly bodyLimit: number;
  readonly onFault: (error: unknown, request: string) => void;
}

const BASE = "/api/v2";

/** True for what this API answers, and not another one of the same server. */
export function isNessieRequest({ url }: FastifyRequest): boolean {
  return url.startsWith(`${BASE}/`);
}

export function sendNessieFault(reply: FastifyReply, error: unknown): FastifyReply {
  const fault = toNessieFault(error);
  const body = stringifyJson(nessieFaultToJson(fault));
  return reply.headers(fault.headers).code(fault.status).type("application/json").send(body);
}

const configOperations: readonly NessieOperation[] = [
  {
    endpoint: "GET /config",
    run: async ({ defaultBranch }) => ({
      defaultBranch,
      minSupportedApiVersion: 2,
      maxSupportedApiVersion: 2,
      actualApiVersion: 2,
      specVersion: "2.2.0",
      noAncestorHash: BEGINNING,
    }),
  },
  { endpoint: "GET /config/repository", run: async () => ({ configs: [] }) },
];

/** The longer ones first: a reference with a hash may hold slashes, and would swallow what follows. */
const routes = [
  ...configOperations,
  ...mergingOperations,
  commitOperation,
  ...readingOperations,
  ...referenceOperations,
]
  .map(({ endpoint, run }) => {
    const [method, path] = endpoint.split(" ") as [string, string];
    return { method, path, pattern: toPattern(path), run };
  })
  .sort((a, b) => b.path.length - a.path.length);

/** A reference is one segment, or several that end with `@` and a hash (Nessie API v2, `ref`). */
function toPattern(path: string): RegExp {
  const source = path.replaceAll("{ref}", "([^/]+|[^@]+(?:@|%40)[^@/]*)").replaceAll("{key}", "([^/]+)");
  return new RegExp(`^${source}$`);
}

/** Adds Nessie's API, version 2, to a server: `/api/v2/…`. */
export function registerNessieApi(app: FastifyInstance, options: NessieApiOptions): void {
  const { bodyLimit, onFault } = options;
  void app.register(async (api) => {
    api.removeAllContentTypeParsers();
    api.addContentTypeParser(
      "application/json",
      { parseAs: "buffer" },
      (request: FastifyRequest, body: Buffer) => readBody(request, body, bodyLimit),
    );
    api.setErrorHandler((error, request, reply) => {
      if (toNessieFault(error).status >= 500) onFault(error, `${request.method} ${request.url}`);
      return sendNessieFault(reply, error);
    });
    api.route({
      method: ["GET", "POST", "PUT", "DELETE"],
      url: `${BASE}/*`,
      handler: (request, reply) => answer(options, request, reply),
    });
  });
}

async function answer({ context, gate }: NessieApiOptions, request: FastifyRequest, reply: FastifyReply) {
  gate.check(request.headers.authorization);
  const path = (request.raw.url ?? "").split("?", 1)[0]?.slice(BASE.length) ?? "";
  for (const { method, pattern, run } of routes) {
    const match = method === request.method ? pattern.exec(path) : null;
    if (match === null) continue;
    const body = await run({
      context,
      versions: context.catalog.versions,
      defaultBranch: context.catalog.ref,
      params: match.slice(1).map(decoded),
      query: request.query as Readonly<Record<string, string | readonly string[]>>,
      body: request.body instanceof JsonNode ? request.body : undefined,
    });
    return reply.type("application/json").send(stringifyJson(body));
  }
  throw new NessieFault(
    "BAD_REQUEST",
    `There is no ${request.method} ${BASE}${path.slice(0, 200)}.`,
    undefined,
    404,
  );
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest("The path is badly encoded.");
  }
}

const unzip = promisify(gunzip);

/** Java's client compresses what it sends. */
async function readBody(
  request: FastifyRequest,
  bytes: Buffer,
  bodyLimit: number,
): Promise<JsonNode | undefined> {
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding !== "gzip" && encoding !== "identity") {
    throw new NessieFault(
      "UNSUPPORTED_MEDIA_TYPE",
      `A body in ${encoding} is not understood; send it plain or in gzip.`,
    );
  }
  let plain: Buffer = bytes;
  if (encoding === "gzip") {
    try {
      plain = await unzip(bytes, { maxOutputLength: bodyLimit });
    } catch (error) {
      const isLong = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
      throw isLong
        ? new NessieFault("BAD_REQUEST", `The body is longer than ${bodyLimit} bytes.`, undefined, 413)
        : badRequest("The body is not gzip.");
    }
  }
  const text = plain.toString("utf8");
  return text === "" ? undefined : readJson(text, { subject: "the request", kind: invalidArgument });
}
