import { schemaMismatch } from "../../../parquet/index.js";
import { requireSchema } from "../../model/schema/validate.js";
import { sameType, typeToString } from "../../model/types/type-text.js";
import type { IcebergType, NestedField, Schema } from "../../model/types/types.js";

/**
 * Refuses a table whose rows are not those of a declared schema: for columns that are on one side alone, types, and whether
 * they may be null. Ids, docs and defaults do not matter.
 *
 * @throws LakehouseError SCHEMA_MISMATCH with all differences.
 */
export function requireFit(name: string, table: Schema, declared: Schema): void {
  requireSchema(declared);
  const differences = compareFields(table.fields, declared.fields, "");
  if (differences.length === 0) return;
  throw schemaMismatch(
    name,
    `The table ${name} does not fit the schema: ${differences.join("; ")}.`,
    "Change the schema in the program, or the table's by UpdateSchema.",
  );
}

function compareFields(
  table: readonly NestedField[],
  declared: readonly NestedField[],
  prefix: string,
): string[] {
  const names = new Set([...declared, ...table].map(({ name }) => name));
  return [...names].flatMap((name) => {
    const full = `${prefix}${name}`;
    const mine = table.find((field) => field.name === name);
    const wanted = declared.find((field) => field.name === name);
    if (mine === undefined) return [`the table has no ${full}`];
    if (wanted === undefined) return [`the schema has no ${full}`];
    return [
      ...(mine.required === wanted.required ? [] : [nullability(full, mine.required)]),
      ...compareTypes(mine.type, wanted.type, full),
    ];
  });
}

function nullability(name: string, isRequired: boolean): string {
  return isRequired
    ? `${name} is required in the table, and optional in the schema`
    : `${name} is optional in the table, and required in the schema`;
}

function compareTypes(mine: IcebergType, wanted: IcebergType, name: string): string[] {
  if (mine.type === "struct" && wanted.type === "struct") {
    return compareFields(mine.fields, wanted.fields, `${name}.`);
  }
  if (mine.type === "list" && wanted.type === "list") {
    return [
      ...(mine.elementRequired === wanted.elementRequired
        ? []
        : [nullability(`${name}.element`, mine.elementRequired)]),
      ...compareTypes(mine.element, wanted.element, `${name}.element`),
    ];
  }
  if (mine.type === "map" && wanted.type === "map") {
    return [
      ...compareTypes(mine.key, wanted.key, `${name}.key`),
      ...(mine.valueRequired === wanted.valueRequired
        ? []
        : [nullability(`${name}.value`, mine.valueRequired)]),
      ...compareTypes(mine.value, wanted.value, `${name}.value`),
    ];
  }
  if (sameType(mine, wanted)) return [];
  return [`${name} is ${typeToString(mine)} in the table, and ${typeToString(wanted)} in the schema`];
}
