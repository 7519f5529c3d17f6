import { metadataFileVersion, type TableMetadata } from "../../iceberg/index.js";
import { canonicalFileUri, canonicalS3Uri, type ObjectStore, recordedLocation } from "../../storage/index.js";
import type { Content, IcebergTableContent } from "../model/content.js";

/** Properties that say where a table's files lie, if not below its location (Iceberg, "Write properties"). */
const PLACES = [
  "write.data.path",
  "write.metadata.path",
  "write.object-storage.path",
  "write.folder-storage.path",
];

export function distinctTables(contents: ReadonlySet<Content>): IcebergTableContent[] {
  const tables = new Map<string, IcebergTableContent>();
  for (const content of contents) {
    if (content.type === "ICEBERG_TABLE") tables.set(`${content.id} ${content.metadataLocation}`, content);
  }
  return [...tables.values()];
}

export function locationsOf(contents: ReadonlySet<Content>): Set<string> {
  const locations = new Set<string>();
  for (const content of contents) if (content.type !== "NAMESPACE") locations.add(content.metadataLocation);
  return locations;
}

/** The one spelling of a URI: Hadoop has others for S3 and for files, and a lake that has moved has two roots. */
export function plain(store: ObjectStore, uri: string): string {
  return canonicalS3Uri(canonicalFileUri(recordedLocation(store, uri)));
}

export function isShared({ properties }: TableMetadata): boolean {
  return properties["gc.enabled"]?.toLowerCase() === "false";
}

export function versionOf({ metadataLocation }: IcebergTableContent): number {
  return metadataFileVersion(metadataLocation) ?? -1;
}

/** The folders that a table's files lie in, each with a slash at its end. */
export function foldersOf(store: ObjectStore, { location, properties }: TableMetadata): string[] {
  return [location, ...PLACES.flatMap((place) => properties[place] ?? [])].map((folder) =>
    plain(store, folder.endsWith("/") ? folder : `${folder}/`),
  );
}

/** Those of a table's files that lie in its folders. What it has adopted from elsewhere is not its own to delete. */
export function ownFiles(store: ObjectStore, metadata: TableMetadata, files: Iterable<string>): string[] {
  const folders = foldersOf(store, metadata);
  return [...files].filter((file) => folders.some((folder) => plain(store, file).startsWith(folder)));
}
