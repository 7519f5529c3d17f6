import { invalidMetadata } from "../../../errors.js";
import { type JsonInput, type JsonNode, readJson, stringifyJson } from "../json.js";
import { isPrimitiveType } from "../types/type-text.js";
import type { FieldId, IcebergType, NestedField, Schema } from "../types/types.js";

/** The table property that holds the mapping as JSON. */
export const DEFAULT_NAME_MAPPING = "schema.name-mapping.default";

/** Names that files may have a field under (spec, "Column Projection"). Dots in names are literal. */
export interface MappedField {
  readonly names: readonly string[];
  /** Absent for a field of the files that the schema does not have. */
  readonly fieldId?: FieldId | undefined;
  readonly fields?: readonly MappedField[] | undefined;
}

/** Field ids by name, for data files that were written without ids. */
export type NameMapping = readonly MappedField[];

/** The mapping of a schema: each field under its own name. */
export function createNameMapping(schema: Pick<Schema, "fields">): NameMapping {
  return schema.fields.map(mapField);
}

function mapField(field: Pick<NestedField, "id" | "name" | "type">): MappedField {
  const fields = partsOf(field.type).map(mapField);
  return { fieldId: field.id, names: [field.name], fields: fields.length > 0 ? fields : undefined };
}

function partsOf(type: IcebergType): readonly Pick<NestedField, "id" | "name" | "type">[] {
  if (isPrimitiveType(type)) return [];
  switch (type.type) {
    case "struct":
      return type.fields;
    case "list":
      return [{ id: type.elementId, name: "element", type: type.element }];
    case "map":
      return [
        { id: type.keyId, name: "key", type: type.key },
        { id: type.valueId, name: "value", type: type.value },
      ];
  }
}

/**
 * The mapping after the schema has become `schema`: a renamed field answers to its new name as well, behind those that it had, and a
 * new field to its own. A name stays with the field that had it first, even where that was dropped and another has the name now:
 * files that are there have its values, which would else come back in the other column. Java gives the name to the other one.
 */
export function updateNameMapping(mapping: NameMapping, schema: Pick<Schema, "fields">): NameMapping {
  return updateFields(mapping, schema.fields);
}

function updateFields(
  mapping: readonly MappedField[],
  fields: readonly Pick<NestedField, "id" | "name" | "type">[],
): MappedField[] {
  const owners = new Map(mapping.flatMap((mapped) => mapped.names.map((name) => [name, mapped] as const)));
  const byId = new Map(fields.map((field) => [field.id, field]));
  const known = new Set<FieldId>();
  const updated = mapping.map((mapped): MappedField => {
    const field = mapped.fieldId === undefined ? undefined : byId.get(mapped.fieldId);
    if (field === undefined) return mapped;
    known.add(field.id);
    const names = owners.has(field.name) ? mapped.names : [...mapped.names, field.name];
    const parts = updateFields(mapped.fields ?? [], partsOf(field.type));
    return { fieldId: field.id, names, fields: parts.length > 0 ? parts : undefined };
  });
  return [...updated, ...fields.filter(({ id, name }) => !known.has(id) && !owners.has(name)).map(mapField)];
}

function mappedToJson(field: MappedField): JsonInput {
  return { "field-id": field.fieldId, names: field.names, fields: field.fields?.map(mappedToJson) };
}

/** JSON text of a mapping (spec, Appendix C, "Name Mapping Serialization"). */
export function nameMappingToJson(mapping: NameMapping): string {
  return stringifyJson(mapping.map(mappedToJson));
}

/** Reads a mapping. Throws `INVALID_METADATA` with the path of what is wrong. */
export function nameMappingFromJson(text: string): NameMapping {
  return readJson(text, { subject: DEFAULT_NAME_MAPPING, kind: invalidMetadata }).array().map(mappedFromJson);
}

function mappedFromJson(node: JsonNode): MappedField {
  const fieldId = node.optional("field-id")?.int();
  const fields = node.optional("fields")?.array().map(mappedFromJson);
  return {
    names: node
      .get("names")
      .array()
      .map((name) => name.string()),
    fieldId,
    fields,
  };
}

/** The mapping of the field under a path of names; `undefined` when the mapping does not know it. */
export function findMapped(mapping: NameMapping, path: readonly string[]): MappedField | undefined {
  const [name, ...rest] = path;
  const found = mapping.find((field) => field.names.includes(name as string));
  return rest.length === 0 ? found : findMapped(found?.fields ?? [], rest);
}
