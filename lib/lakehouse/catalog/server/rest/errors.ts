/** The exception names that Iceberg's REST clients know, with their status codes (REST spec, "responses"). */
export interface RestError {
  readonly status: number;
  readonly type: string;
}

/** What each of our codes is over REST. Those that are missing are faults of the server: 500. */
export const REST_ERRORS: Readonly<Partial<Record<string, RestError>>> = {
  INVALID_ARGUMENT: { status: 400, type: "BadRequestException" },
  INVALID_SCHEMA: { status: 400, type: "BadRequestException" },
  INVALID_METADATA: { status: 400, type: "BadRequestException" },
  INVALID_EXPRESSION: { status: 400, type: "BadRequestException" },
  INVALID_URI: { status: 400, type: "BadRequestException" },
  SCHEMA_MISMATCH: { status: 400, type: "BadRequestException" },
  NO_SUCH_SNAPSHOT: { status: 400, type: "BadRequestException" },
  OBJECT_NOT_FOUND: { status: 400, type: "BadRequestException" },
  CORRUPT_FILE: { status: 400, type: "BadRequestException" },
  UNSUPPORTED_FEATURE: { status: 400, type: "UnsupportedOperationException" },
  NO_SUCH_NAMESPACE: { status: 404, type: "NoSuchNamespaceException" },
  NO_SUCH_TABLE: { status: 404, type: "NoSuchTableException" },
  NO_SUCH_VIEW: { status: 404, type: "NoSuchViewException" },
  NO_SUCH_REF: { status: 404, type: "NoSuchReferenceException" },
  NAMESPACE_EXISTS: { status: 409, type: "AlreadyExistsException" },
  TABLE_EXISTS: { status: 409, type: "AlreadyExistsException" },
  VIEW_EXISTS: { status: 409, type: "AlreadyExistsException" },
  NAMESPACE_NOT_EMPTY: { status: 409, type: "NamespaceNotEmptyException" },
  COMMIT_CONFLICT: { status: 409, type: "CommitFailedException" },
  REF_CONFLICT: { status: 409, type: "CommitFailedException" },
  COMMIT_STATE_UNKNOWN: { status: 500, type: "CommitStateUnknownException" },
};
