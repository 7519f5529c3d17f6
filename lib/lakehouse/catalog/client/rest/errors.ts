import {
  type ErrorKind,
  invalidArgument,
  invalidMetadata,
  isLakehouseError,
  type LakehouseError,
  unsupported,
} from "../../../errors.js";
import {
  commitConflict,
  commitStateUnknown,
  noSuchRef,
  noSuchTable,
  readJson,
} from "../../../iceberg/index.js";
import {
  catalogUnavailable,
  namespaceExists,
  namespaceNotEmpty,
  noSuchNamespace,
  noSuchView,
  notAuthorized,
  tableExists,
  viewExists,
} from "../../errors.js";

/** What a request is about: how an answer that names no exception is to be understood. */
export type Kind = "namespace" | "table" | "view" | "commit";

/** A refusal as the server gave it. */
export interface Refusal {
  readonly status: number;
  readonly type: string;
  readonly message: string;
}

const BY_TYPE: ReadonlyMap<string, ErrorKind> = new Map<string, ErrorKind>([
  ["NoSuchNamespaceException", noSuchNamespace],
  ["NoSuchTableException", noSuchTable],
  ["NoSuchIcebergTableException", noSuchTable],
  ["NoSuchViewException", noSuchView],
  ["NoSuchReferenceException", noSuchRef],
  ["NamespaceNotEmptyException", namespaceNotEmpty],
  ["CommitFailedException", commitConflict],
  ["CommitStateUnknownException", commitStateUnknown],
  ["UnsupportedOperationException", unsupported],
]);

const MISSING: Readonly<Record<Kind, ErrorKind>> = {
  namespace: noSuchNamespace,
  table: noSuchTable,
  view: noSuchView,
  commit: noSuchTable,
};

const EXISTING: Readonly<Record<Kind, ErrorKind>> = {
  namespace: namespaceExists,
  table: tableExists,
  view: viewExists,
  commit: tableExists,
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
  const error = kindOf(refusal, kind);
  const message = refusal.message || `The catalog refused with status ${refusal.status}.`;
  const remedy = error === notAuthorized ? "Check the token or the credential for this catalog." : undefined;
  return error(subject, message, remedy);
}

function kindOf({ status, type }: Refusal, kind: Kind): ErrorKind {
  const known = BY_TYPE.get(type);
  if (known !== undefined) return known;
  if (type === "AlreadyExistsException") return EXISTING[kind];
  if ([401, 403, 419].includes(status)) return notAuthorized;
  if (status === 404) return MISSING[kind];
  if (status === 406) return unsupported;
  if (status === 409) return kind === "commit" ? commitConflict : EXISTING[kind];
  return status >= 500 ? catalogUnavailable : invalidArgument;
}
