import type { ErrorKind } from "../../../errors.js";
import { invalidArgument, readOnly, unsupported } from "../../../errors.js";
import {
  authenticationFailed,
  clusterDenied,
  incompatibleSchema,
  invalidRecordSchema,
  noSuchSchema,
  noSuchSchemaVersion,
  noSuchSubject,
  notLeader,
  recordTooLarge,
  schemaInUse,
  schemaVersionDeleted,
  schemaVersionNotDeleted,
  subjectDeleted,
  subjectNotDeleted,
  topicDenied,
} from "../../errors.js";

/** A refusal in Confluent's words: a code of five digits that begins with the status. */
export class RegistryFault extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }

  get status(): number {
    return this.code < 1000 ? this.code : Math.floor(this.code / 100);
  }
}

/** What each of our errors is to Confluent's clients. */
const CODES: readonly (readonly [code: number, kind: ErrorKind])[] = [
  [40101, authenticationFailed],
  [40301, topicDenied],
  [40301, clusterDenied],
  [40401, noSuchSubject],
  [40402, noSuchSchemaVersion],
  [40403, noSuchSchema],
  [40404, subjectDeleted],
  [40405, subjectNotDeleted],
  [40406, schemaVersionDeleted],
  [40407, schemaVersionNotDeleted],
  [40901, incompatibleSchema],
  [42201, invalidRecordSchema],
  [42201, invalidArgument],
  [42201, unsupported],
  [42205, readOnly],
  [42206, schemaInUse],
  [42209, recordTooLarge],
  // Clients that know several servers ask the next.
  [50003, notLeader],
];

/** What a request is told of an error. A fault of the server shows nothing of its inside. */
export function faultOf(error: unknown): RegistryFault {
  if (error instanceof RegistryFault) return error;
  const known = CODES.find(([, kind]) => kind.is(error));
  if (known !== undefined) return new RegistryFault(known[0], (error as Error).message);
  const status = (error as { readonly statusCode?: unknown } | undefined)?.statusCode;
  if (typeof status === "number" && status >= 400 && status < 500)
    return new RegistryFault(status, (error as Error).message);
  return new RegistryFault(50001, "The server failed; its log says why.");
}
