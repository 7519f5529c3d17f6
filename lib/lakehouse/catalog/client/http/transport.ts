import { setTimeout as sleep } from "node:timers/promises";
import { closed, invalidMetadata, isLakehouseError, type LakehouseError } from "../../../errors.js";
import {
  commitStateUnknown,
  type JsonInput,
  type JsonNode,
  readJson,
  stringifyJson,
} from "../../../iceberg/index.js";
import { observe, traceparent } from "../../../observability/index.js";
import { isUnsent } from "../../../unsent.js";
import { catalogUnavailable } from "../../errors.js";
import { catalogCalls } from "../../metrics.js";
import type { TokenSource } from "./oauth.js";

export interface TransportOptions<R extends HttpRequest> {
  /** Base of all paths, without a trailing slash. */
  readonly uri: string;
  readonly token: string | TokenSource | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** Tries of one request. */
  readonly maxAttempts: number;
  /** For one try, in milliseconds. */
  readonly timeoutMs: number;
  /** What a status of 400 and more stands for, in the words of the protocol that is spoken. */
  readonly toError: (status: number, text: string, request: R) => LakehouseError;
}

/** Names and their values. One that is `undefined` is not sent. */
export type Query = Readonly<Record<string, string | undefined>>;

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  /** Below the base, percent-encoded. */
  readonly path: string;
  readonly query?: Query | undefined;
  readonly headers?: Query | undefined;
  readonly body?: JsonInput | undefined;
  /** A POST that changes nothing. */
  readonly isRead?: true;
  /** What it is about, for errors. */
  readonly subject: string;
  /** Sent again with it, the request has no second effect. */
  readonly idempotencyKey?: string | undefined;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  /** The body's root. Throws where the server sent none. */
  json(): JsonNode;
}

/** Why a try gave no answer that counts, and whether the server may have acted on it. */
interface Failure {
  readonly error: LakehouseError;
  readonly mayHaveActed: boolean;
  /** As `Retry-After` says, in milliseconds. */
  readonly waitMs: number | undefined;
}

const LONGEST_WAIT_MS = 30_000;

/**
 * Sends requests and tries them again where that is safe: reads, requests with an idempotency key, and those that
 * never reached the server or that it asked to send again. When the outcome of a change is not known it says so
 * (`COMMIT_STATE_UNKNOWN`), and never calls it a failure.
 */
export class Transport<R extends HttpRequest = HttpRequest> {
  readonly #options: TransportOptions<R>;
  #isClosed = false;

  constructor(options: TransportOptions<R>) {
    this.#options = options;
  }

  /** Connections are the runtime's, and end by themselves when they are idle. */
  close(): void {
    this.#isClosed = true;
  }

  async send(request: R): Promise<HttpResponse> {
    if (this.#isClosed) throw closed("catalog");
    const { method, path } = request;
    return observe(
      catalogCalls,
      () => this.#send(request),
      ({ result, outcome, milliseconds }) => ({
        method,
        path,
        status: result?.status,
        outcome,
        milliseconds,
      }),
    );
  }

  async #send(request: R): Promise<HttpResponse> {
    const isRead = request.isRead ?? (request.method === "GET" || request.method === "HEAD");
    const isRepeatable = isRead || request.idempotencyKey !== undefined;
    const body = request.body === undefined ? undefined : stringifyJson(request.body);
    let mayHaveActed = false;
    let hasRenewed = false;
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#try(request, body);
      if ("status" in outcome) return outcome;
      if ("refused" in outcome) {
        const { token } = this.#options;
        if ([401, 419].includes(outcome.refused) && typeof token === "object" && !hasRenewed) {
          hasRenewed = true;
          token.refused();
          continue;
        }
        throw outcome.error;
      }
      mayHaveActed ||= outcome.mayHaveActed;
      const isAsked = outcome.waitMs !== undefined;
      if (attempt >= this.#options.maxAttempts || !(isRepeatable || isAsked || !outcome.mayHaveActed)) {
        if (isRead || !mayHaveActed) throw outcome.error;
        throw unknownOutcome(request, outcome.error);
      }
      const backOffMs = Math.min(100 * 2 ** (attempt - 1), 5000) * (0.5 + Math.random() / 2);
      await sleep(Math.min(outcome.waitMs ?? backOffMs, LONGEST_WAIT_MS));
    }
  }

  async #try(
    request: R,
    body: string | undefined,
  ): Promise<HttpResponse | { refused: number; error: LakehouseError } | Failure> {
    const { uri, token, headers, timeoutMs } = this.#options;
    const query = new URLSearchParams(defined(request.query)).toString();
    const bearer = typeof token === "object" ? await token.token() : token;
    let response: Response;
    let text: string;
    const trace = traceparent();
    try {
      response = await fetch(`${uri}/${request.path}${query === "" ? "" : `?${query}`}`, {
        method: request.method,
        headers: defined({
          accept: "application/json",
          ...headers,
          ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
          "content-type": body === undefined ? undefined : "application/json",
          "idempotency-key": request.idempotencyKey,
          traceparent: trace,
          ...request.headers,
        }),
        body: body ?? null,
        // A redirect would send the token, or the change, elsewhere.
        redirect: "manual",
        signal: AbortSignal.timeout(timeoutMs),
      });
      text = await response.text();
    } catch (cause) {
      return { error: unreachable(uri, cause as Error), mayHaveActed: !isUnsent(cause), waitMs: undefined };
    }
    if (response.ok || response.status === 304) return readable(request, response, text);
    const error = this.#options.toError(response.status, text, request);
    if (response.status < 500 && response.status !== 429) return { refused: response.status, error };
    // 429 is said before anything is done; after any 5xx something may have been.
    return { error, mayHaveActed: response.status !== 429, waitMs: retryAfterMs(response) };
  }
}

function defined(values: Query = {}): Record<string, string> {
  const given = Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(given);
}

function readable(request: HttpRequest, response: Response, text: string): HttpResponse {
  return {
    status: response.status,
    headers: response.headers,
    json: () => {
      try {
        return readJson(text, { subject: request.subject, kind: invalidMetadata });
      } catch (error) {
        if (request.method === "GET" || !isLakehouseError(error)) throw error;
        throw unknownOutcome(request, error);
      }
    },
  };
}

function retryAfterMs({ headers }: Response): number | undefined {
  const value = headers.get("retry-after");
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

function unreachable(uri: string, cause: Error): LakehouseError {
  const why = cause.cause instanceof Error ? cause.cause.message : cause.message;
  return catalogUnavailable(
    uri,
    `The catalog at ${uri} does not answer (${why}).`,
    "Check that it runs and that the address is right.",
    cause,
  );
}

function unknownOutcome({ subject, method }: HttpRequest, cause: LakehouseError): LakehouseError {
  return commitStateUnknown(
    subject,
    `Whether the ${method} for ${subject} took effect is not known: ${cause.message}`,
    "Look at the catalog before you try again.",
    cause,
  );
}
