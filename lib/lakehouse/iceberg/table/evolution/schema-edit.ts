import { invalidSchema } from "../../errors.js";

import { assignFreshIds } from "../../model/schema/fresh-ids.js";
import { type FieldLocation, locateByName, type NameLookup } from "../../model/schema/lookup.js";
import { isPrimitiveType } from "../../model/types/type-text.js";
import type { FieldId, IcebergType, NestedField, Schema, StructType } from "../../model/types/types.js";

/** A schema while it is being changed. Each step sees what the steps before it made. */
export interface SchemaEdit {
  readonly formatVersion: number;
  readonly lookup: NameLookup;
  readonly allowIncompatible: boolean;
  schema: Schema;
  lastColumnId: FieldId;
}

export function refuse(subject: string, message: string, remedy?: string): never {
  throw invalidSchema(subject, message, remedy);
}

/** Where a column stands. Throws `INVALID_SCHEMA` when there is none of that name. */
export function requireColumn(edit: SchemaEdit, name: string): FieldLocation {
  const location = locateByName(edit.schema, name, edit.lookup);
  if (location !== undefined) return location;
  const names = edit.schema.fields.map((field) => field.name).join(", ");
  return refuse(name, `There is no column "${name}".`, `The columns are ${names}.`);
}

/** Applies a change to the fields of one struct: the root's when `parent` is undefined, else those of the struct at that field. */
export function editFields(
  edit: SchemaEdit,
  parent: FieldId | undefined,
  change: (fields: readonly NestedField[]) => readonly NestedField[],
): void {
  const fields =
    parent === undefined
      ? change(edit.schema.fields)
      : mapFields(edit.schema.fields, parent, (field) => ({
          ...field,
          type: { type: "struct", fields: change((field.type as StructType).fields) },
        }));
  edit.schema = { ...edit.schema, fields };
}

/** Replaces one field wherever it stands; elements, keys and values of lists and maps are fields too. */
export function editField(edit: SchemaEdit, id: FieldId, change: (field: NestedField) => NestedField): void {
  edit.schema = { ...edit.schema, fields: mapFields(edit.schema.fields, id, change) };
}

function mapFields(
  fields: readonly NestedField[],
  id: FieldId,
  change: (field: NestedField) => NestedField,
): NestedField[] {
  return fields.map((field) =>
    field.id === id ? change(field) : withType(field, mapType(field.type, id, change)),
  );
}

function withType(field: NestedField, type: IcebergType): NestedField {
  return type === field.type ? field : { ...field, type };
}

function mapType(type: IcebergType, id: FieldId, change: (field: NestedField) => NestedField): IcebergType {
  if (isPrimitiveType(type)) return type;
  switch (type.type) {
    case "struct": {
      const fields = mapFields(type.fields, id, change);
      return fields.some((field, i) => field !== type.fields[i]) ? { type: "struct", fields } : type;
    }
    case "list": {
      const element = part(type.elementId, "element", type.elementRequired, type.element, id, change);
      return element === undefined
        ? type
        : { ...type, element: element.type, elementRequired: element.required };
    }
    case "map": {
      const key = part(type.keyId, "key", true, type.key, id, change);
      if (key !== undefined) return { ...type, key: key.type };
      const value = part(type.valueId, "value", type.valueRequired, type.value, id, change);
      return value === undefined ? type : { ...type, value: value.type, valueRequired: value.required };
    }
  }
}

/** The changed element, key or value; `undefined` when nothing in it changed. */
function part(
  partId: FieldId,
  name: string,
  required: boolean,
  type: IcebergType,
  id: FieldId,
  change: (field: NestedField) => NestedField,
): NestedField | undefined {
  const field: NestedField = { id: partId, name, required, type };
  if (partId === id) return change(field);
  const inner = mapType(type, id, change);
  return inner === type ? undefined : { ...field, type: inner };
}

/** The field with ids that the table has never used, also inside it. */
export function withFreshIds(edit: SchemaEdit, field: NestedField): NestedField {
  const [fresh] = assignFreshIds([field], () => {
    edit.lastColumnId += 1;
    return edit.lastColumnId;
  });
  return fresh as NestedField;
}

/** Id of the struct that fields are added to at a location: through a list to its elements, through a map to its values. */
export function structAt(location: FieldLocation): FieldId {
  const { type } = location.field;
  if (type.type === "struct") return location.field.id;
  if (type.type === "list" && type.element.type === "struct") return type.elementId;
  if (type.type === "map" && type.value.type === "struct") return type.valueId;
  return refuse(location.name, `"${location.name}" is no struct, so it has no fields to add to.`);
}
