import { invalidArgument } from "../../../errors.js";
import { invalidSchema } from "../../errors.js";
import {
  isFloat,
  isNestedType,
  isOpaque,
  isPrimitiveType,
  minFormatVersion,
  typeToString,
} from "../types/type-text.js";
import type { FieldId, IcebergType, NestedField, Schema } from "../types/types.js";
import { describeValue } from "../values/canonical.js";
import { locateById } from "./lookup.js";

/** Ids above this are reserved for metadata columns (spec, "Reserved Field IDs"). */
export const MAX_FIELD_ID = 2147483447;

function invalid(subject: string, message: string, remedy?: string): never {
  throw invalidSchema(subject, message, remedy ? remedy : undefined);
}

/** Refuses what is no schema, which types alone do not in plain JavaScript. */
export function requireSchema(schema: unknown): void {
  const { fields, identifierFieldIds } = (schema ?? {}) as Partial<Schema>;
  if (Array.isArray(fields) && Array.isArray(identifierFieldIds)) return;
  throw invalidArgument(
    "schema",
    `A schema was expected, not ${describeValue(schema)}.`,
    "Make one with defineSchema({ … }).",
  );
}

/**
 * Checks what the spec asks of every schema: ids unique and below the reserved range, names unique within a struct,
 * `unknown` optional, defaults allowed for the type, identifier fields required primitives outside of lists and maps.
 * With a format version, also that the version has each type and default. Throws `INVALID_SCHEMA`.
 *
 * @param read true for a schema that is read and was made by others: reserved ids are let pass.
 */
export function validateSchema(schema: Schema, formatVersion?: number, read = false): void {
  requireSchema(schema);
  const ids = new Map<FieldId, string>();
  const claim = (id: FieldId, name: string) => {
    if (!Number.isInteger(id) || id < 0) invalid(name, `Field "${name}" has the invalid id ${id}.`);
    if (id > MAX_FIELD_ID && !read) {
      invalid(name, `Field "${name}" has the id ${id}: the Iceberg spec reserves ids above ${MAX_FIELD_ID}.`);
    }
    const other = ids.get(id);
    if (other !== undefined) invalid(name, `Fields "${other}" and "${name}" both have the id ${id}.`);
    ids.set(id, name);
  };
  const visitType = (type: IcebergType, name: string) => {
    if (formatVersion !== undefined && minFormatVersion(type) > formatVersion) {
      invalid(
        name,
        `Field "${name}" has the type ${typeToString(type)}, which format version ${formatVersion} does not have.`,
        `Upgrade the table to format version ${minFormatVersion(type)}.`,
      );
    }
    if (type.type === "struct") visitStruct(type.fields, `${name}.`);
    else if (type.type === "list") {
      claim(type.elementId, `${name}.element`);
      visitType(type.element, `${name}.element`);
    } else if (type.type === "map") {
      claim(type.keyId, `${name}.key`);
      claim(type.valueId, `${name}.value`);
      visitType(type.key, `${name}.key`);
      visitType(type.value, `${name}.value`);
    }
  };
  const visitStruct = (fields: readonly NestedField[], prefix: string) => {
    const names = new Set<string>();
    for (const field of fields) {
      const name = `${prefix}${field.name}`;
      if (names.has(field.name)) invalid(name, `There are two fields "${name}".`, "Rename one of them.");
      names.add(field.name);
      claim(field.id, name);
      checkDefaults(field, name, formatVersion);
      visitType(field.type, name);
    }
  };
  visitStruct(schema.fields, "");
  for (const id of schema.identifierFieldIds) checkIdentifier(schema, id);
}

function checkDefaults(field: NestedField, name: string, formatVersion: number | undefined): void {
  const initial = field.initialDefault ?? null;
  const write = field.writeDefault ?? null;
  if (field.type.type === "unknown" && field.required) {
    invalid(name, `Field "${name}" has the type unknown and so must be optional.`);
  }
  if (isPrimitiveType(field.type) && isOpaque(field.type) && (initial !== null || write !== null)) {
    invalid(name, `Field "${name}" of type ${field.type.type} cannot have a default other than null.`);
  }
  if ([initial, write].some((value) => typeof value === "number" && !Number.isFinite(value))) {
    invalid(name, `The default of "${name}" is no finite number: metadata is JSON, which has no other.`);
  }
  if (initial !== null && formatVersion !== undefined && formatVersion < 3) {
    invalid(
      name,
      `Field "${name}" has an initial default, which format version ${formatVersion} does not have.`,
      "Upgrade the table to format version 3.",
    );
  }
}

function checkIdentifier(schema: Schema, id: FieldId): void {
  const location = locateById(schema, id);
  if (location === undefined) invalid(String(id), `Identifier field ${id} is not in the schema.`);
  const { field, name, path, requiredThroughout } = location;
  const why =
    path === undefined
      ? "it is inside a list or map"
      : isNestedType(field.type)
        ? "it is not a primitive"
        : isFloat(field.type)
          ? "its type is a floating-point type"
          : requiredThroughout
            ? undefined
            : "it, or a struct around it, is optional";
  if (why) invalid(name, `Field "${name}" cannot identify rows: ${why}.`, "Use required primitive fields.");
}
