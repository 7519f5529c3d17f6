import { locateById, locateByName } from "../../model/schema/lookup.js";
import { canPromote } from "../../model/types/promotion.js";
import { isPrimitiveType, typeToString } from "../../model/types/type-text.js";
import type { FieldId, IcebergType, NestedField, Schema } from "../../model/types/types.js";
import { promote } from "./promote.js";
import { editField, editFields, refuse, type SchemaEdit, withFreshIds } from "./schema-edit.js";

/** Takes over by name what `other` has more than the schema that is edited. */
export function unionByName(edit: SchemaEdit, other: Pick<Schema, "fields">): void {
  unionFields(edit, undefined, "", other.fields);
}

function unionFields(
  edit: SchemaEdit,
  parent: FieldId | undefined,
  prefix: string,
  fields: readonly NestedField[],
): void {
  for (const field of fields) {
    const name = `${prefix}${field.name}`;
    const mine = locateByName(edit.schema, name, edit.lookup);
    if (mine === undefined) {
      // Rows that are there have no value for it.
      editFields(edit, parent, (existing) => [
        ...existing,
        withFreshIds(edit, { ...field, required: false }),
      ]);
    } else unionField(edit, mine.field.id, name, field);
  }
}

function unionField(edit: SchemaEdit, id: FieldId, name: string, other: NestedField): void {
  const mine = locateById(edit.schema, id)!.field;
  if (mine.required && !other.required) editField(edit, id, (field) => ({ ...field, required: false }));
  if (other.doc !== undefined) {
    const { doc } = other;
    editField(edit, id, (field) => ({ ...field, doc }));
  }
  unionType(edit, id, name, mine.type, other.type);
}

function unionType(edit: SchemaEdit, id: FieldId, name: string, mine: IcebergType, other: IcebergType): void {
  if (mine.type === "struct" && other.type === "struct") {
    unionFields(edit, id, `${name}.`, other.fields);
  } else if (mine.type === "list" && other.type === "list") {
    const element = {
      id: other.elementId,
      name: "element",
      required: other.elementRequired,
      type: other.element,
    };
    unionField(edit, mine.elementId, `${name}.element`, element);
  } else if (mine.type === "map" && other.type === "map") {
    unionType(edit, mine.keyId, `${name}.key`, mine.key, other.key);
    const value = { id: other.valueId, name: "value", required: other.valueRequired, type: other.value };
    unionField(edit, mine.valueId, `${name}.value`, value);
  } else if (isPrimitiveType(mine) && isPrimitiveType(other)) {
    // The other may be the narrower one: then mine holds its values already.
    if (canPromote(other, mine, edit.formatVersion)) return;
    editField(edit, id, (field) => promote(edit, field, name, other));
  } else {
    refuse(
      name,
      `"${name}" is ${typeToString(mine)} here and ${typeToString(other)} there, which no type holds both of.`,
    );
  }
}
