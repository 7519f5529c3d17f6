import { unsupported } from "../../errors.js";
import {
  allFields,
  type FieldId,
  locateById,
  type NestedField,
  type TableScan,
} from "../../iceberg/index.js";

/**
 * The columns to read for a scan: its own, and after them those that only its filter needs.
 *
 * @param used ids of the fields that the filter reads.
 */
export function scanColumns(scan: TableScan, used: ReadonlySet<FieldId>): readonly NestedField[] {
  const needed = scan.tableSchema.fields.filter((field) =>
    [...allFields({ fields: [field] })].some((location) => used.has(location.field.id)),
  );
  const fields = [...scan.schema.fields];
  const selectedById = new Map(fields.map((field) => [field.id, field]));
  for (const field of needed) {
    const selected = selectedById.get(field.id);
    if (!selected) fields.push(field);
    else if (!covers(selected, field, used)) {
      throw unsupported(
        field.name,
        `The scan selects a part of ${field.name} and filters by another part of it.`,
        `Select ${field.name} whole.`,
      );
    }
  }
  return fields;
}

/** Whether the selected part of a column has all of it that the filter uses. */
function covers(selected: NestedField, whole: NestedField, used: ReadonlySet<number>): boolean {
  return [...allFields({ fields: [whole] })].every(
    ({ field }) => !used.has(field.id) || locateById({ fields: [selected] }, field.id) !== undefined,
  );
}

/** All columns of the table, the scan's own first: for a filter in SQL, which may name any. */
export function allColumns(scan: TableScan): readonly NestedField[] {
  return scanColumns(scan, new Set([...allFields(scan.tableSchema)].map(({ field }) => field.id)));
}
