import { invalidSchema } from "../../errors.js";

import { isNestedType } from "../types/type-text.js";
import type { FieldId, IcebergType, NestedField, Schema } from "../types/types.js";

/** A field and where it stands. */
export interface FieldLocation {
  readonly field: NestedField;
  /** Full name: `address.street`, `tags.element`, `props.value`. */
  readonly name: string;
  /** The struct, list or map field around it; `undefined` for a column. */
  readonly parentId: FieldId | undefined;
  /** Names from the root when only structs lie between; `undefined` inside a list or map. */
  readonly path: readonly string[] | undefined;
  /** True when the field and all around it are required, so that it is never null. */
  readonly requiredThroughout: boolean;
}

interface SchemaIndex {
  readonly byId: ReadonlyMap<FieldId, FieldLocation>;
  readonly byName: ReadonlyMap<string, FieldLocation>;
  /** Full names of more than one field: of a column `a.b`, and of the field `b` of a struct `a`. */
  readonly ambiguous: ReadonlySet<string>;
  /** `null` where two names differ by case only. */
  readonly byLowerName: ReadonlyMap<string, FieldLocation | null>;
}

const indexes = new WeakMap<object, SchemaIndex>();

function indexOf(schema: Pick<Schema, "fields">): SchemaIndex {
  const known = indexes.get(schema);
  if (known) return known;
  const byId = new Map<FieldId, FieldLocation>();
  const byName = new Map<string, FieldLocation>();
  const ambiguous = new Set<string>();
  const shortNames: [string, FieldLocation][] = [];

  const add = (
    field: NestedField,
    parent: FieldLocation | undefined,
    short: string,
    path: readonly string[] | undefined,
  ) => {
    const location: FieldLocation = {
      field,
      name: parent === undefined ? field.name : `${parent.name}.${field.name}`,
      parentId: parent?.field.id,
      path,
      requiredThroughout: field.required && (parent?.requiredThroughout ?? true),
    };
    byId.set(field.id, location);
    if (byName.has(location.name)) ambiguous.add(location.name);
    byName.set(location.name, location);
    if (short !== location.name) shortNames.push([short, location]);
    addChildren(field.type, location, short);
  };
  const addChildren = (type: IcebergType, at: FieldLocation | undefined, short: string) => {
    if (type.type === "struct") {
      for (const field of type.fields) {
        const path = at === undefined ? [field.name] : at.path && [...at.path, field.name];
        add(field, at, short === "" ? field.name : `${short}.${field.name}`, path);
      }
    } else if (type.type === "list") {
      add(elementField(type), at, type.element.type === "struct" ? short : `${short}.element`, undefined);
    } else if (type.type === "map") {
      add({ id: type.keyId, name: "key", required: true, type: type.key }, at, `${short}.key`, undefined);
      const value = { id: type.valueId, name: "value", required: type.valueRequired, type: type.value };
      add(value, at, type.value.type === "struct" ? short : `${short}.value`, undefined);
    }
  };
  addChildren({ type: "struct", fields: schema.fields }, undefined, "");
  // A field of a struct in a list or map also answers to its name without "element" or "value", as in the reference.
  for (const [short, location] of shortNames) if (!byName.has(short)) byName.set(short, location);

  const byLowerName = new Map<string, FieldLocation | null>();
  for (const [name, location] of byName) {
    const lower = name.toLowerCase();
    const other = byLowerName.get(lower);
    const only = other === undefined || other === location;
    byLowerName.set(lower, only && !ambiguous.has(name) ? location : null);
  }
  const index = { byId, byName, ambiguous, byLowerName };
  indexes.set(schema, index);
  return index;
}

function elementField(type: Extract<IcebergType, { type: "list" }>): NestedField {
  return { id: type.elementId, name: "element", required: type.elementRequired, type: type.element };
}

export interface NameLookup {
  /** Defaults to true. */
  readonly caseSensitive?: boolean;
}

/** Where the field with this id stands; `undefined` when the schema has none. */
export function locateById(schema: Pick<Schema, "fields">, id: FieldId): FieldLocation | undefined {
  return indexOf(schema).byId.get(id);
}

/**
 * Where the field with this full name stands (dots lead into structs, `element`, `key`, `value` into lists and maps).
 * Throws `INVALID_SCHEMA` when that finds two fields: of names that differ by case, which the lookup ignores, or of a
 * column with a dot in its name and a field inside a struct.
 */
export function locateByName(
  schema: Pick<Schema, "fields">,
  name: string,
  lookup?: NameLookup,
): FieldLocation | undefined {
  if (lookup?.caseSensitive ?? true) {
    const { byName, ambiguous } = indexOf(schema);
    if (!ambiguous.has(name)) return byName.get(name);
    throw invalidSchema(
      name,
      `More than one field is called "${name}": a column has a dot in its name, which leads into a struct as well.`,
      "Rename the column.",
    );
  }
  const found = indexOf(schema).byLowerName.get(name.toLowerCase());
  if (found === null) {
    throw invalidSchema(
      name,
      `More than one field is called "${name}" when case is ignored.`,
      "Look it up with its exact name and case sensitivity.",
    );
  }
  return found;
}

/** What to say to somebody who named a column that is not there. */
export function columnsRemedy(schema: Pick<Schema, "fields">): string {
  return `The columns are ${schema.fields.map(({ name }) => name).join(", ")}.`;
}

/** True for a full name that more than one field has. */
export function isAmbiguous(schema: Pick<Schema, "fields">, name: string): boolean {
  return indexOf(schema).ambiguous.has(name);
}

export function fieldById(schema: Pick<Schema, "fields">, id: FieldId): NestedField | undefined {
  return locateById(schema, id)?.field;
}

export function fieldByName(
  schema: Pick<Schema, "fields">,
  name: string,
  lookup?: NameLookup,
): NestedField | undefined {
  return locateByName(schema, name, lookup)?.field;
}

/** The full name of the field with this id. */
export function fieldName(schema: Pick<Schema, "fields">, id: FieldId): string | undefined {
  return locateById(schema, id)?.name;
}

/** Every field of the schema at every depth, parents before children. */
export function allFields(schema: Pick<Schema, "fields">): Iterable<FieldLocation> {
  return indexOf(schema).byId.values();
}

/** The highest field id of the schema; 0 for an empty one. */
export function highestFieldId(schema: Pick<Schema, "fields">): FieldId {
  let highest = 0;
  for (const id of indexOf(schema).byId.keys()) if (id > highest) highest = id;
  return highest;
}

export type ReadMember = (row: Readonly<Record<string, unknown>>) => unknown;

/** Reads a member of a row. What every object inherits, a method called `constructor` say, is no value of a column. */
export function memberReader(name: string): ReadMember {
  if (!(name in Object.prototype)) return (row) => row[name];
  return (row) => (Object.hasOwn(row, name) ? row[name] : undefined);
}

/** Reads a field's value from a row of plain objects; null where it or a struct around it is. Only through structs. */
export function accessor(path: readonly string[]): ReadMember {
  const readers = path.map(memberReader);
  const [only] = readers;
  if (only !== undefined && readers.length === 1) return (row) => only(row) ?? null;
  return (row) => {
    let value: unknown = row;
    for (const read of readers) {
      if (value === null || value === undefined) return null;
      value = read(value as Record<string, unknown>);
    }
    return value ?? null;
  };
}

/**
 * The schema cut to the named columns and fields, in the schema's order: a struct around a field stays with only the
 * fields asked for, a name of a struct takes it whole, a name inside a list or map keeps its shape.
 * Throws `INVALID_SCHEMA` for a name that is not there.
 */
export function selectFields(schema: Schema, names: readonly string[], lookup?: NameLookup): Schema {
  if (names.includes("*")) return schema;
  const wanted = new Set<FieldId>();
  const around = new Set<FieldId>();
  for (const name of names) {
    const location = locateByName(schema, name, lookup);
    if (location === undefined) {
      throw invalidSchema(name, `There is no column "${name}".`, columnsRemedy(schema));
    }
    wanted.add(location.field.id);
    for (let id = location.parentId; id !== undefined; id = locateById(schema, id)?.parentId) around.add(id);
  }
  const cut = (fields: readonly NestedField[]): NestedField[] =>
    fields
      .filter((field) => wanted.has(field.id) || around.has(field.id))
      .map((field) => (wanted.has(field.id) ? field : { ...field, type: cutType(field.type) }));
  const cutPart = (id: FieldId, type: IcebergType): IcebergType =>
    wanted.has(id) || !isNestedType(type) || !around.has(id) ? type : cutType(type);
  const cutType = (type: IcebergType): IcebergType => {
    if (type.type === "struct") return { type: "struct", fields: cut(type.fields) };
    if (type.type === "list") return { ...type, element: cutPart(type.elementId, type.element) };
    // A map's keys are read whole: they identify its entries.
    if (type.type === "map") return { ...type, value: cutPart(type.valueId, type.value) };
    return type;
  };
  const fields = cut(schema.fields);
  const kept = new Set<FieldId>();
  for (const location of allFields({ fields })) kept.add(location.field.id);
  return { ...schema, fields, identifierFieldIds: schema.identifierFieldIds.filter((id) => kept.has(id)) };
}
