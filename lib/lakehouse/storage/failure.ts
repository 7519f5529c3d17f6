import { isLakehouseError } from "../errors.js";
import { failed, notFound, unusable } from "./errors.js";

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

const FULL = ["the disk is full", "Free some space and try again."] as const;
const DENIED = ["permission denied", "Check who owns the directory."] as const;
const CLASH = [
  "an object and a directory want the same name",
  "On a local disk a key cannot continue below another object's key: choose another name.",
] as const;

const FAILING = [
  "the disk, or the way to it, fails",
  "Look into the system's log, and copy what can still be read elsewhere before anything is repaired.",
] as const;
const TOO_MANY_OPEN = [
  "too many files are open",
  "Raise the limit (ulimit -n), or close what is done with.",
] as const;

/** What a system error's code adds to "Could not …", and what to do then. */
const MEANINGS: Readonly<Record<string, readonly [what: string, remedy: string]>> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  EACCES: DENIED,
  EPERM: DENIED,
  EROFS: DENIED,
  EIO: FAILING,
  EMFILE: TOO_MANY_OPEN,
  ENFILE: TOO_MANY_OPEN,
  ENOTDIR: CLASH,
  ENOTEMPTY: CLASH,
};

/** A file system error as what it means for the object. Errors that are no system errors pass unchanged. */
export function fromFileSystem(error: unknown, uri: string, what: string): unknown {
  const code = systemCode(error);
  if (code === undefined) return error;
  if (code === "ENOENT" || code === "EISDIR") return notFound(uri, error);
  if (code === "ELOOP" || code === "ENAMETOOLONG")
    return unusable(uri, "the file system cannot hold this name, or it is a symbolic link", undefined, error);
  const [meaning, remedy] = MEANINGS[code] ?? [];
  return failed(uri, meaning === undefined ? what : `${what}, ${meaning}`, error, remedy);
}
