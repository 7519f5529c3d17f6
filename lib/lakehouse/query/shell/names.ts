import { allTables, branchingOf, type Catalog, isBranchingCatalog } from "../../catalog/index.js";
import type { Table } from "../../iceberg/index.js";

/** Names in a catalog, seen from a ref. */
export interface Names {
  tables(): Promise<readonly string[]>;
  /** The columns of a table, by its whole name; none where there is no such table. */
  columns(table: string): Promise<readonly string[]>;
  /** Branches and tags. */
  refs(): Promise<readonly string[]>;
}

/** The catalog as a command or a session sees it: on its own branch where no ref is given. */
export function onRef(catalog: Catalog, ref: string | undefined): Catalog {
  return ref === undefined ? catalog : branchingOf(catalog).on(ref);
}

/** Asks for each name once. A session makes anew what a statement may have changed. */
export function namesOf(catalog: Catalog): Names {
  let tables: Promise<readonly string[]> | undefined;
  let refs: Promise<readonly string[]> | undefined;
  const columns = new Map<string, Promise<readonly string[]>>();
  const columnsOf = async (table: string): Promise<readonly string[]> => {
    const loaded: Table = await catalog.loadTable(table);
    return loaded.schema.fields.map(({ name }) => name);
  };
  return {
    tables() {
      tables ??= allTables(catalog).then((all) =>
        all.map(({ namespace, name }) => [...namespace, name].join(".")).sort(),
      );
      return tables;
    },
    columns(table) {
      const known = columns.get(table) ?? columnsOf(table).catch(() => []);
      columns.set(table, known);
      return known;
    },
    refs() {
      refs ??= isBranchingCatalog(catalog)
        ? catalog.references().then((all) => all.map(({ name }) => name))
        : Promise.resolve([]);
      return refs;
    },
  };
}
