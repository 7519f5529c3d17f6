import type { FieldId } from "../../model/types/types.js";

/** Field ids that the spec reserves for the columns of position deletes (spec, "Reserved Field IDs"). */
export const FILE_PATH_ID: FieldId = 2147483546;
export const POS_ID: FieldId = 2147483545;
/** `_pos`: the position of a row in its data file. */
export const ROW_POSITION_ID: FieldId = 2147483645;
