import { isLakehouseError, LakehouseError } from "../errors.js";

export function notFound(uri: string, cause?: unknown): LakehouseError {
  return new LakehouseError({
    code: "OBJECT_NOT_FOUND",
    subject: uri,
    message: `There is no object ${uri}.`,
    cause,
  });
}

export function preconditionFailed(uri: string, why: string, cause?: unknown): LakehouseError {
  return new LakehouseError({
    code: "PRECONDITION_FAILED",
    subject: uri,
    message: `Not written, ${why}: ${uri}.`,
    remedy: "Read the object again and decide anew.",
    cause,
  });
}

export function storageFailed(uri: string, what: string, cause?: unknown, remedy?: string): LakehouseError {
  return new LakehouseError({
    code: "STORAGE_FAILED",
    subject: uri,
    message: `${what}: ${uri}${cause instanceof Error ? ` (${cause.message})` : ""}.`,
    cause,
    ...(remedy === undefined ? {} : { remedy }),
  });
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
      return new LakehouseError({
        code: "INVALID_URI",
        subject: uri,
        message: `The file system cannot hold this name, or it is a symbolic link: ${uri}.`,
        cause: error,
      });
    case "ENOSPC":
    case "EDQUOT":
      return storageFailed(uri, `${what}, the disk is full`, error, "Free some space and try again.");
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return storageFailed(uri, `${what}, permission denied`, error, "Check who owns the directory.");
    case "ENOTDIR":
    case "ENOTEMPTY":
      return storageFailed(
        uri,
        `${what}, an object and a directory want the same name`,
        error,
        "On a local disk a key cannot continue below another object's key: choose another name.",
      );
    default:
      return storageFailed(uri, what, error);
  }
}
