import {
  readLiveEntries,
  readManifests,
  readTableMetadata,
  specsById,
  type TableMetadata,
} from "../../iceberg/index.js";
import { type ObjectStore, objectNotFound } from "../../storage/index.js";
import { isShared, ownFiles } from "./table-places.js";

/**
 * Gathers every file that table metadata leads to: the metadata files themselves, manifest lists, manifests, data
 * and delete files, statistics. What several versions share is read once.
 */
export class FileSet {
  readonly files = new Set<string>();
  readonly #store: ObjectStore;
  readonly #seen = new Set<string>();
  #taken = 0;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** The files that were added since it was asked last. */
  *take(): Generator<string> {
    const start = this.#taken;
    this.#taken = this.files.size;
    let index = 0;
    for (const file of this.files) if (index++ >= start) yield file;
  }

  /**
   * Adds what a metadata file leads to.
   * @param partial go on when a file is missing: for what is to be deleted, never for what is to be kept.
   * @returns the metadata; `undefined` when the file itself is missing.
   */
  async add(metadataLocation: string, partial: boolean): Promise<TableMetadata | undefined> {
    const metadata = await found(partial, () => readTableMetadata(this.#store, metadataLocation));
    if (metadata === undefined) return undefined;
    this.files.add(metadataLocation);
    for (const { statisticsPath } of metadata.statistics) this.files.add(statisticsPath);
    for (const { statisticsPath } of metadata.partitionStatistics) this.files.add(statisticsPath);
    const specs = specsById(metadata);
    for (const snapshot of metadata.snapshots) {
      const list = snapshot.manifestList;
      if (list !== undefined && this.#seen.has(list)) continue;
      const manifests = (await found(partial, () => readManifests(this.#store, snapshot))) ?? [];
      for (const manifest of manifests) {
        if (this.#seen.has(manifest.manifestPath)) continue;
        this.#seen.add(manifest.manifestPath);
        this.files.add(manifest.manifestPath);
        const entries = (await found(partial, () => readLiveEntries(this.#store, manifest, specs))) ?? [];
        for (const { dataFile } of entries) this.files.add(dataFile.filePath);
      }
      if (list === undefined) continue;
      this.#seen.add(list);
      this.files.add(list);
    }
    return metadata;
  }
}

/**
 * Deletes the files of a table that was dropped: all in its folders that its last metadata leads to, and the versions before
 * it, as far as they are found: each lists some, and snapshots that later ones have let go of. With `gc.enabled` = `false` the data belongs to others as well, and only metadata goes.
 */
export async function deleteTableFiles(store: ObjectStore, metadataLocation: string): Promise<void> {
  const all = new FileSet(store);
  const metadata = await all.add(metadataLocation, true);
  if (metadata === undefined) return;
  const earlier = earlierIn(metadata);
  // It grows as they are read. One that cannot be read keeps none of the others: the table is gone already.
  for (const file of earlier) {
    if (within(store, [file]).length === 0) continue;
    for (const before of earlierIn(await all.add(file, true).catch(() => undefined))) earlier.add(before);
  }
  const files = isShared(metadata) ? earlier : new Set([...all.files, ...earlier]);
  await store.delete(within(store, [metadataLocation, ...ownFiles(store, metadata, files)]));
}

function earlierIn(metadata: TableMetadata | undefined): Set<string> {
  return new Set(metadata?.metadataLog.map(({ metadataFile }) => metadataFile));
}

/** Deletes files that nothing refers to, after a failure: that one is to be reported, and not that they stay. */
export async function discard(store: ObjectStore, uris: readonly string[]): Promise<void> {
  await store.delete(uris).catch(() => undefined);
}

/** The last part of a URI: the same however the rest is spelled. */
export function nameOf(uri: string): string {
  return uri.slice(uri.lastIndexOf("/") + 1);
}

/** Those that are this store's to delete. */
export function within(store: ObjectStore, uris: readonly string[]): string[] {
  return uris.filter((uri) => uri.startsWith(`${store.root}/`));
}

async function found<T>(partial: boolean, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (partial && objectNotFound.is(error)) return undefined;
    throw error;
  }
}
