import { realpathSync } from "node:fs";
import path from "node:path";
import { corruptFile } from "../../errors.js";
import { fileUri, MovedStore, type ObjectStore, pathOfFile } from "../../storage/index.js";
import { BEGINNING } from "../model/hash.js";
import type { Backend } from "../store/backend.js";
import { getCommit } from "../store/commits.js";
import {
  readLakeRecord,
  readReplacedLocations,
  type StoredLakeRecord,
  writeLakeRecord,
} from "../store/lake-record.js";
import { ObjectCache } from "../store/object-cache.js";
import { readRefs } from "../store/refs.js";
import type { ReplacedLocations } from "../store/replaced-locations.js";
import { EMPTY_MAP } from "../store/sorted-map.js";
import { entriesOf } from "../store/tree.js";

/** A lake as it was found. */
export interface LocatedLake {
  /** The store to read and write its tables through: by the locations that they record, wherever it lies. */
  readonly store: ObjectStore;
  readonly replaced: ReplacedLocations;
  /** How many relocations there had been; `undefined` where the catalog keeps no record of its lake. */
  readonly relocations: number | undefined;
  /**
   * Where the catalog was when it recorded the root, if it is elsewhere now and the tables are where they were: it may
   * be a copy, whose original goes on with the same files.
   */
  readonly copiedFrom: string | undefined;
}

/** How often to read again because a relocation came between two reads. */
const ATTEMPTS = 10;

/** Entries that are looked at to find out where a lake of an earlier version was made. */
const SAMPLE = 200;

/**
 * Finds out where a lake lies. The locations in Iceberg metadata are absolute, and the catalog remembers the root that
 * they have. Three cases are told apart:
 *
 * - The root is the store's: nothing was moved.
 * - The root lay at some path below the catalog's folder, and the store lies at the same path below the catalog's
 *   folder as it is now: the folder was moved or copied as one. That is safe to tell, for the catalog that is read
 *   came with the files, and `MovedStore` resolves every recorded location below the present root, never elsewhere.
 * - The catalog is kept elsewhere (etcd, a folder of its own), and the root differs: whether the files were moved, or
 *   two places share the catalog, or a setting is wrong, cannot be told. Nothing is resolved; what lies outside the
 *   store is `LAKE_MOVED`, which names `slh lake relocate`.
 *
 * Other engines read the locations in manifests for themselves, so what is resolved here does not help them: a lake
 * that is served must be relocated (see `relocateLake`).
 */
export async function locateLake(backend: Backend, store: ObjectStore): Promise<LocatedLake> {
  const { place } = backend;
  const here = { store, replaced: new Map(), relocations: undefined, copiedFrom: undefined };
  if (place === undefined || store instanceof MovedStore) return here;
  const lake = await readLake(backend, store);
  if (lake === undefined) return { ...here, relocations: 0 };
  const { record: found, replaced } = lake;
  const { relocations = 0 } = found;
  const below = pathBelow(place, store.root);
  if (found.root === store.root) {
    const stays = found.place === place || below !== undefined;
    return { ...here, replaced, relocations, copiedFrom: stays ? undefined : found.place };
  }
  const movedAsOne = below !== undefined && below === found.below;
  if (movedAsOne && !backend.readOnly && (await isUnused(backend))) {
    await writeLakeRecord(backend, lake.value, { ...found, root: store.root, place });
    return { ...here, replaced, relocations };
  }
  return {
    ...here,
    replaced,
    relocations,
    store: movedAsOne ? new MovedStore(store, found.root, store.root) : store,
  };
}

/** What a catalog remembers of its lake. */
export interface Lake extends StoredLakeRecord {
  readonly replaced: ReplacedLocations;
}

/** Reads it, and makes it where there is none yet; `undefined` where that needs to be told. */
export async function readLake(backend: Backend, store: ObjectStore): Promise<Lake | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const stored = (await readLakeRecord(backend)) ?? (await firstRecord(backend, store));
    if (stored === undefined) return undefined;
    const replaced = await readReplacedLocations(backend, stored.record);
    if (replaced !== undefined) return { ...stored, replaced };
  }
  throw corruptFile(
    backend.place ?? "catalog",
    "The catalog lacks locations that its latest relocation has replaced.",
    "Restore it from a backup.",
  );
}

/** True while nothing was ever committed: then no location has the old root. */
async function isUnused(backend: Backend): Promise<boolean> {
  return (await readRefs(backend)).every(({ hash }) => hash === BEGINNING);
}

/** Where `root` lies below the folder that the catalog is kept in; `undefined` where it does not. */
export function pathBelow(place: string, root: string): string | undefined {
  const folder = place.slice(0, place.lastIndexOf("/"));
  const real = root.startsWith("file://") ? fileUri(realPath(pathOfFile(root))) : root;
  if (real === folder) return "";
  return real.startsWith(`${folder}/`) ? real.slice(folder.length + 1) : undefined;
}

/** The path without symbolic links, as far as it exists. */
export function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    const parent = path.dirname(file);
    return parent === file ? file : path.join(realPath(parent), path.basename(file));
  }
}

/** Records the root of a lake that has no record: a new one, or one of an earlier version, which may have been moved. */
async function firstRecord(backend: Backend, store: ObjectStore): Promise<StoredLakeRecord | undefined> {
  const { place = "" } = backend;
  const below = pathBelow(place, store.root);
  const root = await rootOfEntries(backend, store, below !== undefined);
  if (root === undefined) return undefined;
  const record = { root, below, place };
  if (backend.readOnly) return { record, value: "" };
  await writeLakeRecord(backend, undefined, record); // or another process was faster
  return readLakeRecord(backend);
}

/**
 * The root below which the entries lie: the store's, where one lies there or there are none. Else, for a catalog that
 * moves together with its files, the root whose paths are found below the store. `undefined` where that cannot be told.
 */
async function rootOfEntries(
  backend: Backend,
  store: ObjectStore,
  movesAsOne: boolean,
): Promise<string | undefined> {
  const locations = await sampleLocations(backend);
  const first = locations[0];
  if (first === undefined || locations.some((location) => location.startsWith(`${store.root}/`)))
    return store.root;
  if (!movesAsOne) return undefined;
  for (let slash = first.indexOf("/", first.indexOf("//") + 2); slash > 0; ) {
    const root = first.slice(0, slash);
    const isThere = await store.head(`${store.root}${first.slice(slash)}`).catch(() => undefined);
    if (isThere && locations.every((location) => location.startsWith(`${root}/`))) return root;
    slash = first.indexOf("/", slash + 1);
  }
  return undefined;
}

async function sampleLocations(backend: Backend): Promise<string[]> {
  const objects = new ObjectCache(backend, 1 << 20, [EMPTY_MAP]);
  const locations = new Set<string>();
  const heads = new Set((await readRefs(backend)).flatMap(({ hash }) => hash ?? []));
  for (const hash of heads) {
    const { tree } = await getCommit(objects, hash);
    for await (const { content } of entriesOf(objects, tree, [])) {
      if (content.type !== "NAMESPACE") locations.add(content.metadataLocation);
      if (locations.size >= SAMPLE) return [...locations];
    }
  }
  return [...locations];
}
