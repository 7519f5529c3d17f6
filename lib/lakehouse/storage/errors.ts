import { errorKind } from "../errors.js";

/** No object lies at a URI. */
export const objectNotFound = errorKind("OBJECT_NOT_FOUND");
/** A conditional put whose condition does not hold: another was faster. */
export const preconditionFailed = errorKind("PRECONDITION_FAILED");
/** A location that no store understands. */
export const invalidUri = errorKind("INVALID_URI");
/** A disk or a service failed, or refused. */
export const storageFailed = errorKind("STORAGE_FAILED");
