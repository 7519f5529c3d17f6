import { namespaceOf, type TableName } from "../catalog/index.js";
import { invalidArgument } from "../errors.js";

/**
 * A table's name as text.
 *
 * @throws LakehouseError INVALID_ARGUMENT for what names no table.
 */
export function nameOf(table: TableName): string {
  const namespace = namespaceOf(table);
  return typeof table === "string" ? table : [...namespace, table.name].join(".");
}

/** @throws LakehouseError INVALID_ARGUMENT for what is no list of names, or an empty one. */
export function namesOf(tables: readonly TableName[] | undefined): readonly string[] | undefined {
  if (tables === undefined) return undefined;
  if (Array.isArray(tables) && tables.length > 0) return (tables as readonly TableName[]).map(nameOf);
  throw invalidArgument(
    "tables",
    "The tables are no list of names.",
    'Write ["flights.demo"], or leave it out.',
  );
}
