import { setTimeout as sleep } from "node:timers/promises";
import { closed, type LakehouseError } from "../../../errors.js";
import { storageFailed } from "../../../storage/index.js";
import { catalogUnavailable } from "../../errors.js";
import { isUnsent } from "../../model/unsent.js";

/** What a key must be for a transaction to take its `success` branch. Keys and values are base64, integers text. */
export interface EtcdCompare {
  readonly key: string;
  readonly result: "EQUAL" | "GREATER";
  readonly target: "VALUE" | "VERSION";
  readonly value?: string | undefined;
  /** Number of puts since the key came to be; 0 for a key that is not there. */
  readonly version?: string | undefined;
}

/** One step of a transaction, as etcd's JSON writes it. `range_end` makes it one of all keys from `key` up to it. */
export type EtcdStep =
  | {
      readonly request_range: {
        readonly key: string;
        readonly range_end?: string | undefined;
        readonly limit?: string | undefined;
      };
    }
  | { readonly request_put: { readonly key: string; readonly value: string } }
  | { readonly request_delete_range: { readonly key: string; readonly range_end?: string | undefined } };

export interface EtcdTransaction {
  readonly compare?: readonly EtcdCompare[] | undefined;
  readonly success: readonly EtcdStep[];
  readonly failure?: readonly EtcdStep[] | undefined;
}

export interface EtcdKeyValue {
  readonly key: string;
  /** Absent for an empty value. */
  readonly value?: string | undefined;
}

/** What a transaction came to: the branch that it took, and the answers of its steps. */
export interface EtcdOutcome {
  readonly succeeded?: boolean | undefined;
  readonly responses?:
    | readonly {
        readonly response_range?: { readonly kvs?: readonly EtcdKeyValue[]; readonly more?: boolean };
      }[]
    | undefined;
}

/** How long one endpoint may take, in milliseconds: the election of a new leader takes about one second. */
const TRY_MS = 3_000;

/** How long to go on trying, in milliseconds. */
const PATIENCE_MS = 20_000;

/**
 * Speaks to an etcd cluster over the JSON that every etcd since 3.4 serves beside gRPC: a transaction is one POST, so
 * that `fetch` is all it takes. Transactions are linearizable, those that only read too.
 *
 * Sent again to the next endpoint when one does not answer: a transaction must be one that may happen twice. Errors:
 * `STORAGE_FAILED` when it may have happened, `CATALOG_UNAVAILABLE` when it has not.
 */
export class EtcdClient {
  readonly #endpoints: readonly string[];
  /** Index of the endpoint that answered last. */
  #current = 0;
  #isClosed = false;
  /** What to add to this machine's clock, in milliseconds, to have the members'. */
  #ahead: number | undefined;

  /** @param endpoints `http://host:port`, one or more members of one cluster. */
  constructor(endpoints: readonly string[]) {
    this.#endpoints = endpoints;
  }

  /** Connections are the runtime's, and end by themselves when they are idle. */
  close(): void {
    this.#isClosed = true;
  }

  async transact(transaction: EtcdTransaction): Promise<EtcdOutcome> {
    if (this.#isClosed) throw closed("catalog");
    const body = JSON.stringify(transaction);
    const deadline = performance.now() + PATIENCE_MS;
    let mayHaveActed = false;
    for (let attempt = 1; ; attempt++) {
      const endpoint = this.#endpoints[this.#current] as string;
      const answer = await send(endpoint, body);
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

  /** The members' clock, to a second or two, as the last answer told it. */
  async now(): Promise<Date> {
    if (this.#ahead === undefined) await this.transact({ success: [] });
    return new Date(Date.now() + (this.#ahead ?? 0));
  }

  #failure(problem: string, mayHaveActed: boolean): LakehouseError {
    const subject = this.#endpoints.join(",");
    return (mayHaveActed ? storageFailed : catalogUnavailable)(
      subject,
      `etcd at ${subject} does not do what it is asked (${problem}).`,
      "Check that most of its members run, and what their logs say.",
    );
  }
}

interface Answer {
  readonly outcome: EtcdOutcome;
  /** The member's clock, in milliseconds since 1970 UTC, cut to seconds. */
  readonly date: number | undefined;
}

interface Problem {
  readonly problem: string;
  readonly mayHaveActed: boolean;
  /** Asking again, or elsewhere, would not help. */
  readonly isFinal: boolean;
}

async function send(endpoint: string, body: string): Promise<Answer | Problem> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${endpoint}/v3/kv/txn`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(TRY_MS),
    });
    text = await response.text();
  } catch (error) {
    const { cause, message } = error as Error;
    const problem = cause instanceof Error ? cause.message : message;
    return { problem, mayHaveActed: !isUnsent(error), isFinal: false };
  }
  if (response.ok) {
    const date = Date.parse(response.headers.get("date") ?? "");
    return { outcome: JSON.parse(text) as EtcdOutcome, date: Number.isNaN(date) ? undefined : date };
  }
  const problem = messageOf(text);
  // Refused before it was proposed to the cluster: too large, unknown, not allowed, or no space left.
  const isFinal = response.status < 500 && !problem.includes("too many requests");
  return { problem, mayHaveActed: response.status >= 500, isFinal };
}

function messageOf(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string | undefined }).message ?? text.slice(0, 200);
  } catch {
    return text.slice(0, 200);
  }
}
