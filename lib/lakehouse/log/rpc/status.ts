/** Errors on their way: a LakehouseError becomes a gRPC status with its code, subject and remedy, and is one again. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { errorKind, isLakehouseError, type LakehouseError } from "../../errors.js";
import type { CodesIn } from "../../room.js";
import type * as logErrors from "../errors.js";
import { authenticationFailed, logUnavailable } from "../errors.js";
import {
  type ErrorDetail,
  ErrorDetailSchema,
  type Failure,
  type FailureSchema,
} from "./generated/sololakehouse/log/v1/record_pb.js";

/** Of every error of the log's own, and of those below it that it passes on. What else there is, is INTERNAL. */
const STATUS: Readonly<Record<CodesIn<typeof logErrors>, Code>> & Readonly<Record<string, Code>> = {
  NO_SUCH_TOPIC: Code.NotFound,
  NO_SUCH_PARTITION: Code.NotFound,
  TOPIC_EXISTS: Code.AlreadyExists,
  TOPIC_CONFLICT: Code.Aborted,
  INVALID_TOPIC: Code.InvalidArgument,
  INTERNAL_TOPIC: Code.PermissionDenied,
  INVALID_PARTITIONS: Code.InvalidArgument,
  OFFSET_OUT_OF_RANGE: Code.OutOfRange,
  RECORD_TOO_LARGE: Code.InvalidArgument,
  CORRUPT_RECORD_BATCH: Code.InvalidArgument,
  CORRUPT_SEGMENT: Code.DataLoss,
  CORRUPT_WAL: Code.DataLoss,
  LOG_METADATA_LOST: Code.FailedPrecondition,
  LOG_IN_USE: Code.FailedPrecondition,
  LOG_UNAVAILABLE: Code.Unavailable,
  NOT_LEADER: Code.Unavailable,
  FENCED_LEADER_EPOCH: Code.Unavailable,
  UNKNOWN_LEADER_EPOCH: Code.Unavailable,
  FENCED: Code.FailedPrecondition,
  INVALID_RECORD: Code.InvalidArgument,
  OLD_MESSAGE_FORMAT: Code.InvalidArgument,
  MALFORMED_REQUEST: Code.InvalidArgument,
  OUT_OF_ORDER_SEQUENCE: Code.FailedPrecondition,
  PRODUCER_FENCED: Code.FailedPrecondition,
  INVALID_TXN_STATE: Code.FailedPrecondition,
  INVALID_PRODUCER_ID_MAPPING: Code.FailedPrecondition,
  INVALID_TRANSACTION_TIMEOUT: Code.InvalidArgument,
  POLICY_VIOLATION: Code.FailedPrecondition,
  CORRUPT_STATE: Code.DataLoss,
  INVALID_GROUP_ID: Code.InvalidArgument,
  GROUP_ID_NOT_FOUND: Code.NotFound,
  NON_EMPTY_GROUP: Code.FailedPrecondition,
  GROUP_MAX_SIZE_REACHED: Code.ResourceExhausted,
  COORDINATOR_NOT_AVAILABLE: Code.Unavailable,
  UNKNOWN_MEMBER_ID: Code.FailedPrecondition,
  MEMBER_ID_REQUIRED: Code.FailedPrecondition,
  FENCED_INSTANCE_ID: Code.FailedPrecondition,
  ILLEGAL_GENERATION: Code.FailedPrecondition,
  REBALANCE_IN_PROGRESS: Code.Aborted,
  INCONSISTENT_GROUP_PROTOCOL: Code.FailedPrecondition,
  INVALID_SESSION_TIMEOUT: Code.InvalidArgument,
  OFFSET_METADATA_TOO_LARGE: Code.InvalidArgument,
  UNSTABLE_OFFSET_COMMIT: Code.Aborted,
  GROUP_SUBSCRIBED_TO_TOPIC: Code.FailedPrecondition,
  AUTHENTICATION_FAILED: Code.Unauthenticated,
  UNSUPPORTED_SASL_MECHANISM: Code.Unauthenticated,
  TOPIC_AUTHORIZATION_FAILED: Code.PermissionDenied,
  GROUP_AUTHORIZATION_FAILED: Code.PermissionDenied,
  CLUSTER_AUTHORIZATION_FAILED: Code.PermissionDenied,
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: Code.PermissionDenied,
  NO_SUCH_USER: Code.NotFound,
  POSITIONS_LOST: Code.DataLoss,
  INVALID_RECORD_SCHEMA: Code.InvalidArgument,
  INCOMPATIBLE_SCHEMA: Code.FailedPrecondition,
  NO_SUCH_SUBJECT: Code.NotFound,
  NO_SUCH_SCHEMA_VERSION: Code.NotFound,
  NO_SUCH_SCHEMA: Code.NotFound,
  SUBJECT_DELETED: Code.NotFound,
  SCHEMA_VERSION_DELETED: Code.NotFound,
  SUBJECT_NOT_DELETED: Code.FailedPrecondition,
  SCHEMA_VERSION_NOT_DELETED: Code.FailedPrecondition,
  SCHEMA_IN_USE: Code.FailedPrecondition,
  INVALID_ARGUMENT: Code.InvalidArgument,
  INVALID_CONFIG: Code.InvalidArgument,
  UNSUPPORTED_FEATURE: Code.Unimplemented,
  STORAGE_FAILED: Code.Unavailable,
  OBJECT_NOT_FOUND: Code.DataLoss,
  CORRUPT_FILE: Code.DataLoss,
  CLOSED: Code.Unavailable,
  ABORTED: Code.Canceled,
};

/**
 * The status that tells a client of an error.
 *
 * @returns `undefined` for an error that nobody foresaw: its text is for who runs the server.
 */
export function toStatus(error: unknown): ConnectError | undefined {
  if (error instanceof ConnectError) return error;
  if (!isLakehouseError(error)) return undefined;
  const { code, subject, message, remedy = "" } = error;
  const status = new ConnectError(message, STATUS[code] ?? Code.Internal, undefined, undefined, error);
  status.details.push({ desc: ErrorDetailSchema, value: { code, subject, remedy } });
  return status;
}

/** What a call to a server failed with, as the log itself would have said it. @param url of the server. */
export function fromStatus(error: unknown, url: string): LakehouseError {
  if (isLakehouseError(error)) return error;
  const status = ConnectError.from(error);
  const [detail] = status.findDetails(ErrorDetailSchema);
  if (detail !== undefined) return detailed(detail, status.rawMessage, status);
  if (status.code === Code.Unauthenticated)
    return authenticationFailed(
      url,
      `The log's server ${url} does not let in who has no name and password that it knows, nor a token that it trusts.`,
      "Give the right ones: credentials of connectLog; --user and --password-file, or --token-file, of streamctl.",
      status,
    );
  // A connection that is lost is CANCELED, too.
  return logUnavailable(
    url,
    `The log's server ${url} did not do what it was asked: ${status.message}.`,
    remedyOf(codesOf(status), url),
    status,
  );
}

/** What a stream answers one request with that failed. @throws the error itself where nobody foresaw it. */
export function failureMessage(error: unknown): MessageInitShape<typeof FailureSchema> {
  if (!isLakehouseError(error)) throw error;
  const { code, subject, message, remedy = "" } = error;
  return { message, detail: { code, subject, remedy } };
}

export function failureOf({ message, detail }: Failure): LakehouseError {
  return detailed(detail ?? { code: "LOG_UNAVAILABLE", subject: "log", remedy: "" }, message);
}

/** @param text with the remedy at its end, as messages of errors have it. */
function detailed(
  { code, subject, remedy }: Pick<ErrorDetail, "code" | "subject" | "remedy">,
  text: string,
  cause?: unknown,
): LakehouseError {
  const message = remedy !== "" && text.endsWith(remedy) ? text.slice(0, -remedy.length) : text;
  return errorKind(code)(subject, message.trimEnd(), remedy || undefined, cause);
}

/** Whether a call failed because no answer came in time. */
export function isTimedOut(error: unknown): boolean {
  return (
    logUnavailable.is(error) && (error.cause as ConnectError | undefined)?.code === Code.DeadlineExceeded
  );
}

/** What a connection failed with, by Node's codes, from the error inwards. */
function codesOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  return `${(error as NodeJS.ErrnoException).code} ${codesOf(error.cause)}`;
}

function remedyOf(codes: string, url: string): string {
  if (/CERT|SIGNATURE|ISSUER|CRL_/.test(codes))
    return "Ask it by a name that its certificate has, and say who vouches for that: ca of connectLog, --ca of streamctl.";
  const look =
    "Look whether it runs, and whether it is one of the log's: streamctl serve says where it listens.";
  if (url.startsWith("https:") && /EPROTO|ERR_SSL/.test(codes))
    return `${look} It may speak no TLS: http://.`;
  if (url.startsWith("http:") && /ECONNRESET/.test(codes)) return `${look} It may speak TLS alone: https://.`;
  return look;
}
