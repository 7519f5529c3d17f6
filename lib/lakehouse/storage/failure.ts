import { isLakehouseError, type LakehouseError } from "../errors.js";
import { invalidUri, objectNotFound, preconditionFailed, storageFailed } from "./errors.js";

export function notFound(uri: string, cause?: unknown): LakehouseError {
  return objectNotFound(uri, `There is no object ${uri}.`, undefined, cause);
}

export function notWritten(uri: string, why: string, cause?: unknown): LakehouseError {
  return preconditionFailed(
    uri,
    `Not written, ${why}: ${uri}.`,
    "Read the object again and decide anew.",
    cause,
  );
}

export function failed(uri: string, what: string, cause?: unknown, remedy?: string): LakehouseError {
  return storageFailed(
    uri,
    `${what}: ${uri}${cause instanceof Error ? ` (${cause.message})` : ""}.`,
    remedy,
    cause,
  );
}

/** The `code` of a system error (`ENOENT`, `ENOSPC`), or undefined. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || isLakehouseError(error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** There is no such file, or a file where a directory of its path should be. */
export function isMissing(error: unknown): boolean {
  const code = systemCode(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

export function isDiskFull(error: unknown): boolean {
  const code = systemCode(error);
  return code === "ENOSPC" || code === "EDQUOT";
}

/** A file system error as what it means for the object. Errors that are no system errors pass unchanged. */
export function fromFileSystem(error: unknown, uri: string, what: string): unknown {
  switch (systemCode(error)) {
    case undefined:
      return error;
    case "ENOENT":
    case "EISDIR":
      return notFound(uri, error);
    case "ELOOP":
    case "ENAMETOOLONG":
      return invalidUri(
        uri,
        `The file system cannot hold this name, or it is a symbolic link: ${uri}.`,
        undefined,
        error,
      );
    case "ENOSPC":
    case "EDQUOT":
      return failed(uri, `${what}, the disk is full`, error, "Free some space and try again.");
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return failed(uri, `${what}, permission denied`, error, "Check who owns the directory.");
    case "ENOTDIR":
    case "ENOTEMPTY":
      return failed(
        uri,
        `${what}, an object and a directory want the same name`,
        error,
        "On a local disk a key cannot continue below another object's key: choose another name.",
      );
    default:
      return failed(uri, what, error);
  }
}
