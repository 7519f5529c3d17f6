import { errorKind } from "../errors.js";

/** A schema, partitioning or sort order that makes no sense, or a change that must not be. */
export const invalidSchema = errorKind("INVALID_SCHEMA");
/** A predicate that makes no sense for its table. */
export const invalidExpression = errorKind("INVALID_EXPRESSION");
/** A table does not have, or no longer has, a snapshot. */
export const noSuchSnapshot = errorKind("NO_SUCH_SNAPSHOT");
/** Another writer was faster, and what it did cannot be reconciled with this change. */
export const commitConflict = errorKind("COMMIT_CONFLICT");
/** Whether a commit took effect is not known: its answer was lost. */
export const commitStateUnknown = errorKind("COMMIT_STATE_UNKNOWN");
/** Nothing tells any more which rows of its inputs a table has taken in, so that going on might lose some or double them. */
export const positionLost = errorKind("POSITION_LOST");
/** There is no branch, tag or commit of a name. */
export const noSuchRef = errorKind("NO_SUCH_REF");
/** A branch or tag of a name is there already. */
export const refExists = errorKind("REF_EXISTS");
/** A branch or tag is not where it was thought to be. */
export const refConflict = errorKind("REF_CONFLICT");
/** There is no table of a name. */
export const noSuchTable = errorKind("NO_SUCH_TABLE");
