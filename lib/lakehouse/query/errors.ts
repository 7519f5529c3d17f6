import { errorKind } from "../errors.js";

/** A query that SQL, or the lakehouse, does not understand. */
export const invalidSql = errorKind("INVALID_SQL");
