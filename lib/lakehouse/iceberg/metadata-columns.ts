import { LAST_UPDATED_SEQUENCE_NUMBER, ROW_ID } from "./row-lineage.js";
import type { NestedField } from "./schema/types.js";

/** The column `_file`: location of the data file that a row is in. */
export const FILE: NestedField = {
  id: 2147483646,
  name: "_file",
  required: true,
  type: { type: "string" },
};

/** The column `_pos`: position of a row in its data file, from 0. */
export const POSITION: NestedField = {
  id: 2147483645,
  name: "_pos",
  required: true,
  type: { type: "long" },
};

/** The column `_spec_id`: partition spec of the data file that a row is in. */
export const SPEC_ID: NestedField = {
  id: 2147483643,
  name: "_spec_id",
  required: true,
  type: { type: "int" },
};

/** Columns that every table has without its schema saying so (spec, "Reserved Field IDs"): read when asked for by name. */
export const METADATA_COLUMNS: readonly NestedField[] = [
  FILE,
  POSITION,
  SPEC_ID,
  ROW_ID,
  LAST_UPDATED_SEQUENCE_NUMBER,
];
