import { METADATA_COLUMNS, PARTITION } from "../../model/metadata/metadata-columns.js";
import type { TableMetadata } from "../../model/metadata/types.js";
import type { PartitionSpec, PartitionTuple } from "../../model/partitioning/types.js";
import type { NestedField, PrimitiveValue } from "../../model/types/types.js";
import { specsById } from "./specs.js";

/** The metadata columns, as a table has them. */
export function metadataColumns(metadata: TableMetadata): readonly NestedField[] {
  return METADATA_COLUMNS.map((column) => (column.id === PARTITION.id ? partitionColumn(metadata) : column));
}

/**
 * The column `_partition` of a table: a struct of the partition fields of all its specs, in the order of their ids, so
 * that the rows of every file fit it, whatever spec the file was written by. A field has the name that the newest spec
 * gives it, and the type that it had before it was dropped (in format version 1 such a field stays, as void).
 */
function partitionColumn(metadata: TableMetadata): NestedField {
  const found = new Map<number, { readonly field: NestedField; readonly isVoid: boolean }>();
  const newestFirst = [...specsById(metadata).values()].sort((a, b) => b.spec.specId - a.spec.specId);
  for (const { spec, struct } of newestFirst) {
    for (const [i, { transform, fieldId }] of spec.fields.entries()) {
      // What its values are is not known.
      if (transform.transform === "unknown") continue;
      const isVoid = transform.transform === "void";
      const known = found.get(fieldId);
      const field = struct.fields[i] as NestedField;
      if (known === undefined) found.set(fieldId, { field, isVoid });
      else if (known.isVoid && !isVoid) {
        found.set(fieldId, { field: { ...known.field, type: field.type }, isVoid });
      }
    }
  }
  if (found.size === 0) return PARTITION;
  const fields = [...found.values()].map(({ field }) => field).sort((a, b) => a.id - b.id);
  return { ...PARTITION, type: { type: "struct", fields: uniquelyNamed(fields) } };
}

/** Specs of one table may give one name to two fields: the older, which has the smaller id, is then called with its id. */
function uniquelyNamed(fields: readonly NestedField[]): readonly NestedField[] {
  return fields.map((field, i) =>
    fields.some(({ name }, j) => j > i && name === field.name)
      ? { ...field, name: `${field.name}_${field.id}` }
      : field,
  );
}

/** The value of a field of `_partition` for a file of this spec, which may not have the field. */
export function partitionValue(
  { fields }: PartitionSpec,
  tuple: PartitionTuple,
  { id }: NestedField,
): PrimitiveValue | null {
  return tuple[fields.findIndex((field) => (field.fieldId as number) === id)] ?? null;
}
