import type { LakehouseError } from "../../errors.js";
import { PATH_PROPERTIES } from "../../iceberg/index.js";
import { invalidUri, MovedStore, movedFrom, type ObjectStore } from "../../storage/index.js";
import { lakeMoved } from "../errors.js";

/** Where the files of a catalog's tables are. */
export interface Files {
  readonly store: ObjectStore;
  /** False where a server keeps the catalog: its tables' locations are not ours to write anew. */
  readonly canRelocate: boolean;
}

/** Reads a metadata file. One that is outside of the store is of a lake that was moved in a way that cannot be told. */
export async function readAt<T>(
  { store, canRelocate }: Files,
  location: string,
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!invalidUri.is(error) || location.startsWith(`${store.root}/`)) throw error;
    const root = movedFrom(store) ?? store.root;
    throw canRelocate ? liesElsewhere(location, root, error) : isServedElsewhere(location, root, error);
  }
}

/** Properties as they are recorded: users give paths as they are now. */
export function recordedProperties<P extends Readonly<Record<string, string>> | undefined>(
  store: ObjectStore,
  properties: P,
): P {
  if (properties === undefined || !(store instanceof MovedStore)) return properties;
  const entries = Object.entries(properties).map(([key, value]) => [
    key,
    PATH_PROPERTIES.has(key) ? store.record(value) : value,
  ]);
  return Object.fromEntries(entries) as P;
}

/** The same, of a server's catalog. */
function isServedElsewhere(location: string, root: string, cause: unknown): LakehouseError {
  return lakeMoved(
    location,
    `${location} is not below ${root}, where this lakehouse keeps its tables; a server's catalog names it.`,
    "Open the lakehouse with the warehouse that this catalog's tables are in: the root, SLH_LAKE, or SLH_WAREHOUSE on the stack.",
    cause,
  );
}

/** What lies at the given location, which is not below the root. */
export function liesElsewhere(location: string, root: string, cause?: unknown): LakehouseError {
  return lakeMoved(
    location,
    `${location} is not below ${root}, where this lakehouse keeps its tables.`,
    'If the lake was moved or copied from there, "slh lake relocate" makes its tables right for where they are now (with --from, if the catalog does not know the old root); else open it with the root that it has.',
    cause,
  );
}
