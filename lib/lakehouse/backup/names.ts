import { namespaceOf, type TableName } from "../catalog/index.js";
import { invalidArgument } from "../errors.js";
import type { TableIdentifier } from "../iceberg/index.js";
import { keyOf } from "../keys.js";

/** @throws LakehouseError INVALID_ARGUMENT for what names no table. */
export function identifierOf(table: TableName): TableIdentifier {
  const namespace = namespaceOf(table);
  return typeof table === "string" ? { namespace, name: table.split(".").at(-1) as string } : table;
}

/** @throws LakehouseError INVALID_ARGUMENT for what is no list of names, or an empty one. */
export function identifiersOf(
  tables: readonly TableName[] | undefined,
): readonly TableIdentifier[] | undefined {
  if (tables === undefined) return undefined;
  if (Array.isArray(tables) && tables.length > 0) return (tables as readonly TableName[]).map(identifierOf);
  throw invalidArgument(
    "tables",
    "The tables are no list of names.",
    'Write ["flights.demo"], or leave it out.',
  );
}

/** For a person: two tables may have the same, since a name may have a dot in it. */
export function nameOf({ namespace, name }: TableIdentifier): string {
  return [...namespace, name].join(".");
}

/** What tells tables apart. */
export function tableKeyOf({ namespace, name }: TableIdentifier): string {
  return keyOf([...namespace, name]);
}
