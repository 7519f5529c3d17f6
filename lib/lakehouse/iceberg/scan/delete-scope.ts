import type { DeleteScope } from "../deletes/delete-rules.js";
import { specOf, specsById } from "../manifest/specs.js";
import type { TableMetadata } from "../metadata/types.js";
import { locateById } from "../schema/lookup.js";
import { canPromote } from "../schema/promotion.js";
import type { FieldId, IcebergType, NestedField } from "../schema/types.js";

/** What the delete rules ask of a table: its specs, and the types of its columns, dropped ones too. */
export function deleteScope(metadata: TableMetadata): DeleteScope {
  const specs = specsById(metadata);
  const types = new Map<FieldId, IcebergType | undefined>();
  return {
    spec: (id) => specOf(specs, id, metadata.location).spec,
    fieldType: (id) => {
      if (!types.has(id)) types.set(id, everyField(metadata, id)?.at(-1)?.type);
      return types.get(id);
    },
  };
}

/**
 * A field of any schema of a table, with the structs around it, outermost first: dropped fields are still the columns of
 * older deletes (spec, "Equality Delete Files"). Of the types that it has had it has the widest, which holds every value
 * that was ever written for it, and the default of that type. `undefined` when no schema has it.
 */
export function everyField(
  { schemas }: Pick<TableMetadata, "schemas">,
  id: FieldId,
): readonly NestedField[] | undefined {
  let widest: NestedField[] | undefined;
  for (const schema of schemas) {
    const path: NestedField[] = [];
    for (let at = locateById(schema, id); at !== undefined; ) {
      path.unshift(at.field);
      at = at.parentId === undefined ? undefined : locateById(schema, at.parentId);
    }
    const field = path.at(-1);
    if (field === undefined) continue;
    const before = widest?.at(-1);
    if (before === undefined || canPromote(before.type, field.type)) widest = path;
  }
  return widest;
}
