import type { Abortable } from "../errors.js";
import type { Table } from "../iceberg/index.js";
import type { Room } from "../room.js";
import type { ObjectStore } from "../storage/index.js";
import * as errors from "./errors.js";
import { metrics } from "./metrics.js";
import { isBranchingCatalog } from "./model/branching-catalog.js";
import type { Catalog } from "./model/catalog.js";

/** What the catalog needs of an open lakehouse. */
export interface CatalogContext {
  /** Seen on the lakehouse's branch. */
  readonly catalog: Catalog;
  readonly store: ObjectStore;
  /** The rows of a table, deletes applied: to tell how two commits differ. */
  readonly countRows: (table: Table, options?: Abortable) => Promise<bigint>;
}

/** The catalog, for the wiring: `lake.catalog` is the one that the lakehouse works on, seen on the same branch. */
export const catalogRoom = {
  name: "catalog",
  errors,
  metrics,
  facade: ({ catalog }) => catalog,
  probe: async ({ catalog }) => {
    if (isBranchingCatalog(catalog)) return `${catalog.ref} at ${(await catalog.hash()).slice(0, 12)}`;
    const { length } = await catalog.listNamespaces();
    return `${length} namespaces`;
  },
  commands: async () => (await import("./commands.js")).catalogCommands,
} as const satisfies Room<CatalogContext>;
