import { isLakehouseError } from "../errors.js";
import { metadataFileVersion, readTableMetadata, type TableMetadata } from "../iceberg/index.js";
import type { ObjectStore } from "../storage/index.js";
import { FileSet, within } from "./files.js";
import type { Content, IcebergTableContent } from "./versioned/content.js";
import type { Reachability } from "./versioned/reachability.js";

/** What the search for dead files works with. */
export interface SharedFiles {
  readonly store: ObjectStore;
  /** Gathers what live tables lead to, as far as it was looked at. */
  readonly kept: FileSet;
  /** Files put last before it are old enough. */
  readonly cutoff: Date;
}

/** Properties that say where a table's files lie, if not below its location (Iceberg, "Write properties"). */
const PLACES = [
  "write.data.path",
  "write.metadata.path",
  "write.object-storage.path",
  "write.folder-storage.path",
];

/**
 * The files that only dead commits refer to, and those in the folders of the catalog's own tables that nothing refers to.
 * A table with `gc.enabled` = `false` shares its data with others: only its metadata files go. What a table has adopted
 * from outside its folders is not its own to delete.
 */
export async function findDeadFiles(shared: SharedFiles, found: Reachability): Promise<string[]> {
  const unreferenced = await filesOfDead(shared, found);
  const orphans = await findOrphans(shared, found);
  return [...new Set([...within(shared.store, unreferenced), ...orphans])].sort();
}

/** True when contents that came meanwhile lead to one of the doomed files. */
export async function leadsTo(
  kept: FileSet,
  contents: readonly Content[],
  doomed: ReadonlySet<string>,
): Promise<boolean> {
  for (const content of contents) {
    if (content.type === "NAMESPACE") continue;
    if (doomed.has(content.metadataLocation)) return true;
    if (content.type === "ICEBERG_TABLE") await kept.add(content.metadataLocation, true);
  }
  for (const file of doomed) if (kept.files.has(file)) return true;
  return false;
}

/** The files that dead commits refer to and no live one does. */
async function filesOfDead(
  { store, kept }: SharedFiles,
  { deadCommits, liveContents }: Reachability,
): Promise<string[]> {
  const liveLocations = locationsOf(liveContents);
  const puts = deadCommits.flatMap(({ operations }) =>
    operations.flatMap((operation) => (operation.type === "PUT" ? operation.content : [])),
  );
  const dead = puts.filter(
    (content) => content.type !== "NAMESPACE" && !liveLocations.has(content.metadataLocation),
  );
  const tables = dead.filter((content) => content.type === "ICEBERG_TABLE");
  const views = dead.flatMap((content) => (content.type === "ICEBERG_VIEW" ? content.metadataLocation : []));

  const doomed = new Set<string>(views);
  const led = new FileSet(store);
  const folders = new Set<string>();
  for (const { metadataLocation } of tables) {
    const metadata = await led.add(metadataLocation, true);
    if (metadata === undefined) continue;
    for (const folder of foldersOf(metadata)) folders.add(folder);
    // What one version adds to those before is the version's own.
    const own = foldersOf(metadata);
    const isOwn = (file: string): boolean => own.some((folder) => file.startsWith(folder));
    const files = isShared(metadata) ? [] : [...led.take()].filter(isOwn);
    for (const file of [metadataLocation, ...files]) doomed.add(file);
  }
  for (const { metadataLocation } of relatives(liveContents, tables, folders))
    await kept.add(metadataLocation, false);
  return [...doomed].filter((file) => !kept.files.has(file));
}

/** The live states of the same tables, and of others in the same folders (registered twice): they share files. */
function* relatives(
  liveContents: ReadonlySet<Content>,
  dead: readonly IcebergTableContent[],
  folders: ReadonlySet<string>,
): Generator<IcebergTableContent> {
  const ids = new Set(dead.map(({ id }) => id));
  for (const content of distinctTables(liveContents)) {
    const { id, metadataLocation } = content;
    if (ids.has(id) || [...folders].some((folder) => metadataLocation.startsWith(folder))) yield content;
  }
}

/**
 * Files in the folders of tables that no metadata leads to: of writers that were killed, and of commits that failed.
 * Looked for where this catalog made the table, and nobody else can have files there.
 */
async function findOrphans(shared: SharedFiles, found: Reachability): Promise<string[]> {
  const { store, kept, cutoff } = shared;
  const tables = distinctTables(found.liveContents);
  const candidates = new Map<string, string>();
  for (const folder of await ownFolders(store, tables)) {
    for await (const { uri, lastModified } of store.list(folder)) {
      if (lastModified < cutoff && isWritten(uri)) candidates.set(uri, folder);
    }
  }
  // By name, not by URI: the names that writers give are unique, and one file has several URIs in `s3:` and `s3a:`, or
  // in a lake that has moved.
  const orphansByName = new Map<string, string[]>();
  for (const uri of candidates.keys()) {
    orphansByName.set(nameOf(uri), [...(orphansByName.get(nameOf(uri)) ?? []), uri]);
  }
  const keep = (uri: string): void => void orphansByName.delete(nameOf(uri));
  for (const location of locationsOf(found.liveContents)) keep(location);
  for (const file of kept.files) keep(file);
  // Newest first, which explain the most.
  for (const { metadataLocation } of tables.sort((a, b) => versionOf(b) - versionOf(a))) {
    if (orphansByName.size === 0) break;
    try {
      const metadata = await kept.add(metadataLocation, false);
      for (const { metadataFile } of metadata?.metadataLog ?? []) keep(metadataFile);
      for (const file of kept.take()) keep(file);
    } catch (error) {
      if (!isLakehouseError(error, "OBJECT_NOT_FOUND")) throw error;
      // What it led to is not known: of a table that was purged, or is damaged.
      for (const [uri, folder] of candidates) if (metadataLocation.startsWith(folder)) keep(uri);
      if (![...candidates.values()].some((folder) => metadataLocation.startsWith(folder))) return [];
    }
  }
  return [...orphansByName.values()].flat();
}

/** The folders of tables that were made here, and share them with no other table. */
async function ownFolders(store: ObjectStore, tables: readonly IcebergTableContent[]): Promise<string[]> {
  const newest = new Map<string, IcebergTableContent>();
  const made = new Set<string>();
  for (const content of tables) {
    const known = newest.get(content.id);
    if (known === undefined || versionOf(content) > versionOf(known)) newest.set(content.id, content);
    if (versionOf(content) === 0) made.add(content.id);
  }
  const folders = new Map<string, string[]>();
  for (const { id, metadataLocation } of newest.values()) {
    const metadata = await readTableMetadata(store, metadataLocation).catch((error: unknown) => {
      if (isLakehouseError(error, "OBJECT_NOT_FOUND")) return undefined;
      throw error;
    });
    if (metadata === undefined) continue;
    const isOurs = made.has(id) && !isShared(metadata);
    const folder = `${metadata.location.replace(/\/+$/, "")}/`;
    folders.set(folder, [...(folders.get(folder) ?? []), ...(isOurs ? [id] : ["", ""])]);
  }
  const all = [...folders.keys()];
  return within(store, all).filter(
    (folder) =>
      folders.get(folder)?.length === 1 &&
      !all.some((other) => other !== folder && (other.startsWith(folder) || folder.startsWith(other))),
  );
}

function distinctTables(contents: ReadonlySet<Content>): IcebergTableContent[] {
  const tables = new Map<string, IcebergTableContent>();
  for (const content of contents) {
    if (content.type === "ICEBERG_TABLE") tables.set(`${content.id} ${content.metadataLocation}`, content);
  }
  return [...tables.values()];
}

function locationsOf(contents: ReadonlySet<Content>): Set<string> {
  const locations = new Set<string>();
  for (const content of contents) if (content.type !== "NAMESPACE") locations.add(content.metadataLocation);
  return locations;
}

function foldersOf({ location, properties }: TableMetadata): string[] {
  return [location, ...PLACES.flatMap((place) => properties[place] ?? [])].map((folder) =>
    folder.endsWith("/") ? folder : `${folder}/`,
  );
}

function isShared({ properties }: TableMetadata): boolean {
  return properties["gc.enabled"]?.toLowerCase() === "false";
}

/** What writers of tables write. Other files, and those that engines take for hidden, are somebody's own. */
function isWritten(uri: string): boolean {
  return /^[^._].*\.(parquet|orc|avro|puffin|stats|metadata\.json|metadata\.json\.gz)$/.test(nameOf(uri));
}

function nameOf(uri: string): string {
  return uri.slice(uri.lastIndexOf("/") + 1);
}

function versionOf({ metadataLocation }: IcebergTableContent): number {
  return metadataFileVersion(metadataLocation) ?? -1;
}
