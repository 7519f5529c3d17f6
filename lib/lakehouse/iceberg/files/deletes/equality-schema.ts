import { invalidArgument, invalidMetadata, type LakehouseError } from "../../../errors.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import { fieldName, locateById } from "../../model/schema/lookup.js";
import type { FieldId, IcebergType, NestedField, PrimitiveType, Schema } from "../../model/types/types.js";

/**
 * The schema of an equality delete file: the delete columns alone, with the structs around them, under the table's
 * own field ids. What is optional stays optional: null is a value to delete by.
 *
 * @throws INVALID_ARGUMENT for no columns, and for a column that may not be one (spec, "Equality Delete Files"): it
 *   must be primitive, neither float nor double, and not within a list or map
 */
export function equalityDeleteSchema(schema: Schema, equalityIds: readonly FieldId[]): Schema {
  if (equalityIds.length === 0) throw invalid(schema, "an equality delete needs at least one column");
  for (const id of equalityIds) {
    const location = locateById(schema, id);
    if (location === undefined) throw invalid(schema, `it has no field with id ${id}`);
    const problem = columnProblem(location.field.type);
    if (problem !== undefined) throw invalid(schema, `column ${location.name} is ${problem}`);
    if (location.path === undefined)
      throw invalid(schema, `column ${fieldName(schema, id)} is within a list or map`);
  }
  return { ...schema, fields: keep(schema.fields, new Set(equalityIds)), identifierFieldIds: [] };
}

function keep(fields: readonly NestedField[], ids: ReadonlySet<FieldId>): NestedField[] {
  return fields.flatMap((field): NestedField[] => {
    if (ids.has(field.id)) return [field];
    if (field.type.type !== "struct") return [];
    const inside = keep(field.type.fields, ids);
    return inside.length === 0 ? [] : [{ ...field, type: { type: "struct", fields: inside } }];
  });
}

/**
 * The delete columns that a manifest entry names, with their types.
 *
 * @throws INVALID_METADATA when it names none, an unknown field, or one that is not primitive
 */
export function equalityColumns(
  { filePath, equalityIds = [] }: Pick<DataFile, "filePath" | "equalityIds">,
  fieldType: (id: FieldId) => IcebergType | undefined,
): { readonly id: FieldId; readonly type: PrimitiveType }[] {
  if (equalityIds.length === 0) throw equalityError(filePath, "names no delete columns");
  return equalityIds.map((id) => ({ id, type: equalityColumn(filePath, id, fieldType(id)) }));
}

/**
 * The type of a delete column that a manifest entry names. Floats are read where others wrote them, though the
 * spec forbids it.
 *
 * @throws INVALID_METADATA for an unknown field, or one that is not primitive
 */
function equalityColumn(filePath: string, id: FieldId, type: IcebergType | undefined): PrimitiveType {
  if (type === undefined)
    throw equalityError(filePath, `names field ${id}, which no schema of the table has`);
  if (type.type === "struct" || type.type === "list" || type.type === "map") {
    throw equalityError(filePath, `names field ${id}, which is a ${type.type}`);
  }
  return type;
}

function equalityError(filePath: string, problem: string): LakehouseError {
  return invalidMetadata(filePath, `The manifest entry of the equality delete file ${filePath} ${problem}.`);
}

const UNEQUATABLE = new Set([
  "struct",
  "list",
  "map",
  "float",
  "double",
  "variant",
  "geometry",
  "geography",
  "unknown",
]);

function columnProblem(type: IcebergType): string | undefined {
  return UNEQUATABLE.has(type.type)
    ? `of type ${type.type}, which cannot be compared for equality`
    : undefined;
}

function invalid(schema: Schema, problem: string): LakehouseError {
  return invalidArgument(
    `schema ${schema.schemaId}`,
    `Schema ${schema.schemaId} does not allow this equality delete: ${problem}.`,
  );
}
