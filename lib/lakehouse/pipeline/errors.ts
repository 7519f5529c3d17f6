import { errorKind } from "../errors.js";

/** Nothing tells any more which rows of its inputs a table has taken in, so that going on might lose some or double them. */
export const positionLost = errorKind("POSITION_LOST");
/** An input that lost or changed rows, where only rows that come can be taken in. */
export const notAppendOnly = errorKind("NOT_APPEND_ONLY");
