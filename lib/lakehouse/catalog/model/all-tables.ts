import type { TableIdentifier } from "../../iceberg/index.js";
import type { Catalog } from "../catalog.js";

/** Every table of every namespace. */
export async function allTables(catalog: Catalog): Promise<TableIdentifier[]> {
  const tables: TableIdentifier[] = [];
  const visit = async (parent?: readonly string[]): Promise<void> => {
    if (parent) tables.push(...(await catalog.listTables(parent)));
    for (const namespace of await catalog.listNamespaces(parent)) await visit(namespace);
  };
  await visit();
  return tables;
}
