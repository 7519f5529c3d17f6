import { invalidMetadata, isLakehouseError, LakehouseError } from "../../../errors.js";
import { readJson } from "../../../iceberg/index.js";

/** What a request is about: how an answer that names no exception is to be understood. */
export type Kind = "namespace" | "table" | "view" | "commit";

/** A refusal as the server gave it. */
export interface Refusal {
  readonly status: number;
  readonly type: string;
  readonly message: string;
}

const BY_TYPE: Readonly<Record<string, string>> = {
  NoSuchNamespaceException: "NO_SUCH_NAMESPACE",
  NoSuchTableException: "NO_SUCH_TABLE",
  NoSuchIcebergTableException: "NO_SUCH_TABLE",
  NoSuchViewException: "NO_SUCH_VIEW",
  NoSuchReferenceException: "NO_SUCH_REF",
  NamespaceNotEmptyException: "NAMESPACE_NOT_EMPTY",
  CommitFailedException: "COMMIT_CONFLICT",
  CommitStateUnknownException: "COMMIT_STATE_UNKNOWN",
  UnsupportedOperationException: "UNSUPPORTED_FEATURE",
};

const MISSING: Readonly<Record<Kind, string>> = {
  namespace: "NO_SUCH_NAMESPACE",
  table: "NO_SUCH_TABLE",
  view: "NO_SUCH_VIEW",
  commit: "NO_SUCH_TABLE",
};

const EXISTING: Readonly<Record<Kind, string>> = {
  namespace: "NAMESPACE_EXISTS",
  table: "TABLE_EXISTS",
  view: "VIEW_EXISTS",
  commit: "TABLE_EXISTS",
};

/** Reads an error's body; where it is none of the catalog's, its first line is the message. */
export function readRefusal(status: number, text: string): Refusal {
  try {
    const root = readJson(text, { subject: "the answer", kind: invalidMetadata });
    const error = root.optional("error") ?? root;
    return {
      status,
      type: error.optional("type")?.string() ?? "",
      message: error.optional("message")?.string() ?? "",
    };
  } catch (error) {
    if (!isLakehouseError(error)) throw error;
    return { status, type: "", message: text.split("\n", 1)[0]?.slice(0, 200) ?? "" };
  }
}

/** The error that a refusal stands for. The exception's name counts first, then the status. */
export function toError(refusal: Refusal, kind: Kind, subject: string): LakehouseError {
  const code = codeOf(refusal, kind);
  const message = refusal.message || `The catalog refused with status ${refusal.status}.`;
  const remedy =
    code === "NOT_AUTHORIZED" ? "Check the token or the credential for this catalog." : undefined;
  return new LakehouseError(code, subject, message, remedy);
}

function codeOf({ status, type }: Refusal, kind: Kind): string {
  const known = BY_TYPE[type];
  if (known !== undefined) return known;
  if (type === "AlreadyExistsException") return EXISTING[kind];
  switch (status) {
    case 401:
    case 403:
    case 419:
      return "NOT_AUTHORIZED";
    case 404:
      return MISSING[kind];
    case 406:
      return "UNSUPPORTED_FEATURE";
    case 409:
      return kind === "commit" ? "COMMIT_CONFLICT" : EXISTING[kind];
    default:
      return status >= 500 ? "CATALOG_UNAVAILABLE" : "INVALID_ARGUMENT";
  }
}
