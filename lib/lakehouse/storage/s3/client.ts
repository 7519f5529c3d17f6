import type { S3 } from "@aws-sdk/client-s3";
import type { S3Options } from "./options.js";
import type { Patience } from "./patience.js";
import { askForChecksums } from "./read.js";
import { patientRetry } from "./retry.js";

/** The SDK takes a tenth of a second to load: it is, when the first request is sent. */
export async function connect(options: S3Options, patience: Patience): Promise<S3> {
  const { S3 } = await import("@aws-sdk/client-s3");
  const { endpoint, credentials } = options;
  const region = options.region ?? (endpoint === undefined ? undefined : "us-east-1");
  const s3 = new S3({
    forcePathStyle: options.pathStyle ?? endpoint !== undefined,
    retryStrategy: patientRetry(patience, {
      delayMs: options.retryDelayMs ?? 100,
      maxDelayMs: options.retryMaxDelayMs ?? 5_000,
    }),
    // Ours to ask for and to check, see there.
    responseChecksumValidation: "WHEN_REQUIRED",
    // A service that accepts a connection and says nothing, or stops in the middle, must end in an error.
    requestHandler: {
      connectionTimeout: Math.min(5_000, patience.silenceMs),
      requestTimeout: patience.silenceMs,
      socketTimeout: patience.silenceMs,
      throwOnRequestTimeout: true,
    },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(credentials === undefined ? {} : { credentials: { ...credentials } }),
  });
  askForChecksums(s3);
  endWithDeadline(s3, patience);
  return s3;
}

/** Bytes of a body that no network takes long for. */
const SMALL_BODY = 64 * 1024;

/**
 * Gives each request as long as its operation has left until the answer begins. The SDK counts this from the beginning of
 * the request, so that a large body would have to arrive within it: that one is ended by its socket alone, when no byte
 * moves for `socketTimeout`.
 */
function endWithDeadline({ config: { requestHandler } }: S3, patience: Patience): void {
  const handle = requestHandler.handle.bind(requestHandler);
  requestHandler.handle = (request, options) => {
    const isLarge = lengthOf(request.body) > SMALL_BODY;
    return handle(request, { ...options, requestTimeout: isLarge ? 0 : patience.current().timeoutMs() });
  };
}

function lengthOf(body: unknown): number {
  if (body instanceof Uint8Array) return body.byteLength;
  return typeof body === "string" ? body.length : 0;
}
