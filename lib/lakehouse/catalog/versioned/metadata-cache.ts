import { readTableMetadata, type TableMetadata } from "../../iceberg/index.js";
import { type Files, readAt } from "./recorded.js";

/**
 * What is kept, in snapshots and earlier metadata files: what metadata grows by, some hundred bytes each. The rest of
 * one counts as `BASE_WEIGHT` of them.
 */
const CAPACITY = 20_000;
const BASE_WEIGHT = 20;

/** Table metadata by location, the least recently used going first. Files are immutable: what was parsed stays true. */
export class MetadataCache {
  readonly #files: Files;
  readonly #entries = new Map<string, TableMetadata>();
  #weight = 0;

  constructor(files: Files) {
    this.#files = files;
  }

  async read(location: string): Promise<TableMetadata> {
    const known = this.#entries.get(location);
    const metadata =
      known ?? (await readAt(this.#files, location, () => readTableMetadata(this.#files.store, location)));
    this.remember(location, metadata);
    return metadata;
  }

  remember(location: string, metadata: TableMetadata): void {
    this.#forget(location);
    this.#entries.set(location, metadata);
    this.#weight += weightOf(metadata);
    for (const oldest of this.#entries.keys()) {
      if (this.#weight <= CAPACITY || oldest === location) break;
      this.#forget(oldest);
    }
  }

  #forget(location: string): void {
    const known = this.#entries.get(location);
    if (known === undefined) return;
    this.#entries.delete(location);
    this.#weight -= weightOf(known);
  }
}

function weightOf({ snapshots, metadataLog }: TableMetadata): number {
  return BASE_WEIGHT + snapshots.length + metadataLog.length;
}
