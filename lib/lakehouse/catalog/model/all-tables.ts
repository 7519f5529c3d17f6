import { unsupported } from "../../errors.js";
import type { TableIdentifier } from "../../iceberg/index.js";
import type { Catalog } from "./catalog.js";

/** Every namespace, each before those in it. */
export async function allNamespaces(catalog: Catalog): Promise<(readonly string[])[]> {
  const namespaces: (readonly string[])[] = [];
  const visit = async (parent?: readonly string[]): Promise<void> => {
    for (const namespace of await catalog.listNamespaces(parent)) {
      namespaces.push(namespace);
      await visit(namespace);
    }
  };
  await visit();
  return namespaces;
}

/** Every table of every namespace. */
export async function allTables(catalog: Catalog): Promise<TableIdentifier[]> {
  const tables: TableIdentifier[] = [];
  for (const namespace of await allNamespaces(catalog)) tables.push(...(await catalog.listTables(namespace)));
  return tables;
}

/** Every view of every namespace; none where the catalog has no views. */
export async function allViews(catalog: Catalog): Promise<TableIdentifier[]> {
  const views: TableIdentifier[] = [];
  try {
    for (const namespace of await allNamespaces(catalog)) views.push(...(await catalog.listViews(namespace)));
  } catch (error) {
    if (!unsupported.is(error)) throw error;
  }
  return views;
}
