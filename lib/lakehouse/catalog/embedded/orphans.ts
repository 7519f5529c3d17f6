import { readTableMetadata, type TableMetadata } from "../../iceberg/index.js";
import { type ObjectInfo, type ObjectStore, objectNotFound } from "../../storage/index.js";
import type { Content, ContentId, IcebergTableContent } from "../model/content.js";
import { type FileSet, nameOf, within } from "../versioned/files.js";
import { distinctTables, isShared, locationsOf, plain, versionOf } from "../versioned/table-places.js";

/** What the search for dead files works with. */
export interface SharedFiles {
  readonly store: ObjectStore;
  /** Gathers what live tables lead to, as far as it was looked at. */
  readonly kept: FileSet;
  /** Files put last before it are old enough. */
  readonly cutoff: Date;
}

/** What was found in some folders. */
export interface Orphans {
  readonly files: readonly ObjectInfo[];
  /** Metadata files of tables there that are gone, or lead to something that is: nothing near them is an orphan. */
  readonly damaged: readonly string[];
}

/**
 * Files in the folders of tables that no metadata leads to: of writers that were killed, and of commits that failed.
 *
 * @param contents all that commits to keep have put: any table may have adopted files of any other.
 */
export async function findOrphans(
  { store, kept, cutoff }: SharedFiles,
  contents: ReadonlySet<Content>,
  folders: readonly string[],
): Promise<Orphans> {
  const candidates: { readonly info: ObjectInfo; readonly folder: string }[] = [];
  // By name, not by URI: the names that writers give are unique, and one file has several URIs in `s3:` and `s3a:`, or
  // in a lake that has moved.
  const byName = new Map<string, ObjectInfo[]>();
  for (const folder of folders) {
    for await (const info of store.list(folder)) {
      if (info.lastModified >= cutoff || !isWritten(info.uri)) continue;
      candidates.push({ info, folder });
      byName.set(nameOf(info.uri), [...(byName.get(nameOf(info.uri)) ?? []), info]);
    }
  }
  const damaged: string[] = [];
  const keep = (uri: string): void => void byName.delete(nameOf(uri));
  for (const location of locationsOf(contents)) keep(location);
  for (const file of kept.files) keep(file);
  // Newest first, which explain the most.
  for (const { metadataLocation } of distinctTables(contents).sort((a, b) => versionOf(b) - versionOf(a))) {
    if (byName.size === 0) break;
    let metadata: TableMetadata | undefined;
    try {
      metadata = await kept.add(metadataLocation, false);
    } catch (error) {
      if (!objectNotFound.is(error)) throw error;
      // What is still there of it needs its files, wherever they are.
      metadata = await kept.add(metadataLocation, true);
      // What else it led to is not known, below its own folder: of a table that was purged, or is damaged.
      const own = /^.*\/(?=metadata\/[^/]*$)/.exec(metadataLocation)?.[0];
      if (own === undefined) return { files: [], damaged: [metadataLocation] };
      const at = plain(store, metadataLocation);
      const near = candidates.filter(
        ({ info, folder }) => at.startsWith(folder) || info.uri.startsWith(plain(store, own)),
      );
      for (const { info } of near) keep(info.uri);
      if (near.length > 0) damaged.push(metadataLocation);
    }
    for (const { metadataFile } of metadata?.metadataLog ?? []) keep(metadataFile);
    for (const file of kept.take()) keep(file);
  }
  return { files: [...byName.values()].flat(), damaged };
}

/** A folder that is one table's alone, or why it is not to be searched. */
export type OwnFolder = { readonly folder: string } | { readonly refusal: string };

/** The folders of tables, by the tables' ids: of those that were made here, and share them with no other table. */
export async function ownFolders(
  store: ObjectStore,
  contents: ReadonlySet<Content>,
): Promise<ReadonlyMap<ContentId, OwnFolder>> {
  const newest = new Map<ContentId, IcebergTableContent>();
  const made = new Set<ContentId>();
  for (const content of distinctTables(contents)) {
    const known = newest.get(content.id);
    if (known === undefined || versionOf(content) > versionOf(known)) newest.set(content.id, content);
    if (versionOf(content) === 0) made.add(content.id);
  }
  const tables: { readonly id: ContentId; readonly metadata: TableMetadata; readonly folder: string }[] = [];
  for (const { id, metadataLocation } of newest.values()) {
    const metadata = await readTableMetadata(store, metadataLocation).catch((error: unknown) => {
      if (objectNotFound.is(error)) return undefined;
      throw error;
    });
    if (metadata !== undefined) tables.push({ id, metadata, folder: folderOf(store, metadata) });
  }
  const refusalOf = ({ id, metadata, folder }: (typeof tables)[number]): string | undefined => {
    if (within(store, [folder]).length === 0) return "its folder is not this lakehouse's";
    if (isShared(metadata)) return "its property gc.enabled is false: others may need its files";
    if (!made.has(id)) return "it was registered: whoever made it may need files there";
    const other = tables.find(
      (each) => each.id !== id && (each.folder.startsWith(folder) || folder.startsWith(each.folder)),
    );
    return other && `another table has files in ${other.folder}`;
  };
  return new Map(
    tables.map((table) => {
      const refusal = refusalOf(table);
      return [table.id, refusal === undefined ? { folder: table.folder } : { refusal }];
    }),
  );
}

/** A table's folder, with a slash at its end. */
export function folderOf(store: ObjectStore, { location }: TableMetadata): string {
  return `${plain(store, location).replace(/\/+$/, "")}/`;
}

/** What writers of tables write. Other files, and those that engines take for hidden, are somebody's own. */
function isWritten(uri: string): boolean {
  return /^[^._].*\.(parquet|orc|avro|puffin|stats|metadata\.json|metadata\.json\.gz)$/.test(nameOf(uri));
}
