import { isPrimitiveType } from "../types/type-text.js";
import type { FieldId, IcebergType, NestedField, Schema } from "../types/types.js";
import { fieldName, locateByName } from "./lookup.js";

/**
 * Gives new ids to fields and all that is inside them. The fields of a struct get theirs before what is nested in
 * them does, which is the order of the reference implementation.
 */
export function assignFreshIds(fields: readonly NestedField[], nextId: () => FieldId): NestedField[] {
  const ids = fields.map(() => nextId());
  return fields.map((field, i) => ({ ...field, id: ids[i]!, type: freshType(field.type, nextId) }));
}

function freshType(type: IcebergType, nextId: () => FieldId): IcebergType {
  if (isPrimitiveType(type)) return type;
  switch (type.type) {
    case "struct":
      return { type: "struct", fields: assignFreshIds(type.fields, nextId) };
    case "list": {
      const elementId = nextId();
      return { ...type, elementId, element: freshType(type.element, nextId) };
    }
    case "map": {
      const keyId = nextId();
      const valueId = nextId();
      return {
        ...type,
        keyId,
        valueId,
        key: freshType(type.key, nextId),
        value: freshType(type.value, nextId),
      };
    }
  }
}

/** The schema with ids from 1 up and the given schema id, as a new table gets it. Identifier fields follow by name. */
export function freshSchema(schema: Schema, schemaId: number): Schema {
  let last = 0;
  const fields = assignFreshIds(schema.fields, () => {
    last += 1;
    return last;
  });
  const identifierFieldIds = schema.identifierFieldIds.map((id) => {
    const name = fieldName(schema, id) as string;
    return (locateByName({ fields }, name) as { field: NestedField }).field.id;
  });
  return { schemaId, fields, identifierFieldIds };
}
