import { errorKind, invalidConfig, type LakehouseError } from "../errors.js";

/** No object lies at a URI. */
export const objectNotFound = errorKind("OBJECT_NOT_FOUND");
/** A conditional put whose condition does not hold: another was faster. */
export const preconditionFailed = errorKind("PRECONDITION_FAILED");
/** A location that no store understands. */
export const invalidUri = errorKind("INVALID_URI");
/** A disk or a service failed, or refused. */
export const storageFailed = errorKind("STORAGE_FAILED");

export function notFound(uri: string, cause?: unknown): LakehouseError {
  return objectNotFound(uri, `There is no object ${uri}.`, undefined, cause);
}

/** @param why goes after "Not written, ". */
export function notWritten(uri: string, why: string, cause?: unknown): LakehouseError {
  return preconditionFailed(
    uri,
    `Not written, ${why}: ${uri}.`,
    "Read the object again and decide anew.",
    cause,
  );
}

/** @param why goes after "Not a usable object URI, ". */
export function unusable(uri: string, why: string, remedy?: string, cause?: unknown): LakehouseError {
  return invalidUri(uri, `Not a usable object URI, ${why}: ${JSON.stringify(uri)}.`, remedy, cause);
}

/** @param what failed; the URI and the cause's own words are put behind it. */
export function failed(uri: string, what: string, cause?: unknown, remedy?: string): LakehouseError {
  const why = cause instanceof Error ? ` (${cause.message})` : "";
  return storageFailed(uri, `${what}: ${uri}${why}.`, remedy, cause);
}

/** A setting that makes no sense. @param name of the option or of the variable. */
export function badSetting(name: string, why: string, remedy: string): LakehouseError {
  return invalidConfig(name, `${name}: ${why}.`, remedy);
}
