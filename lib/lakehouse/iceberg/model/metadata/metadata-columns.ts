import type { NestedField } from "../types/types.js";
import { LAST_UPDATED_SEQUENCE_NUMBER, ROW_ID } from "./row-lineage.js";

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

/**
 * The column `_partition`: the partition values of the data file that a row is in. Its type is the table's own
 * (`partitionColumn`); this is that of one that no spec partitions.
 */
export const PARTITION: NestedField = {
  id: 2147483642,
  name: "_partition",
  required: false,
  type: { type: "unknown" },
};

/** Columns that every table has without its schema saying so (spec, "Reserved Field IDs"): read when asked for by name. */
export const METADATA_COLUMNS: readonly NestedField[] = [
  FILE,
  POSITION,
  SPEC_ID,
  PARTITION,
  ROW_ID,
  LAST_UPDATED_SEQUENCE_NUMBER,
];

/** The column `_change_type` of a changelog: `INSERT`, `DELETE`, `UPDATE_BEFORE` or `UPDATE_AFTER`. */
export const CHANGE_TYPE: NestedField = {
  id: 2147483543,
  name: "_change_type",
  required: true,
  type: { type: "string" },
};

/** The column `_change_ordinal` of a changelog: order of the change, from 0; the same for all changes of one snapshot. */
export const CHANGE_ORDINAL: NestedField = {
  id: 2147483542,
  name: "_change_ordinal",
  required: true,
  type: { type: "int" },
};

/** The column `_commit_snapshot_id` of a changelog: the snapshot that made the change. */
export const COMMIT_SNAPSHOT_ID: NestedField = {
  id: 2147483541,
  name: "_commit_snapshot_id",
  required: true,
  type: { type: "long" },
};

/** What the rows of a changelog have after the table's columns. */
export const CHANGE_COLUMNS: readonly NestedField[] = [CHANGE_TYPE, CHANGE_ORDINAL, COMMIT_SNAPSHOT_ID];
