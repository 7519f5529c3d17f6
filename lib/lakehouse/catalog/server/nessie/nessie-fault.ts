import { STATUS_CODES } from "node:http";
import { isLakehouseError } from "../../../errors.js";
import type { JsonInput } from "../../../iceberg/index.js";
import { ConflictError } from "../../model/conflicts.js";
import { type ContentKey, keyName } from "../../model/content.js";
import { NESSIE_STATUS, type NessieErrorCode, TO_NESSIE } from "../../wire/nessie/errors.js";
import { conflictToJson } from "../../wire/nessie/json.js";
import { keyToJson } from "../../wire/nessie/keys.js";
import { Fault } from "../http/fault.js";

/** A refusal in the words of Nessie's API. */
export class NessieFault extends Error {
  constructor(
    readonly code: NessieErrorCode,
    message: string,
    /** `errorDetails` */
    readonly details?: JsonInput,
    readonly status: number = NESSIE_STATUS[code],
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

export function badRequest(message: string): NessieFault {
  return new NessieFault("BAD_REQUEST", message);
}

export function noContent(key: ContentKey, reference: string): NessieFault {
  const message = `Could not find content for key '${keyName(key)}' in reference '${reference}'.`;
  return new NessieFault("CONTENT_NOT_FOUND", message, { type: "CONTENT_KEY", contentKey: keyToJson(key) });
}

/** What a request is told of an error. A fault of the server shows nothing of its inside. */
export function toNessieFault(error: unknown): NessieFault {
  if (error instanceof NessieFault) return error;
  if (error instanceof Fault) {
    const code = error.status === 403 ? "FORBIDDEN" : error.status < 500 ? "BAD_REQUEST" : "UNKNOWN";
    return new NessieFault(code, error.message, undefined, error.status, error.headers);
  }
  if (error instanceof ConflictError) {
    const details = { type: "REFERENCE_CONFLICTS", conflicts: error.conflicts.map(conflictToJson) };
    return new NessieFault("REFERENCE_CONFLICT", error.message, details);
  }
  const known = isLakehouseError(error) ? TO_NESSIE.get(error.code) : undefined;
  if (known !== undefined) return new NessieFault(known, (error as Error).message);
  const status = (error as { statusCode?: unknown | undefined } | undefined)?.statusCode;
  if (typeof status === "number" && status >= 400 && status < 500) {
    const code = status === NESSIE_STATUS.UNSUPPORTED_MEDIA_TYPE ? "UNSUPPORTED_MEDIA_TYPE" : "BAD_REQUEST";
    return new NessieFault(code, (error as Error).message, undefined, status);
  }
  return new NessieFault("UNKNOWN", "The server failed; its log says why.");
}

/** The body of every refusal (`NessieError`). */
export function nessieFaultToJson({ status, message, code, details }: NessieFault): JsonInput {
  const reason = STATUS_CODES[status] ?? "";
  return { status, reason, message, errorCode: code, errorDetails: details, serverStackTrace: null };
}
