import type { DeleteScope } from "../deletes/delete-rules.js";
import { specOf, specsById } from "../manifest/specs.js";
import { schemaById } from "../metadata/lookup.js";
import type { TableMetadata } from "../metadata/types.js";
import { fieldById } from "../schema/lookup.js";

/** What the delete rules ask of a table: its specs, and the types of its columns, dropped ones too. */
export function deleteScope(metadata: TableMetadata): DeleteScope {
  const specs = specsById(metadata);
  const current = schemaById(metadata, metadata.currentSchemaId);
  const schemas = [...(current === undefined ? [] : [current]), ...metadata.schemas.toReversed()];
  return {
    spec: (id) => specOf(specs, id, metadata.location).spec,
    fieldType: (id) => {
      for (const schema of schemas) {
        const field = fieldById(schema, id);
        if (field !== undefined) return field.type;
      }
      return undefined;
    },
  };
}
