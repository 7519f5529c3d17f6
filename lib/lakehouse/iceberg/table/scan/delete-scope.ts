import type { DeleteScope } from "../../files/deletes/delete-rules.js";
import { specOf, specsById } from "../../files/manifest/specs.js";
import type { TableMetadata } from "../../model/metadata/types.js";
import { locateById } from "../../model/schema/lookup.js";
import { canPromote } from "../../model/types/promotion.js";
import { sameType } from "../../model/types/type-text.js";
import type { FieldId, IcebergType, NestedField, Schema } from "../../model/types/types.js";

/**
 * What the delete rules ask of a table: its specs, and the types of its columns, dropped ones too.
 *
 * @param reader the schema that rows are read with; default: the current one.
 */
export function deleteScope(metadata: TableMetadata, reader?: Pick<Schema, "fields">): DeleteScope {
  const specs = specsById(metadata);
  const types = new Map<FieldId, IcebergType | undefined>();
  return {
    spec: (id) => specOf(specs, id, metadata.location).spec,
    fieldType: (id) => {
      if (!types.has(id)) types.set(id, everyField(metadata, id, reader)?.at(-1)?.type);
      return types.get(id);
    },
  };
}

/**
 * A field of any schema of a table, with the structs around it, outermost first: dropped fields are still the columns of
 * older deletes (spec, "Equality Delete Files"). It is the reader's field where the reader has it, else the current one,
 * else the newest; of the types that this was promoted from and to it has the widest, which holds every value that was
 * ever written for it, and the default of that type. `undefined` when no schema has it.
 *
 * @param reader the schema that rows are read with. When a table was replaced, a field may have been of another kind.
 */
export function everyField(
  { schemas, currentSchemaId }: Pick<TableMetadata, "schemas" | "currentSchemaId">,
  id: FieldId,
  reader?: Pick<Schema, "fields">,
): readonly NestedField[] | undefined {
  const current = schemas.filter((schema) => schema.schemaId === currentSchemaId);
  let widest: readonly NestedField[] | undefined;
  for (const schema of [...(reader === undefined ? [] : [reader]), ...current, ...schemas.toReversed()]) {
    const path = pathTo(schema, id);
    const found = path.at(-1);
    const known = widest?.at(-1);
    if (found === undefined) continue;
    if (known === undefined || (!sameType(known.type, found.type) && canPromote(known.type, found.type))) {
      widest = path;
    }
  }
  return widest;
}

function pathTo(schema: Pick<Schema, "fields">, id: FieldId): readonly NestedField[] {
  const path: NestedField[] = [];
  for (let at = locateById(schema, id); at !== undefined; ) {
    path.unshift(at.field);
    at = at.parentId === undefined ? undefined : locateById(schema, at.parentId);
  }
  return path;
}
