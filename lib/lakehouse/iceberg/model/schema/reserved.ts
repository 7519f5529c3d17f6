import { invalidSchema } from "../../errors.js";
import type { Schema } from "../types/types.js";
import { allFields, fieldById, fieldName, isAmbiguous } from "./lookup.js";

/**
 * Names of the metadata columns that readers and changelogs have beside a table's own (spec, "Reserved Field IDs"), and
 * what each tells. `file_path`, `pos` and `row` of the same section are columns of delete files alone, which hold none
 * of a table's: they are free. So is a name that differs by case, as names of Iceberg do.
 */
const RESERVED_NAMES: ReadonlyMap<string, string> = new Map([
  ["_file", "the file that a row is in"],
  ["_pos", "the position of a row in its file"],
  ["_deleted", "whether a row is deleted"],
  ["_spec_id", "the partition spec of a row's file"],
  ["_partition", "the partition of a row's file"],
  ["_row_id", "the id of a row"],
  ["_last_updated_sequence_number", "the commit that changed a row last"],
  ["_change_type", "how a row changed"],
  ["_change_ordinal", "the order of a change"],
  ["_commit_snapshot_id", "the snapshot that changed a row"],
]);

/**
 * Refuses columns whose names the spec reserves, and names that would mean two fields: `a.b` is a column of that name,
 * and the field `b` of a struct `a`. Tables that others made can have such columns all the same, and keep them.
 *
 * @param known schemas of the table; what they have under its name already is not new.
 * @throws LakehouseError INVALID_SCHEMA
 */
export function validateNewNames(schema: Schema, known: readonly Schema[] = []): void {
  for (const { id, name } of schema.fields) {
    const use = RESERVED_NAMES.get(name);
    if (use === undefined || known.some((old) => fieldById(old, id)?.name === name)) continue;
    throw invalidSchema(
      name,
      `A column cannot be called "${name}": the Iceberg spec reserves the name for ${use}.`,
      "Give it another name.",
    );
  }
  for (const { field, name } of allFields(schema)) {
    if (!isAmbiguous(schema, name) || known.some((old) => fieldName(old, field.id) === name)) continue;
    throw invalidSchema(
      name,
      `"${name}" would be the name of two fields: dots lead into structs.`,
      "Rename one of them.",
    );
  }
}
