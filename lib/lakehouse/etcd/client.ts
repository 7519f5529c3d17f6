import { setTimeout as sleep } from "node:timers/promises";
import { closed, type ErrorKind, type LakehouseError } from "../errors.js";
import { storageFailed } from "../storage/index.js";
import { isUnsent } from "../unsent.js";
import type { Etcd, EtcdEvent, EtcdOutcome, EtcdRange, EtcdTransaction } from "./etcd.js";

/** How long one endpoint may take, in milliseconds: the election of a new leader takes about one second. */
const TRY_MS = 3_000;

/** How long to go on trying, in milliseconds. */
const PATIENCE_MS = 20_000;

/** etcd says so of a lease that it does not know, or no longer. */
const NO_LEASE = /lease not found/;

export interface EtcdOptions {
  /** What is kept there, for errors. */
  readonly owner: string;
  /** The error where it is certain that nothing was done. */
  readonly unavailable: ErrorKind;
}

/**
 * Speaks to an etcd cluster over the JSON that every etcd since 3.4 serves beside gRPC: a transaction is one POST, so
 * that `fetch` is all it takes.
 *
 * Sent again to the next endpoint when one does not answer. Errors: `STORAGE_FAILED` when it may have happened,
 * `unavailable` when it has not.
 */
export class EtcdClient implements Etcd {
  readonly #endpoints: readonly string[];
  readonly #options: EtcdOptions;
  /** Index of the endpoint that answered last. */
  #current = 0;
  #isClosed = false;
  /** What to add to this machine's clock, in milliseconds, to have the members'. */
  #ahead: number | undefined;

  /** @param endpoints `http://host:port`, one or more members of one cluster. */
  constructor(endpoints: readonly string[], options: EtcdOptions) {
    this.#endpoints = endpoints;
    this.#options = options;
  }

  /** Connections are the runtime's, and end by themselves when they are idle. */
  close(): void {
    this.#isClosed = true;
  }

  async transact(transaction: EtcdTransaction): Promise<EtcdOutcome> {
    return (await this.#call("/v3/kv/txn", transaction)) as EtcdOutcome;
  }

  async grantLease(seconds: number): Promise<string> {
    const { ID } = (await this.#call("/v3/lease/grant", { TTL: String(seconds) })) as { ID: string };
    return ID;
  }

  async keepAlive(lease: string, patienceMs: number): Promise<number> {
    // An answer of a stream: one, since one was asked for.
    const { result } = (await this.#call("/v3/lease/keepalive", { ID: lease }, patienceMs)) as {
      result: { TTL?: string | undefined };
    };
    return Number(result.TTL ?? 0);
  }

  async revokeLease(lease: string): Promise<void> {
    try {
      await this.#call("/v3/lease/revoke", { ID: lease });
    } catch (error) {
      if (!NO_LEASE.test((error as Error).message)) throw error;
    }
  }

  async watch(
    range: EtcdRange,
    from: number,
    ms: number,
    onEvents: (events: readonly EtcdEvent[]) => void,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (this.#isClosed) throw closed(this.#options.owner);
    const endpoint = this.#endpoints[this.#current] as string;
    const over = new AbortController();
    const end = () => over.abort();
    signal.addEventListener("abort", end);
    let timer = setTimeout(end, TRY_MS);
    let isCreated = false;
    try {
      const response = await post(endpoint, "/v3/watch", watchFrom(range, from), over.signal);
      if (!response.ok) throw new Error(messageOf(await response.text()));
      for await (const { result, error } of messagesOf(response)) {
        if (result === undefined) throw new Error(error?.message ?? "an answer that is none");
        if (result.canceled) {
          if (result.compact_revision !== undefined) return false;
          throw new Error(result.cancel_reason ?? "the watch was ended");
        }
        if (result.created && !isCreated) {
          isCreated = true;
          clearTimeout(timer);
          timer = setTimeout(end, ms);
        }
        if (result.events !== undefined) onEvents(result.events);
      }
      throw new Error("the watch was ended");
    } catch (error) {
      // Its time is over.
      if (over.signal.aborted && isCreated) return true;
      if (signal.aborted) return true;
      this.#current = (this.#endpoints.indexOf(endpoint) + 1) % this.#endpoints.length;
      throw this.#failure((error as Error).message, false);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      over.abort();
    }
  }

  /** The members' clock, to a second or two, as the last answer told it. */
  async now(): Promise<Date> {
    if (this.#ahead === undefined) await this.transact({ success: [] });
    return new Date(Date.now() + (this.#ahead ?? 0));
  }

  async #call(path: string, request: object, patienceMs = PATIENCE_MS): Promise<unknown> {
    if (this.#isClosed) throw closed(this.#options.owner);
    const body = JSON.stringify(request);
    const deadline = performance.now() + patienceMs;
    let mayHaveActed = false;
    for (let attempt = 1; ; attempt++) {
      const endpoint = this.#endpoints[this.#current] as string;
      const answer = await send(endpoint, path, body);
      if ("outcome" in answer) {
        this.#ahead = answer.date === undefined ? this.#ahead : answer.date - Date.now();
        return answer.outcome;
      }
      mayHaveActed ||= answer.mayHaveActed;
      if (answer.isFinal || performance.now() > deadline) throw this.#failure(answer.problem, mayHaveActed);
      this.#current = (this.#endpoints.indexOf(endpoint) + 1) % this.#endpoints.length;
      // Each endpoint once at once; then there may be no leader yet.
      if (attempt % this.#endpoints.length === 0) await sleep(100 + Math.random() * 100);
    }
  }

  #failure(problem: string, mayHaveActed: boolean): LakehouseError {
    const subject = this.#endpoints.join(",");
    return (mayHaveActed ? storageFailed : this.#options.unavailable)(
      subject,
      `etcd at ${subject} does not do what it is asked (${problem}).`,
      "Check that most of its members run, and what their logs say.",
    );
  }
}

interface Answer {
  readonly outcome: unknown;
  /** The member's clock, in milliseconds since 1970 UTC, cut to seconds. */
  readonly date: number | undefined;
}

interface Problem {
  readonly problem: string;
  readonly mayHaveActed: boolean;
  /** Asking again, or elsewhere, would not help. */
  readonly isFinal: boolean;
}

async function send(endpoint: string, path: string, body: string): Promise<Answer | Problem> {
  let response: Response;
  let text: string;
  try {
    response = await post(endpoint, path, body, AbortSignal.timeout(TRY_MS));
    text = await response.text();
  } catch (error) {
    const { cause, message } = error as Error;
    const problem = cause instanceof Error ? cause.message : message;
    return { problem, mayHaveActed: !isUnsent(error), isFinal: false };
  }
  if (response.ok) {
    const date = Date.parse(response.headers.get("date") ?? "");
    return { outcome: JSON.parse(text), date: Number.isNaN(date) ? undefined : date };
  }
  const problem = messageOf(text);
  // Refused before it was proposed to the cluster: too large, unknown, not allowed, or no space left.
  const isFinal = response.status < 500 && !problem.includes("too many requests");
  return { problem, mayHaveActed: response.status >= 500, isFinal };
}

function post(endpoint: string, path: string, body: string, signal: AbortSignal): Promise<Response> {
  return fetch(`${endpoint}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
    redirect: "manual",
    signal,
  });
}

function watchFrom(range: EtcdRange, from: number): string {
  return JSON.stringify({ create_request: { ...range, start_revision: String(from) } });
}

/** What a watch is answered with, a line of JSON each. */
interface WatchMessage {
  readonly result?: {
    readonly created?: boolean;
    readonly canceled?: boolean;
    readonly cancel_reason?: string;
    readonly compact_revision?: string;
    readonly events?: readonly EtcdEvent[];
  };
  readonly error?: { readonly message?: string };
}

async function* messagesOf(response: Response): AsyncGenerator<WatchMessage> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split("\n");
    text = lines.pop() as string;
    for (const line of lines) if (line !== "") yield JSON.parse(line) as WatchMessage;
  }
}

function messageOf(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string | undefined }).message ?? text.slice(0, 200);
  } catch {
    return text.slice(0, 200);
  }
}
