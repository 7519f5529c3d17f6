import { invalidArgument, unsupported } from "../../errors.js";
import { invalidUri, objectNotFound, preconditionFailed, storageFailed } from "../errors.js";
import { systemCode } from "../failure.js";

/** Error codes of the S3 API reference ("Error responses") that the gateway gives, with their status. */
const STATUS = {
  AccessDenied: 403,
  AuthorizationHeaderMalformed: 400,
  BadDigest: 400,
  EntityTooLarge: 400,
  EntityTooSmall: 400,
  IncompleteBody: 400,
  InternalError: 500,
  InvalidAccessKeyId: 403,
  InvalidArgument: 400,
  InvalidDigest: 400,
  InvalidPart: 400,
  InvalidPartOrder: 400,
  InvalidRange: 416,
  InvalidRequest: 400,
  InvalidURI: 400,
  MalformedXML: 400,
  MethodNotAllowed: 405,
  MissingContentLength: 411,
  NoSuchBucket: 404,
  NoSuchKey: 404,
  NoSuchUpload: 404,
  NotImplemented: 501,
  NotModified: 304,
  PreconditionFailed: 412,
  RequestTimeTooSkewed: 403,
  SignatureDoesNotMatch: 403,
  SlowDown: 503,
  XAmzContentSHA256Mismatch: 400,
} as const;

export type FaultCode = keyof typeof STATUS;

/** An answer of the S3 protocol that is an error. Stays inside the gateway. */
export class S3Fault extends Error {
  readonly code: FaultCode;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: FaultCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.code = code;
    this.status = STATUS[code];
    this.headers = headers;
  }
}

/** Whose paths a fault must not tell, and what clients call it. */
export interface Surroundings {
  readonly store: { readonly root: string };
  readonly bucket: string;
}

/**
 * What the store's error is in the protocol's words. What will never pass is a 4xx that says why, so that nobody tries
 * it again; only what may pass is a 5xx. Unknown errors tell the client nothing of our insides.
 */
export function toFault(error: unknown, { store, bucket }: Surroundings): S3Fault {
  if (error instanceof S3Fault) return error;
  if (objectNotFound.is(error)) return new S3Fault("NoSuchKey", "The specified key does not exist.");
  if (preconditionFailed.is(error)) return conditionFailed();
  if (storageFailed.is(error)) return fromCause(error.cause);
  for (const [kind, code] of REFUSALS) {
    if (kind.is(error)) return new S3Fault(code, error.message.replaceAll(store.root, `s3://${bucket}`));
  }
  return storeFailed();
}

/** What the store will never do, which is told in its own words. */
const REFUSALS = [
  [invalidUri, "InvalidURI"],
  [invalidArgument, "InvalidArgument"],
  [unsupported, "MethodNotAllowed"],
] as const;

const DENIED = ["AccessDenied", "The gateway may not do this in the directory of its store."] as const;
const TAKEN = [
  "InvalidRequest",
  "Something that is no object has this name in the gateway's store.",
] as const;
const FULL = ["SlowDown", "The disk of the store behind the gateway is full."] as const;

/** By the code of the system error that made the store fail. */
const CAUSES: Readonly<Record<string, readonly [FaultCode, string]>> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  EACCES: DENIED,
  EPERM: DENIED,
  EROFS: DENIED,
  ENOTDIR: TAKEN,
  EISDIR: TAKEN,
  ENOTEMPTY: TAKEN,
  EEXIST: TAKEN,
  EFBIG: ["EntityTooLarge", "The disk of the store behind the gateway holds no file as large."],
};

function fromCause(cause: unknown): S3Fault {
  const known = CAUSES[systemCode(cause) ?? ""];
  return known === undefined ? storeFailed() : new S3Fault(...known);
}

function storeFailed(): S3Fault {
  return new S3Fault("InternalError", "The store behind the gateway failed. Try again.");
}

export function conditionFailed(): S3Fault {
  return new S3Fault("PreconditionFailed", "At least one of the preconditions did not hold.");
}
