import { type ObjectStore, recordedLocation } from "../../storage/index.js";
import { lakeMoved } from "../errors.js";
import type { BranchingCatalog } from "../model/branching-catalog.js";
import type { GcOptions } from "../model/garbage.js";
import { checkReferenceName } from "../model/reference-expression.js";
import { turns } from "../model/turns.js";
import type { Backend } from "../store/backend.js";
import { EtcdBackend } from "../store/backends/etcd-backend.js";
import { SqliteBackend } from "../store/backends/sqlite-backend.js";
import { VersionStore } from "../store/version-store.js";
import { within } from "../versioned/files.js";
import { MetadataCache } from "../versioned/metadata-cache.js";
import { userName } from "../versioned/user-name.js";
import { VersionedCatalog } from "../versioned/versioned-catalog.js";
import { collectGarbage } from "./garbage.js";
import { type LocatedLake, locateLake } from "./located.js";

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
  const { defaultBranch = "main", ref = defaultBranch } = options;
  checkReferenceName(defaultBranch);
  const backend = typeof options.backend === "string" ? backendAt(options.backend) : options.backend;
  const { versions, lake } = await openVersions(backend, options, defaultBranch);
  const { store, copiedFrom } = lake;
  const warehouse = recordedLocation(store, (options.warehouse ?? store.root).replace(/\/+$/, ""));
  const shared = {
    versions,
    store,
    warehouse,
    checkOwner: () => checkOwner(backend, copiedFrom),
    defaultBranch,
    metadata: new MetadataCache(store),
    inTurn: turns(),
    collectGarbage: async (options: GcOptions) => {
      if (!options.dryRun) checkOwner(backend, copiedFrom);
      return collectGarbage({ versions, store, warehouse }, options);
    },
  };
  return new VersionedCatalog(shared, ref);
}

async function openVersions(
  backend: Backend,
  { store, author = userName(), cacheSize }: CatalogOptions,
  defaultBranch: string,
): Promise<{ versions: VersionStore; lake: LocatedLake }> {
  try {
    const lake = await locateLake(backend, store);
    const { replaced, relocations } = lake;
    const sized = cacheSize === undefined ? {} : { cacheSize };
    // What lies elsewhere is not collected.
    const hasFile = async (uri: string): Promise<boolean> =>
      within(lake.store, [uri]).length === 0 || (await lake.store.head(uri)) !== undefined;
    const versions = new VersionStore(backend, { author, replaced, relocations, hasFile, ...sized });
    await versions.ensureBranch(defaultBranch);
    return { versions, lake };
  } catch (error) {
    await backend.close();
    throw error;
  }
}

/** Throws `LAKE_MOVED` where the catalog may be a copy, and its files are still those of the original. */
function checkOwner({ place }: Backend, copiedFrom: string | undefined): void {
  if (copiedFrom === undefined) return;
  throw lakeMoved(
    copiedFrom,
    `This catalog, ${place}, was at ${copiedFrom} before and its tables' files were not moved with it: if it is a copy, the files belong to the original as well. Nothing was deleted.`,
    'If there is no other catalog of these files, "slh lake relocate" makes this one their owner.',
  );
}

/** The backend at a path or URI. */
export function backendAt(place: string): Backend {
  return place.startsWith("etcd://") ? new EtcdBackend(place) : new SqliteBackend(place);
}
