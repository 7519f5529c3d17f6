import { readTableMetadata, type TableMetadata } from "../iceberg/index.js";
import type { ObjectStore } from "../storage/index.js";

/** Files are immutable, so that what was parsed once stays true. */
const CAPACITY = 256;

/** Table metadata by location, the least recently used going first. */
export class MetadataCache {
  readonly #store: ObjectStore;
  readonly #entries = new Map<string, TableMetadata>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async read(location: string): Promise<TableMetadata> {
    const known = this.#entries.get(location);
    const metadata = known ?? (await readTableMetadata(this.#store, location));
    this.remember(location, metadata);
    return metadata;
  }

  remember(location: string, metadata: TableMetadata): void {
    this.#entries.delete(location);
    this.#entries.set(location, metadata);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > CAPACITY && oldest !== undefined) this.#entries.delete(oldest);
  }
}
