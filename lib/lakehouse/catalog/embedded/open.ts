import type { LakehouseError } from "../../errors.js";
import type { OrphanOptions } from "../../iceberg/index.js";
import { type ObjectStore, recordedLocation } from "../../storage/index.js";
import { lakeMoved, noSuchLake } from "../errors.js";
import type { BranchingCatalog } from "../model/branching-catalog.js";
import type { IcebergTableContent } from "../model/content.js";
import type { GcOptions } from "../model/garbage.js";
import { checkReferenceName } from "../model/reference-expression.js";
import { turns } from "../model/turns.js";
import type { Backend } from "../store/backend.js";
import { VersionStore } from "../store/version-store.js";
import { within } from "../versioned/files.js";
import { MetadataCache } from "../versioned/metadata-cache.js";
import { userName } from "../versioned/user-name.js";
import { VersionedCatalog } from "../versioned/versioned-catalog.js";
import { collectGarbage, removeOrphans } from "./garbage.js";
import { type LocatedLake, locateLake } from "./located.js";
import { mergeTablesIn } from "./merge-tables.js";

export interface EmbeddedOptions {
  /** Where the tables' files are kept. */
  readonly store: ObjectStore;
  /** URI below which new tables get their folders, within the store. The store's root where not given. */
  readonly warehouse?: string | undefined;
  /** The ref that it is opened on. The default branch where not given. */
  readonly ref?: string | undefined;
  /** Exists always, and cannot be deleted. `main` where not given. */
  readonly defaultBranch?: string | undefined;
  /** Author of the commits. The name of the user where not given. */
  readonly author?: string | undefined;
  /** Bytes of catalog objects to keep in memory. 16 MiB where not given. */
  readonly cacheSize?: number | undefined;
  /** Whether a catalog is made where there is none. True where not given; else that is `NO_SUCH_LAKE`. */
  readonly create?: boolean | undefined;
}

/**
 * Opens the catalog that a backend keeps, and makes it where there is none. Closing it closes the backend.
 *
 * @throws LakehouseError NO_SUCH_LAKE where there is none and none is to be made.
 */
export async function openEmbeddedCatalog(
  backend: Backend,
  options: EmbeddedOptions,
): Promise<BranchingCatalog> {
  const { defaultBranch = "main", ref = defaultBranch } = options;
  checkReferenceName(defaultBranch);
  const { versions, lake } = await openVersions(backend, options, defaultBranch);
  const { store, copiedFrom, metadata } = lake;
  const warehouse = recordedLocation(store, (options.warehouse ?? store.root).replace(/\/+$/, ""));
  const shared = {
    versions,
    store,
    canRelocate: true,
    warehouse,
    checkOwner: () => checkOwner(backend, copiedFrom),
    defaultBranch,
    metadata,
    inTurn: turns(),
    collectGarbage: async (options: GcOptions) => {
      if (!options?.dryRun) checkOwner(backend, copiedFrom);
      return collectGarbage({ versions, store, warehouse }, options);
    },
    removeOrphans: async (table: IcebergTableContent, options: OrphanOptions) => {
      if (!options.dryRun) checkOwner(backend, copiedFrom);
      return removeOrphans({ versions, store, warehouse }, table, options);
    },
  };
  return new VersionedCatalog(shared, ref);
}

async function openVersions(
  backend: Backend,
  { store, author = userName(), cacheSize, create = true }: EmbeddedOptions,
  defaultBranch: string,
): Promise<{ versions: VersionStore; lake: LocatedLake & { readonly metadata: MetadataCache } }> {
  try {
    if (!create && (await backend.listRefs()).length === 0) throw noLakeAt(backend.place ?? "its place");
    const lake = await locateLake(backend, store);
    const { replaced, relocations } = lake;
    // What lies elsewhere is not collected.
    const hasFile = async (uri: string): Promise<boolean> =>
      within(lake.store, [uri]).length === 0 || (await lake.store.head(uri)) !== undefined;
    const metadata = new MetadataCache({ store: lake.store, canRelocate: true });
    const mergeTables = mergeTablesIn(lake.store, metadata);
    const given = { author, replaced, relocations, hasFile, cacheSize, mergeTables };
    const versions = new VersionStore(backend, given);
    await versions.ensureBranch(defaultBranch);
    return { versions, lake: { ...lake, metadata } };
  } catch (error) {
    await backend.close();
    throw error;
  }
}

/** @param place of its catalog, or its folder. */
export function noLakeAt(place: string): LakehouseError {
  return noSuchLake(
    place,
    `There is no lake at ${place}.`,
    'If it should be there, look at SLH_LAKE and SLH_CATALOG; "slh init" makes a new one.',
  );
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
