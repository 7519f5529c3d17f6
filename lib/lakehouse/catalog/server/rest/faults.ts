import { isLakehouseError } from "../../../errors.js";
import type { JsonInput } from "../../../iceberg/index.js";
import { Fault } from "../http/fault.js";
import { REST_ERRORS } from "./errors.js";

/** What Fastify itself refuses, by status. */
const FRAMEWORK_TYPES: Readonly<Record<number, string>> = {
  400: "BadRequestException",
  404: "NotFoundException",
  413: "PayloadTooLargeException",
  414: "BadRequestException",
  415: "UnsupportedMediaTypeException",
  503: "ServiceUnavailableException",
};

/**
 * What a request is told of an error. A fault of the server shows nothing of its inside; on a commit it says that
 * the outcome is not known, since it may have come after the branch moved.
 */
export function toFault(error: unknown, isCommit: boolean): Fault {
  if (error instanceof Fault) return error;
  const known = isLakehouseError(error) ? REST_ERRORS.get(error.code) : undefined;
  if (known !== undefined) return new Fault(known.status, known.type, (error as Error).message);
  const status = (error as { statusCode?: unknown | undefined } | undefined)?.statusCode;
  if (typeof status === "number" && FRAMEWORK_TYPES[status] !== undefined) {
    return new Fault(status, FRAMEWORK_TYPES[status], (error as Error).message);
  }
  return isCommit
    ? new Fault(
        500,
        "CommitStateUnknownException",
        "The server failed; whether the commit happened is not known.",
      )
    : new Fault(500, "InternalServerError", "The server failed; its log says why.");
}

/** The body of every refusal (REST spec, `IcebergErrorResponse`). */
export function faultToJson({ message, type, status }: Fault): JsonInput {
  return { error: { message, type, code: status } };
}
