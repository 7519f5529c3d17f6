import { errorKind } from "../errors.js";

/** Rows or files that do not fit the schema of their table. */
export const schemaMismatch = errorKind("SCHEMA_MISMATCH");
