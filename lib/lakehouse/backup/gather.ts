import { mapConcurrent, READ_CONCURRENCY } from "../concurrency.js";
import {
  type ManifestFile,
  readLiveEntries,
  readManifests,
  readTableMetadata,
  type Snapshot,
  type SpecsById,
  specsById,
} from "../iceberg/index.js";
import { type ObjectStore, objectNotFound } from "../storage/index.js";
import type { FileKind } from "./model.js";

/** A file that a table leads to. */
export interface WantedFile {
  readonly location: string;
  readonly kind: FileKind;
  /** Whether a branch or tag shows it. What only history names may be gone, with snapshots that have expired. */
  readonly isShown: boolean;
  /** In bytes, where metadata says it. */
  readonly size: number | undefined;
}

/**
 * Gathers the files that tables and views lead to, of all snapshots that their metadata has. What is shown has to be
 * added before what is history: what several share is read once.
 */
export class FileGatherer {
  /** By location. */
  readonly files = new Map<string, WantedFile>();
  readonly #store: ObjectStore;
  readonly #seen = new Set<string>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  addView(location: string, isShown: boolean): void {
    this.#add(location, "metadata", isShown);
  }

  /** @throws LakehouseError OBJECT_NOT_FOUND for what is shown; CORRUPT_FILE. */
  async addTable(location: string, isShown: boolean): Promise<void> {
    this.#add(location, "metadata", isShown);
    const metadata = await there(isShown, () => readTableMetadata(this.#store, location));
    if (metadata === undefined) return;
    for (const { statisticsPath } of [...metadata.statistics, ...metadata.partitionStatistics])
      this.#add(statisticsPath, "statistics", isShown);
    const specs = specsById(metadata);
    await mapConcurrent(metadata.snapshots, READ_CONCURRENCY, (snapshot) =>
      this.#addSnapshot(snapshot, specs, isShown),
    );
  }

  async #addSnapshot(snapshot: Snapshot, specs: SpecsById, isShown: boolean): Promise<void> {
    const { manifestList } = snapshot;
    if (manifestList !== undefined && !this.#isNew(manifestList)) return;
    if (manifestList !== undefined) this.#add(manifestList, "manifest-list", isShown);
    const manifests = await there(isShown, () => readManifests(this.#store, snapshot));
    for (const manifest of manifests ?? []) await this.#addManifest(manifest, specs, isShown);
  }

  async #addManifest(manifest: ManifestFile, specs: SpecsById, isShown: boolean): Promise<void> {
    if (!this.#isNew(manifest.manifestPath)) return;
    this.#add(manifest.manifestPath, "manifest", isShown);
    const entries = await there(isShown, () => readLiveEntries(this.#store, manifest, specs));
    for (const { dataFile } of entries ?? []) {
      const { filePath, content, fileSizeInBytes } = dataFile;
      this.#add(filePath, content, isShown, fileSizeInBytes);
    }
  }

  #isNew(location: string): boolean {
    if (this.#seen.has(location)) return false;
    this.#seen.add(location);
    return true;
  }

  #add(location: string, kind: FileKind, isShown: boolean, size?: bigint): void {
    if (this.files.has(location)) return;
    this.files.set(location, {
      location,
      kind,
      isShown,
      size: size === undefined ? undefined : Number(size),
    });
  }
}

async function there<T>(isShown: boolean, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!isShown && objectNotFound.is(error)) return undefined;
    throw error;
  }
}
