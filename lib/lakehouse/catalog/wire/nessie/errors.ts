import {
  corruptFile,
  type ErrorKind,
  invalidArgument,
  invalidMetadata,
  unsupported,
} from "../../../errors.js";
import { commitConflict, invalidSchema, noSuchRef, refConflict, refExists } from "../../../iceberg/index.js";
import { invalidUri, objectNotFound } from "../../../storage/index.js";
import { notAuthorized } from "../../errors.js";

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

/** Which of our kinds are which of Nessie's codes; the first one is what the code is to a client. */
const SPOKEN: readonly (readonly [NessieErrorCode, ErrorKind, ...ErrorKind[]])[] = [
  ["BAD_REQUEST", invalidArgument, invalidMetadata, invalidSchema, invalidUri],
  ["BAD_REQUEST", invalidArgument, objectNotFound, corruptFile, unsupported],
  ["REFERENCE_NOT_FOUND", noSuchRef],
  ["REFERENCE_ALREADY_EXISTS", refExists],
  ["REFERENCE_CONFLICT", refConflict, commitConflict],
];

/** What each of our codes is in Nessie's API; the others are faults of the server. */
export const TO_NESSIE: ReadonlyMap<string, NessieErrorCode> = new Map(
  SPOKEN.flatMap(([nessie, ...kinds]) => kinds.map(({ code }) => [code, nessie] as const)),
);

/** What Nessie's codes are to its client. A content that is missing is no error to it. */
export const FROM_NESSIE: ReadonlyMap<string, ErrorKind> = new Map<string, ErrorKind>([
  ...SPOKEN.map(([nessie, kind]) => [nessie, kind] as const),
  ["FORBIDDEN", notAuthorized],
  ["UNSUPPORTED_MEDIA_TYPE", invalidArgument],
]);
