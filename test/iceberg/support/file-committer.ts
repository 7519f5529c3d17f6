import { isLakehouseError, LakehouseError } from "../../../lib/lakehouse/errors.js";
import {
  readTableMetadata,
  writeTableMetadata,
} from "../../../lib/lakehouse/iceberg/files/metadata/metadata-file.js";
import type { TableMetadata } from "../../../lib/lakehouse/iceberg/index.js";
import { applyUpdates } from "../../../lib/lakehouse/iceberg/table/updates/apply.js";
import { checkRequirements } from "../../../lib/lakehouse/iceberg/table/updates/requirements.js";
import type {
  CommitRequest,
  Committer,
  LoadedTable,
} from "../../../lib/lakehouse/iceberg/table/updates/types.js";
import type { ObjectStore } from "../../../lib/lakehouse/storage/index.js";

/**
 * The smallest catalog there is: one file holds the location of a table's current metadata, and a conditional put
 * moves it. Several processes may commit through it at once.
 */
export class FileCommitter implements Committer {
  readonly store: ObjectStore;
  readonly #pointer: string;
  /** Called right before the pointer is moved; a test makes it fail or slow here. */
  beforeSwap: (() => Promise<void>) | undefined;
  /** Called right after it was moved. */
  afterSwap: (() => Promise<void>) | undefined;
  commits = 0;

  constructor(store: ObjectStore, tableLocation: string) {
    this.store = store;
    this.#pointer = `${tableLocation}/pointer`;
  }

  async create(metadata: TableMetadata): Promise<LoadedTable> {
    const metadataLocation = await writeTableMetadata(this.store, metadata, 0);
    await this.store.put(this.#pointer, Buffer.from(metadataLocation), { ifAbsent: true });
    return { metadata, metadataLocation };
  }

  async load(): Promise<LoadedTable> {
    const metadataLocation = Buffer.from(await this.store.read(this.#pointer)).toString();
    return { metadata: await readTableMetadata(this.store, metadataLocation), metadataLocation };
  }

  async commit(request: CommitRequest): Promise<LoadedTable> {
    this.commits += 1;
    const head = await this.store.head(this.#pointer);
    if (head === undefined) throw new Error(`no table at ${this.#pointer}`);
    const base = await this.load();
    checkRequirements(base.metadata, request.requirements);
    const metadata = applyUpdates(base.metadata, request.updates, {
      previousMetadataLocation: base.metadataLocation,
    });
    const version = Number(/(\d+)-[^/]*$/.exec(base.metadataLocation)?.[1] ?? 0) + 1;
    const metadataLocation = await writeTableMetadata(this.store, metadata, version);
    await this.beforeSwap?.();
    try {
      await this.store.put(this.#pointer, Buffer.from(metadataLocation), { ifEtag: head.etag });
    } catch (error) {
      if (!isLakehouseError(error, "PRECONDITION_FAILED")) throw error;
      await this.store.delete([metadataLocation]);
      throw new LakehouseError("COMMIT_CONFLICT", this.#pointer, "Another commit was first.");
    }
    await this.afterSwap?.();
    return { metadata, metadataLocation };
  }
}
