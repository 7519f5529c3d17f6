import type { ObjectStore } from "../../../storage/index.js";
import type { Snapshot, TableMetadata } from "../../model/metadata/types.js";
import { resolveSnapshot, type SnapshotAt } from "../scan/snapshot-at.js";
import {
  allEntries,
  type EntryRow,
  type FileRow,
  inspectEntries,
  inspectFiles,
  inspectManifests,
  inspectPartitions,
  type ManifestRow,
  type PartitionRow,
} from "./inspect-files.js";
import {
  type HistoryRow,
  inspectHistory,
  inspectRefs,
  inspectSnapshots,
  type RefRow,
  type SnapshotRow,
} from "./inspect-metadata.js";
import { type VerifiedFile, verifyFiles } from "./verify.js";

/** The metadata tables of one table version. Those about files show the current snapshot unless another is named. */
export class TableInspection {
  readonly #store: ObjectStore;
  readonly #metadata: TableMetadata;

  constructor(store: ObjectStore, metadata: TableMetadata) {
    this.#store = store;
    this.#metadata = metadata;
  }

  #snapshot(at: SnapshotAt): Snapshot | undefined {
    return resolveSnapshot(this.#metadata, at).snapshot;
  }

  snapshots(): SnapshotRow[] {
    return inspectSnapshots(this.#metadata);
  }

  history(): HistoryRow[] {
    return inspectHistory(this.#metadata);
  }

  refs(): RefRow[] {
    return inspectRefs(this.#metadata);
  }

  manifests(at: SnapshotAt = {}): Promise<ManifestRow[]> {
    return inspectManifests(this.#store, this.#metadata, this.#snapshot(at));
  }

  entries(at: SnapshotAt = {}): Promise<EntryRow[]> {
    return inspectEntries(this.#store, this.#metadata, this.#snapshot(at));
  }

  files(at: SnapshotAt = {}): Promise<FileRow[]> {
    return inspectFiles(this.#store, this.#metadata, this.#snapshot(at));
  }

  /** Reads all data and delete files, and tells which are missing or damaged: see {@link verifyFiles}. */
  async *verify(at: SnapshotAt = {}): AsyncGenerator<VerifiedFile, void, undefined> {
    const entries = await allEntries(this.#store, this.#metadata, this.#snapshot(at));
    const live = entries.filter(({ status }) => status !== "deleted");
    yield* verifyFiles(
      this.#store,
      live.map(({ dataFile }) => dataFile),
    );
  }

  partitions(at: SnapshotAt = {}): Promise<PartitionRow[]> {
    return inspectPartitions(this.#store, this.#metadata, this.#snapshot(at));
  }
}
