import { objectNotFound } from "../../storage/index.js";
import type { Content, ContentId } from "../model/content.js";
import type { Reachability } from "../store/reachability.js";
import { FileSet, nameOf, within } from "../versioned/files.js";
import {
  distinctTables,
  foldersOf,
  isShared,
  locationsOf,
  ownFiles,
  plain,
} from "../versioned/table-places.js";
import { findOrphans, ownFolders, type SharedFiles } from "./orphans.js";

/**
 * The files that only dead commits refer to, and those in the folders of the catalog's own tables that nothing refers to.
 * A table with `gc.enabled` = `false` shares its data with others: only its metadata files go. What a table has adopted
 * from outside its folders is not its own to delete.
 *
 * @param shown the tables at the head of any branch or tag: another catalog may go on with one that is not.
 */
export async function findDeadFiles(
  shared: SharedFiles,
  found: Reachability,
  shown: ReadonlySet<ContentId>,
): Promise<string[]> {
  const unreferenced = await filesOfDead(shared, found);
  const owned = [...(await ownFolders(shared.store, found.liveContents))];
  const folders = owned.flatMap(([id, own]) => ("folder" in own && shown.has(id) ? own.folder : []));
  const orphans = await findOrphans(shared, found.liveContents, folders);
  const files = [...within(shared.store, unreferenced), ...orphans.files.map(({ uri }) => uri)];
  return [...new Set(files)].sort();
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
    // What one version adds to those before is the version's own.
    const files = isShared(metadata) ? [] : ownFiles(store, metadata, led.take());
    for (const file of [metadataLocation, ...files])
      own.set(file, { id, folders: foldersOf(store, metadata) });
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
