import { setTimeout as sleep } from "node:timers/promises";
import type { S3ServiceException } from "@aws-sdk/client-s3";
import { isLakehouseError } from "../../errors.js";
import { failed, notFound, notWritten } from "../errors.js";

/** By its marks, as the SDK itself does it: its class would have to be loaded, also by who has no S3 store. */
function isServiceException(error: unknown): error is S3ServiceException {
  return error instanceof Error && "$fault" in error && "$metadata" in error;
}

export function statusOf(error: unknown): number | undefined {
  return isServiceException(error) ? error.$metadata.httpStatusCode : undefined;
}

/** How many times the request was sent before it gave this error. */
function attemptsOf(error: unknown): number {
  return isServiceException(error) ? (error.$metadata.attempts ?? 1) : 1;
}

/**
 * True where the request may or may not have taken effect: no answer, or an answer that the service was in
 * trouble, or a repeated request that failed because its first sending may have succeeded: its condition does not
 * hold any more, or its multipart upload is completed and gone.
 */
export function isOutcomeUnknown(error: unknown): boolean {
  const status = statusOf(error);
  const repeated = attemptsOf(error) > 1;
  return status === undefined || status >= 500 || (repeated && (status === 412 || isUploadGone(error)));
}

/** The multipart upload was completed, aborted or expired. Its 404 says nothing of the object. */
export function isUploadGone(error: unknown): boolean {
  return isServiceException(error) && error.name === "NoSuchUpload";
}

/** An SDK error as what it means for the object. What is a LakehouseError already passes unchanged. */
export function fromS3(error: unknown, uri: string, what: string): unknown {
  if (isLakehouseError(error)) return error;
  const status = statusOf(error);
  const name = error instanceof Error ? error.name : "";
  if (name === "NoSuchBucket") {
    return failed(uri, `${what}, there is no such bucket`, error, "Create the bucket, or correct the URI.");
  }
  if (name === "RequestTimeTooSkewed" || name === "RequestExpired") {
    return failed(
      uri,
      `${what}, this machine's clock is not the service's`,
      error,
      "Set this machine's clock.",
    );
  }
  if (status === 404 && !isUploadGone(error)) return notFound(uri, error);
  if (status === 412) return notWritten(uri, "its condition does not hold", error);
  if (status === 401 || status === 403) {
    return failed(uri, `${what}, access denied`, error, "Check the credentials and their policy.");
  }
  if (/^Region is missing/.test(error instanceof Error ? error.message : "")) {
    const remedy = "Set SLH_S3_REGION; or SLH_S3_ENDPOINT, for a service that is not AWS's.";
    return failed(uri, what, error, remedy);
  }
  return failed(
    uri,
    what,
    error,
    status === undefined ? "Check that the service can be reached." : undefined,
  );
}

const CONFLICT_TRIES = 8;

/**
 * Sends again after 409 ConditionalRequestConflict, which S3 gives when another write of the key was under way
 * while it looked at the condition: the condition is neither true nor false yet.
 */
export async function retryConflict<T>(send: () => Promise<T>): Promise<T> {
  let before = 0;
  for (let attempt = 1; ; attempt++) {
    try {
      return await send();
    } catch (error) {
      const sent = before + attemptsOf(error);
      if (statusOf(error) !== 409 || attempt === CONFLICT_TRIES) {
        // The one who asks whether an earlier sending may have succeeded means those of all rounds.
        if (isServiceException(error)) error.$metadata.attempts = sent;
        throw error;
      }
      // A conflict itself is an answer: nothing was written. What was sent before it got none.
      before = sent - 1;
      await backOff(attempt);
    }
  }
}

/** Waits a random time below 50 ms, doubled per attempt, up to 2 s. */
export async function backOff(attempt: number): Promise<void> {
  await sleep(Math.random() * Math.min(2_000, 50 * 2 ** (attempt - 1)));
}
