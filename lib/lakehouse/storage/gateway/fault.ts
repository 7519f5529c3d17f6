import { isLakehouseError } from "../../errors.js";

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

/** What the store's error is in the protocol's words. Unknown errors tell the client nothing of our insides. */
export function toFault(error: unknown): S3Fault {
  if (error instanceof S3Fault) return error;
  if (isLakehouseError(error)) {
    switch (error.code) {
      case "OBJECT_NOT_FOUND":
        return new S3Fault("NoSuchKey", "The specified key does not exist.");
      case "PRECONDITION_FAILED":
        return new S3Fault("PreconditionFailed", "At least one of the preconditions did not hold.");
      case "INVALID_URI":
        return new S3Fault("InvalidURI", "The key cannot be one of this store's.");
      case "INVALID_ARGUMENT":
        return new S3Fault("InvalidArgument", "An argument is invalid.");
    }
  }
  return new S3Fault("InternalError", "The store behind the gateway failed. Try again.");
}
