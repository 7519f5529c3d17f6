import type { ErrorCode } from "../../errors.js";

/** Nessie's error codes with their status (`ErrorCode` of its API model). */
export const NESSIE_STATUS = {
  BAD_REQUEST: 400,
  FORBIDDEN: 403,
  REFERENCE_NOT_FOUND: 404,
  CONTENT_NOT_FOUND: 404,
  NAMESPACE_NOT_FOUND: 404,
  REFERENCE_ALREADY_EXISTS: 409,
  REFERENCE_CONFLICT: 409,
  NAMESPACE_ALREADY_EXISTS: 409,
  NAMESPACE_NOT_EMPTY: 409,
  UNSUPPORTED_MEDIA_TYPE: 415,
  TOO_MANY_REQUESTS: 429,
  UNKNOWN: 500,
  SERVICE_UNAVAILABLE: 503,
} as const;

export type NessieErrorCode = keyof typeof NESSIE_STATUS;

/** What each of our codes is in Nessie's API; the others are faults of the server. */
export const TO_NESSIE: Readonly<Partial<Record<ErrorCode, NessieErrorCode>>> = {
  INVALID_ARGUMENT: "BAD_REQUEST",
  INVALID_METADATA: "BAD_REQUEST",
  INVALID_SCHEMA: "BAD_REQUEST",
  INVALID_URI: "BAD_REQUEST",
  OBJECT_NOT_FOUND: "BAD_REQUEST",
  CORRUPT_FILE: "BAD_REQUEST",
  UNSUPPORTED_FEATURE: "BAD_REQUEST",
  NO_SUCH_REF: "REFERENCE_NOT_FOUND",
  REF_EXISTS: "REFERENCE_ALREADY_EXISTS",
  REF_CONFLICT: "REFERENCE_CONFLICT",
  COMMIT_CONFLICT: "REFERENCE_CONFLICT",
};

/** What Nessie's codes are to its client. A content that is missing is no error to it. */
export const FROM_NESSIE: Readonly<Partial<Record<string, ErrorCode>>> = {
  BAD_REQUEST: "INVALID_ARGUMENT",
  FORBIDDEN: "NOT_AUTHORIZED",
  REFERENCE_NOT_FOUND: "NO_SUCH_REF",
  REFERENCE_ALREADY_EXISTS: "REF_EXISTS",
  REFERENCE_CONFLICT: "REF_CONFLICT",
  UNSUPPORTED_MEDIA_TYPE: "INVALID_ARGUMENT",
};
