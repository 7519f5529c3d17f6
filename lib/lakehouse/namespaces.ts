import { type Catalog, namespaceExists, namespaceOf, type TableName } from "./catalog/index.js";
import { invalidArgument } from "./errors.js";

/** Makes the namespace of a table or view, and those that it lies in, where they are missing. */
export async function ensureNamespace(catalog: Catalog, name: TableName): Promise<void> {
  const levels = namespaceOf(name);
  if (levels.length === 0) {
    throw invalidArgument(
      String(name),
      `The table ${String(name)} has no namespace.`,
      `Name it as in flights.${String(name)}.`,
    );
  }
  await ensureNamespaces(catalog, levels);
}

export async function ensureNamespaces(catalog: Catalog, levels: readonly string[]): Promise<void> {
  for (let depth = 1; depth <= levels.length; depth++) {
    try {
      await catalog.createNamespace(levels.slice(0, depth));
    } catch (error) {
      if (!namespaceExists.is(error)) throw error;
    }
  }
}
