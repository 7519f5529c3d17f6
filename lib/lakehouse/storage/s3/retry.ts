import type { S3ClientConfig } from "@aws-sdk/client-s3";
import { statusOf } from "./failure.js";
import type { Deadline, Patience } from "./patience.js";

/** How long to wait before a request is sent again. */
export interface Delays {
  /** Milliseconds of the first wait, at most; doubled for each next one. */
  readonly delayMs: number;
  /** Milliseconds of any wait, at most. */
  readonly maxDelayMs: number;
}

type Strategy = Extract<S3ClientConfig["retryStrategy"], { acquireInitialRetryToken: unknown }>;
type Token = Awaited<ReturnType<Strategy["acquireInitialRetryToken"]>>;

interface PatientToken extends Token {
  readonly deadline: Deadline;
  /** When the request was first sent. */
  readonly sent: number;
}

/**
 * Waits for a service by time. The SDK's own strategy counts: five tries, and a hundred retries of all requests
 * together, after which it gives up at once. A service that restarts uses these up in half a second.
 *
 * Sent again is what got no answer, and what was answered with "slow down" or a server's trouble. Waits have full
 * jitter, so that clients do not come back together; a wait that the service asks for is kept to. The last try comes
 * at the deadline of the operation that the request belongs to.
 */
export function patientRetry(patience: Patience, { delayMs, maxDelayMs }: Delays): Strategy {
  const strategy = {
    async acquireInitialRetryToken(): Promise<PatientToken> {
      return { ...counted(0, 0), deadline: patience.current(), sent: patience.now() };
    },
    async refreshRetryTokenForRetry(
      last: PatientToken,
      { error, errorType, retryAfterHint }: Parameters<Strategy["refreshRetryTokenForRetry"]>[1],
    ): Promise<PatientToken> {
      if (!isPassing(error, errorType)) {
        if (statusOf(error) !== undefined) patience.answered();
        throw error;
      }
      const { deadline, sent } = last;
      const left = deadline.failed(sent);
      if (left <= 0) throw error;
      const count = last.getRetryCount();
      const asked = retryAfterHint === undefined ? 0 : retryAfterHint.getTime() - Date.now();
      const wait = Math.max(asked, Math.random() * Math.min(maxDelayMs, delayMs * 2 ** count));
      return { ...counted(count + 1, Math.min(left, wait)), deadline, sent };
    },
    recordSuccess: () => patience.answered(),
  };
  return strategy as Strategy;
}

/** True for a failure that may pass by itself. */
function isPassing(error: unknown, type: string): boolean {
  if (statusOf(error) === 501) return false; // not implemented today, nor in a minute
  if (type !== "CLIENT_ERROR") return true;
  // What Node cannot read as HTTP comes from a proxy or a server that is on its way down or up.
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return statusOf(error) === undefined && /^(HPE_|ECONNABORTED$)/.test(code);
}

function counted(count: number, delay: number): Token {
  return { getRetryCount: () => count, getRetryDelay: () => delay };
}
