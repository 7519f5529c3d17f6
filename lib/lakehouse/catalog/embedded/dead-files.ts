import { metadataFileVersion, readTableMetadata, type TableMetadata } from "../../iceberg/index.js";
import {
  canonicalFileUri,
  canonicalS3Uri,
  type ObjectStore,
  objectNotFound,
  recordedLocation,
} from "../../storage/index.js";
import type { Content, IcebergTableContent } from "../model/content.js";
import type { Reachability } from "../store/reachability.js";
import { FileSet, nameOf, within } from "../versioned/files.js";

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
  const names = new Set([...doomed].map(nameOf));
  for (const content of contents) {
    if (content.type === "NAMESPACE") continue;
    if (names.has(nameOf(content.metadataLocation))) return true;
    if (content.type === "ICEBERG_TABLE") await kept.add(content.metadataLocation, true);
  }
  for (const file of kept.files) if (names.has(nameOf(file))) return true;
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
  const own = new Map<string, { readonly id: string; readonly folders: readonly string[] }>();
  for (const { id, metadataLocation } of tables) {
    const metadata = await led.add(metadataLocation, true);
    if (metadata === undefined) continue;
    const places = foldersOf(store, metadata);
    // What one version adds to those before is the version's own.
    const isOwn = (file: string): boolean => places.some((folder) => plain(store, file).startsWith(folder));
    const files = isShared(metadata) ? [] : [...led.take()].filter(isOwn);
    for (const file of [metadataLocation, ...files]) own.set(file, { id, folders: places });
  }
  if (own.size === 0) return [...doomed];
  // Every table, since any may have adopted files of any other.
  for (const { id, metadataLocation } of distinctTables(liveContents)) {
    try {
      await kept.add(metadataLocation, false);
    } catch (error) {
      if (!objectNotFound.is(error)) throw error;
      // Of a table that was purged, or is damaged: what else it led to of the same table or folder is not known.
      for (const [file, table] of own) {
        const at = plain(store, metadataLocation);
        const isRelated = table.folders.some((folder) => at.startsWith(folder));
        if (table.id === id || isRelated) own.delete(file);
      }
    }
  }
  for (const file of own.keys()) doomed.add(file);
  // By name, as with orphans.
  const names = new Set([...kept.files, ...liveLocations].map(nameOf));
  return [...doomed].filter((file) => !names.has(nameOf(file)));
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
      if (!objectNotFound.is(error)) throw error;
      // What it led to is not known, below its own folder: of a table that was purged, or is damaged.
      const own = /^.*\/(?=metadata\/[^/]*$)/.exec(metadataLocation)?.[0];
      if (own === undefined) return [];
      for (const [uri, folder] of candidates) {
        if (plain(store, metadataLocation).startsWith(folder) || uri.startsWith(plain(store, own))) keep(uri);
      }
    }
  }
  for (const file of kept.take()) keep(file);
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
      if (objectNotFound.is(error)) return undefined;
      throw error;
    });
    if (metadata === undefined) continue;
    const isOurs = made.has(id) && !isShared(metadata);
    const folder = `${plain(store, metadata.location).replace(/\/+$/, "")}/`;
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

function foldersOf(store: ObjectStore, { location, properties }: TableMetadata): string[] {
  return [location, ...PLACES.flatMap((place) => properties[place] ?? [])].map((folder) =>
    plain(store, folder.endsWith("/") ? folder : `${folder}/`),
  );
}

/** The one spelling of a URI: Hadoop has others for S3 and for files, and a lake that has moved has two roots. */
function plain(store: ObjectStore, uri: string): string {
  return canonicalS3Uri(canonicalFileUri(recordedLocation(store, uri)));
}

function isShared({ properties }: TableMetadata): boolean {
  return properties["gc.enabled"]?.toLowerCase() === "false";
}

/** What writers of tables write. Other files, and those that engines take for hidden, are somebody's own. */
function isWritten(uri: string): boolean {
  return /^[^._].*\.(parquet|orc|avro|puffin|stats|metadata\.json|metadata\.json\.gz)$/.test(nameOf(uri));
}

function versionOf({ metadataLocation }: IcebergTableContent): number {
  return metadataFileVersion(metadataLocation) ?? -1;
}
