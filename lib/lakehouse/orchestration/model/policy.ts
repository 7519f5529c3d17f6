import { invalidArgument } from "../../errors.js";

/** How often a step is tried again, and after how long. */
export interface RetryPolicy {
  /** Tries after the first. */
  readonly times: number;
  /** Milliseconds before the first of them, 500 where not given. Each waits twice as long as the one before. */
  readonly backoffMs?: number | undefined;
  /** The longest wait, 60,000 where not given. */
  readonly maxBackoffMs?: number | undefined;
  /** Waits a random part of it, so that many who failed at once do not come back at once. True where not given. */
  readonly jitter?: boolean | undefined;
}

/**
 * What the failure of a step means.
 *
 * - `stop` (where not given): the run ends and publishes nothing; what is at work is aborted.
 * - `skip`: what follows from the step is left out; all else is done and published.
 * - `continue`: what follows is made with the data that was there before; all is published.
 */
export type FailureStrategy = "stop" | "skip" | "continue";

/** How a step is run. */
export interface StepPolicy {
  /** A number is that of tries after the first. None where not given. */
  readonly retries?: number | RetryPolicy | undefined;
  /** Milliseconds for each try. Any time where not given. */
  readonly timeoutMs?: number | undefined;
  readonly onFailure?: FailureStrategy | undefined;
  /** One of the pipeline's `pools`, whose steps run so many at a time. */
  readonly pool?: string | undefined;
  /** Steps that go before it though it reads nothing of theirs. */
  readonly after?: readonly string[] | undefined;
}

/** A policy with all that it leaves open. */
export interface FullPolicy {
  readonly retries: Required<{ [Name in keyof RetryPolicy]: NonNullable<RetryPolicy[Name]> }>;
  readonly timeoutMs: number | undefined;
  readonly onFailure: FailureStrategy;
  readonly pool: string | undefined;
  readonly after: readonly string[];
}

const STRATEGIES: readonly FailureStrategy[] = ["stop", "skip", "continue"];
/** What Node's timers hold. */
const LONGEST_MS = 2 ** 31 - 1;

/** @throws LakehouseError INVALID_ARGUMENT */
export function fullPolicy(step: string, policy: StepPolicy): FullPolicy {
  const { timeoutMs, onFailure = "stop", pool, after = [] } = policy;
  const given: RetryPolicy =
    typeof policy.retries === "number" ? { times: policy.retries } : (policy.retries ?? { times: 0 });
  const { times, backoffMs = 500, maxBackoffMs = 60_000, jitter = true } = given;
  const refuse = (what: string, remedy: string) => invalidArgument(step, `${step} has ${what}.`, remedy);
  if (!Number.isSafeInteger(times) || times < 0)
    throw refuse(`${times} retries`, "Give a whole number from 0 on.");
  for (const [name, ms] of Object.entries({ backoffMs, maxBackoffMs }))
    if (!(ms >= 0 && ms <= LONGEST_MS))
      throw refuse(`${ms} as its ${name}`, "Give milliseconds, 24 days at most.");
  if (timeoutMs !== undefined && !(timeoutMs > 0 && timeoutMs <= LONGEST_MS))
    throw refuse(`${timeoutMs} ms to be done in`, "Give milliseconds, 24 days at most.");
  if (!STRATEGIES.includes(onFailure))
    throw refuse(
      `${JSON.stringify(onFailure)} as what its failure means`,
      `Give one of ${STRATEGIES.join(", ")}.`,
    );
  if (!Array.isArray(after) || !after.every((each) => typeof each === "string"))
    throw refuse("an `after` that is no list of steps", 'Give the names of steps, as in ["ingest"].');
  return { retries: { times, backoffMs, maxBackoffMs, jitter }, timeoutMs, onFailure, pool, after };
}

/**
 * Milliseconds to wait before a retry: a random part of twice as long each time ("full jitter", as in Amazon's "Exponential
 * Backoff and Jitter").
 *
 * @param retry from 1.
 */
export function backoffMs(
  { backoffMs: first, maxBackoffMs, jitter }: FullPolicy["retries"],
  retry: number,
  random: () => number = Math.random,
): number {
  const longest = Math.min(maxBackoffMs, first * 2 ** (retry - 1));
  return jitter ? longest * random() : longest;
}
