/**
 * Stable error codes. A code never changes its meaning once released: programs branch on it.
 */
export type ErrorCode =
  // storage
  | "OBJECT_NOT_FOUND"
  | "PRECONDITION_FAILED"
  | "INVALID_URI"
  | "STORAGE_FAILED"
  // files and formats
  | "CORRUPT_FILE"
  | "UNSUPPORTED_FEATURE"
  | "INVALID_METADATA"
  // tables
  | "SCHEMA_MISMATCH"
  | "INVALID_SCHEMA"
  | "INVALID_EXPRESSION"
  | "INVALID_ARGUMENT"
  | "NO_SUCH_SNAPSHOT"
  // catalog
  | "COMMIT_CONFLICT"
  | "COMMIT_STATE_UNKNOWN"
  | "NO_SUCH_NAMESPACE"
  | "NAMESPACE_EXISTS"
  | "NAMESPACE_NOT_EMPTY"
  | "NO_SUCH_TABLE"
  | "TABLE_EXISTS"
  | "NO_SUCH_VIEW"
  | "VIEW_EXISTS"
  | "NO_SUCH_REF"
  | "REF_EXISTS"
  | "REF_CONFLICT"
  | "NOT_AUTHORIZED"
  | "CATALOG_UNAVAILABLE"
  /** Something was used after it was closed. */
  | "CLOSED"
  /** A change, where there is only reading. */
  | "READ_ONLY"
  /** The lake, or a part of it, lies elsewhere than its tables say. */
  | "LAKE_MOVED"
  // query
  | "INVALID_SQL"
  // configuration and the kit
  | "INVALID_CONFIG"
  | "NOTEBOOK_FAILED"
  | "STALE_OUTPUT"
  | "CONTENT_INVALID";

export interface LakehouseErrorInit {
  readonly code: ErrorCode;
  /** What the error is about: a URI, a table name, a column, a ref. */
  readonly subject: string;
  /** One sentence: what failed and why. The remedy is appended to it. */
  readonly message: string;
  /** One sentence: what to do next. */
  readonly remedy?: string;
  readonly cause?: unknown;
}

/**
 * The one error class of the project. `code` is stable, `subject` names the thing, `message` says what failed
 * and what to do next.
 *
 * @example
 * try { await lake.table("flights.nope") }
 * catch (e) { if (isLakehouseError(e, "NO_SUCH_TABLE")) … }
 */
export class LakehouseError extends Error {
  override readonly name = "LakehouseError";
  readonly code: ErrorCode;
  readonly subject: string;
  readonly remedy: string | undefined;

  constructor(init: LakehouseErrorInit) {
    super(init.remedy ? `${init.message} ${init.remedy}` : init.message, { cause: init.cause });
    this.code = init.code;
    this.subject = init.subject;
    this.remedy = init.remedy;
  }
}

/** True for a LakehouseError, and, where `code` is given, only for one with that code. */
export function isLakehouseError(error: unknown, code?: ErrorCode): error is LakehouseError {
  return error instanceof LakehouseError && (code === undefined || error.code === code);
}

/** What a call on something that was closed ends in. */
export function closed(what: string): LakehouseError {
  return new LakehouseError({
    code: "CLOSED",
    subject: what,
    message: `The ${what} was closed.`,
    remedy: "Open it again, or close it after its last use.",
  });
}
