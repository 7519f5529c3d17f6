import {
  corruptFile,
  type ErrorKind,
  invalidArgument,
  invalidMetadata,
  unsupported,
} from "../../../errors.js";
import {
  commitConflict,
  commitStateUnknown,
  invalidExpression,
  invalidSchema,
  noSuchRef,
  noSuchSnapshot,
  noSuchTable,
  refConflict,
} from "../../../iceberg/index.js";
import { schemaMismatch } from "../../../parquet/index.js";
import { invalidUri, objectNotFound } from "../../../storage/index.js";
import {
  namespaceExists,
  namespaceNotEmpty,
  noSuchNamespace,
  noSuchView,
  tableExists,
  viewExists,
} from "../../errors.js";

/** An exception's name that Iceberg's REST clients know, with its status code (REST spec, "responses"). */
export interface RestError {
  readonly status: number;
  readonly type: string;
}

const SPOKEN: readonly (readonly [status: number, type: string, ...kinds: ErrorKind[]])[] = [
  [
    400,
    "BadRequestException",
    invalidArgument,
    invalidSchema,
    invalidMetadata,
    invalidExpression,
    invalidUri,
  ],
  [400, "BadRequestException", schemaMismatch, noSuchSnapshot, objectNotFound, corruptFile],
  [400, "UnsupportedOperationException", unsupported],
  [404, "NoSuchNamespaceException", noSuchNamespace],
  [404, "NoSuchTableException", noSuchTable],
  [404, "NoSuchViewException", noSuchView],
  [404, "NoSuchReferenceException", noSuchRef],
  [409, "AlreadyExistsException", namespaceExists, tableExists, viewExists],
  [409, "NamespaceNotEmptyException", namespaceNotEmpty],
  [409, "CommitFailedException", commitConflict, refConflict],
  [500, "CommitStateUnknownException", commitStateUnknown],
];

/** What each of our codes is over REST. Those that are missing are faults of the server: 500. */
export const REST_ERRORS: ReadonlyMap<string, RestError> = new Map(
  SPOKEN.flatMap(([status, type, ...kinds]) => kinds.map(({ code }) => [code, { status, type }] as const)),
);
