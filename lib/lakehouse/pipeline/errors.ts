import { errorKind } from "../errors.js";

/** An input that lost or changed rows, where only rows that come can be taken in. */
export const notAppendOnly = errorKind("NOT_APPEND_ONLY");
/** Spark did not start, ended, or could not run a query. */
export const sparkFailed = errorKind("SPARK_FAILED");
