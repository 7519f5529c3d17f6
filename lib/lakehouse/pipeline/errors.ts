import { errorKind } from "../errors.js";

/** An input that lost or changed rows, where only rows that come can be taken in. */
export const notAppendOnly = errorKind("NOT_APPEND_ONLY");
