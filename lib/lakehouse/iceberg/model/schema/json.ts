import type { JsonInput, JsonNode } from "../json.js";
import { isPrimitiveType, parsePrimitiveType, typeToString } from "../types/type-text.js";
import type { IcebergType, NestedField, Schema, StructType } from "../types/types.js";
import { fromJsonValue, toJsonValue } from "../values/json-value.js";

/** JSON of a type (spec, Appendix C, "Schemas"). */
export function typeToJson(type: IcebergType): JsonInput {
  if (isPrimitiveType(type)) return typeToString(type);
  switch (type.type) {
    case "struct":
      return { type: "struct", fields: type.fields.map(fieldToJson) };
    case "list":
      return {
        type: "list",
        "element-id": type.elementId,
        element: typeToJson(type.element),
        "element-required": type.elementRequired,
      };
    case "map":
      return {
        type: "map",
        "key-id": type.keyId,
        key: typeToJson(type.key),
        "value-id": type.valueId,
        value: typeToJson(type.value),
        "value-required": type.valueRequired,
      };
  }
}

function fieldToJson(field: NestedField): JsonInput {
  return {
    id: field.id,
    name: field.name,
    required: field.required,
    type: typeToJson(field.type),
    doc: field.doc,
    "initial-default": defaultToJson(field, field.initialDefault),
    "write-default": defaultToJson(field, field.writeDefault),
  };
}

function defaultToJson(field: NestedField, value: NestedField["initialDefault"]): JsonInput | undefined {
  return value === undefined || value === null ? undefined : toJsonValue(field.type, value);
}

/** JSON of a schema, with its id and identifier fields. */
export function schemaToJson(schema: Schema): { readonly [key: string]: JsonInput | undefined } {
  return {
    type: "struct",
    "schema-id": schema.schemaId,
    "identifier-field-ids": schema.identifierFieldIds.length > 0 ? schema.identifierFieldIds : undefined,
    fields: schema.fields.map(fieldToJson),
  };
}

/** Reads the JSON of a type. */
export function typeFromJson(node: JsonNode): IcebergType {
  if (typeof node.value === "string") {
    try {
      return parsePrimitiveType(node.value);
    } catch (cause) {
      return node.fail(`is no type (${(cause as Error).message})`, cause);
    }
  }
  const kind = node.get("type").string();
  switch (kind) {
    case "struct":
      return structFromJson(node);
    case "list":
      return {
        type: "list",
        elementId: node.get("element-id").int(),
        elementRequired: node.get("element-required").boolean(),
        element: typeFromJson(node.get("element")),
      };
    case "map":
      return {
        type: "map",
        keyId: node.get("key-id").int(),
        key: typeFromJson(node.get("key")),
        valueId: node.get("value-id").int(),
        valueRequired: node.get("value-required").boolean(),
        value: typeFromJson(node.get("value")),
      };
    default:
      return node.get("type").fail(`is no nested type: "${kind}"`);
  }
}

function structFromJson(node: JsonNode): StructType {
  return { type: "struct", fields: node.get("fields").array().map(fieldFromJson) };
}

function fieldFromJson(node: JsonNode): NestedField {
  const type = typeFromJson(node.get("type"));
  const doc = node.optional("doc");
  const initial = node.optional("initial-default");
  const write = node.optional("write-default");
  return {
    id: node.get("id").int(),
    name: node.get("name").string(),
    required: node.get("required").boolean(),
    type,
    doc: doc?.string(),
    initialDefault: initial && fromJsonValue(type, initial),
    writeDefault: write && fromJsonValue(type, write),
  };
}

/** Reads the JSON of a schema; v1 may leave out its id, which is then 0. */
export function schemaFromJson(node: JsonNode): Schema {
  const kind = node.optional("type");
  if (kind !== undefined && kind.string() !== "struct") kind.fail('should be "struct"');
  return {
    schemaId: node.optional("schema-id")?.int() ?? 0,
    fields: structFromJson(node).fields,
    identifierFieldIds:
      node
        .optional("identifier-field-ids")
        ?.array()
        .map((id) => id.int()) ?? [],
  };
}
