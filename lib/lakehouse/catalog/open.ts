import { userInfo } from "node:os";
import type { ObjectStore } from "../storage/index.js";
import type { BranchingCatalog } from "./branching-catalog.js";
import { within } from "./files.js";
import { collectGarbage, type GcOptions } from "./garbage.js";
import { MetadataCache } from "./metadata-cache.js";
import type { Backend } from "./versioned/backend.js";
import { EtcdBackend } from "./versioned/etcd-backend.js";
import { checkReferenceName } from "./versioned/reference-expression.js";
import { SqliteBackend } from "./versioned/sqlite-backend.js";
import { turns } from "./versioned/turns.js";
import { VersionStore } from "./versioned/version-store.js";
import { VersionedCatalog } from "./versioned-catalog.js";

export interface CatalogOptions {
  /**
   * Where the catalog itself is kept: the path of a SQLite file (made where absent; ":memory:" for none), an etcd
   * cluster (`etcd://host:2379,host:2379/prefix`), or a backend.
   */
  readonly backend: Backend | string;
  /** Where the tables' files are kept. */
  readonly store: ObjectStore;
  /** URI below which new tables get their folders, within the store. The store's root where not given. */
  readonly warehouse?: string;
  /** What the first view is on. The default branch where not given. */
  readonly ref?: string;
  /** Exists always, and cannot be deleted. `main` where not given. */
  readonly defaultBranch?: string;
  /** Author of the commits. The name of the user where not given. */
  readonly author?: string;
  /** Bytes of catalog objects to keep in memory. 16 MiB where not given. */
  readonly cacheSize?: number;
}

/**
 * Opens a catalog, and makes it where there is none. Any number of processes may have one open at a time.
 *
 * @example
 * const store = new LocalStore(".lake/warehouse");
 * const catalog = await openCatalog({ backend: ".lake/catalog.db", store });
 * await catalog.createNamespace("flights");
 * const table = await catalog.createTable("flights.bronze", { schema });
 */
export async function openCatalog(options: CatalogOptions): Promise<BranchingCatalog> {
  const { store, warehouse = store.root, defaultBranch = "main", ref = defaultBranch } = options;
  checkReferenceName(defaultBranch);
  const backend = typeof options.backend === "string" ? backendAt(options.backend) : options.backend;
  const folder = warehouse.replace(/\/+$/, "");
  const versions = new VersionStore(backend, {
    // What lies elsewhere is not collected.
    hasFile: async (uri) => within(store, [uri]).length === 0 || (await store.head(uri)) !== undefined,
    author: options.author ?? userName(),
    ...(options.cacheSize === undefined ? {} : { cacheSize: options.cacheSize }),
  });
  try {
    await versions.ensureBranch(defaultBranch);
  } catch (error) {
    await backend.close();
    throw error;
  }
  const shared = {
    versions,
    store,
    warehouse: folder,
    defaultBranch,
    metadata: new MetadataCache(store),
    inTurn: turns(),
    collectGarbage: (options: GcOptions) => collectGarbage({ versions, store, warehouse: folder }, options),
  };
  return new VersionedCatalog(shared, ref);
}

function backendAt(place: string): Backend {
  return place.startsWith("etcd://") ? new EtcdBackend(place) : new SqliteBackend(place);
}

/** Who runs this process. */
export function userName(): string {
  try {
    return process.env.USER || userInfo().username;
  } catch {
    // A container may run under a user id without a name.
    return "unknown";
  }
}
