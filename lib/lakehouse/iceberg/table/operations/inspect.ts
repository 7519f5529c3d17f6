import { mapConcurrent, READ_CONCURRENCY } from "../../../concurrency.js";
import type { ObjectStore } from "../../../storage/index.js";
import { partitionKey } from "../../files/deletes/delete-rules.js";
import { readManifests } from "../../files/manifest/list.js";
import { readManifest } from "../../files/manifest/reader.js";
import { type ResolvedSpec, specOf, specsById } from "../../files/manifest/specs.js";
import { ancestorsOf, currentSchema } from "../../model/metadata/lookup.js";
import type {
  DataFile,
  EntryStatus,
  FileContent,
  ManifestContent,
  ManifestEntry,
  ManifestFile,
} from "../../model/metadata/manifest-types.js";
import type { Snapshot, SnapshotId, TableMetadata } from "../../model/metadata/types.js";
import type { PartitionTuple, SpecId } from "../../model/partitioning/types.js";
import { allFields } from "../../model/schema/lookup.js";
import { humanPartitionValue } from "../../model/transforms/transform.js";
import { isPrimitiveType } from "../../model/types/type-text.js";
import type { PrimitiveType, PrimitiveValue } from "../../model/types/types.js";
import { fromBinary } from "../../model/values/single-value.js";
import { resolveSnapshot, type SnapshotAt } from "../scan/snapshot-at.js";
import { type VerifiedFile, verifyFiles } from "./verify.js";

/** A table's metadata as plain rows, named as Iceberg's metadata tables name their columns. */

export interface SnapshotRow {
  readonly committedAt: Date;
  readonly snapshotId: SnapshotId;
  readonly parentId: SnapshotId | undefined;
  readonly operation: string | undefined;
  readonly manifestList: string | undefined;
  readonly summary: Readonly<Record<string, string>>;
}

export function inspectSnapshots(metadata: TableMetadata): SnapshotRow[] {
  return metadata.snapshots.map((snapshot) => {
    const { operation, ...summary } = snapshot.summary ?? { operation: undefined };
    return {
      committedAt: new Date(Number(snapshot.timestampMs)),
      snapshotId: snapshot.snapshotId,
      parentId: snapshot.parentSnapshotId,
      operation,
      manifestList: snapshot.manifestList,
      summary,
    };
  });
}

export interface HistoryRow {
  readonly madeCurrentAt: Date;
  readonly snapshotId: SnapshotId;
  readonly parentId: SnapshotId | undefined;
  /** False for a snapshot that was rolled back since. */
  readonly isCurrentAncestor: boolean;
}

export function inspectHistory(metadata: TableMetadata): HistoryRow[] {
  const current = metadata.currentSnapshotId;
  const ancestors = new Set(
    current === undefined ? [] : [...ancestorsOf(metadata, current)].map((snapshot) => snapshot.snapshotId),
  );
  return metadata.snapshotLog.map(({ timestampMs, snapshotId }) => ({
    madeCurrentAt: new Date(Number(timestampMs)),
    snapshotId,
    parentId: metadata.snapshots.find((snapshot) => snapshot.snapshotId === snapshotId)?.parentSnapshotId,
    isCurrentAncestor: ancestors.has(snapshotId),
  }));
}

export interface RefRow {
  readonly name: string;
  readonly type: "branch" | "tag";
  readonly snapshotId: SnapshotId;
  readonly maxReferenceAgeInMs: bigint | undefined;
  readonly minSnapshotsToKeep: number | undefined;
  readonly maxSnapshotAgeInMs: bigint | undefined;
}

export function inspectRefs(metadata: TableMetadata): RefRow[] {
  return Object.entries(metadata.refs).map(([name, ref]) => ({
    name,
    type: ref.type,
    snapshotId: ref.snapshotId,
    maxReferenceAgeInMs: ref.maxRefAgeMs,
    minSnapshotsToKeep: ref.minSnapshotsToKeep,
    maxSnapshotAgeInMs: ref.maxSnapshotAgeMs,
  }));
}

export interface PartitionSummaryRow {
  readonly containsNull: boolean;
  readonly containsNan: boolean | undefined;
  readonly lowerBound: string | undefined;
  readonly upperBound: string | undefined;
}

export interface ManifestRow {
  readonly content: ManifestContent;
  readonly path: string;
  readonly length: bigint;
  readonly partitionSpecId: SpecId;
  readonly sequenceNumber: bigint;
  readonly addedSnapshotId: SnapshotId;
  readonly addedFilesCount: number | undefined;
  readonly existingFilesCount: number | undefined;
  readonly deletedFilesCount: number | undefined;
  readonly partitionSummaries: readonly PartitionSummaryRow[];
}

export async function inspectManifests(
  store: ObjectStore,
  metadata: TableMetadata,
  snapshot: Snapshot | undefined,
): Promise<ManifestRow[]> {
  if (snapshot === undefined) return [];
  const specs = specsById(metadata);
  return (await readManifests(store, snapshot)).map((manifest) => ({
    content: manifest.content,
    path: manifest.manifestPath,
    length: manifest.manifestLength,
    partitionSpecId: manifest.partitionSpecId,
    sequenceNumber: manifest.sequenceNumber,
    addedSnapshotId: manifest.addedSnapshotId,
    addedFilesCount: manifest.addedFilesCount,
    existingFilesCount: manifest.existingFilesCount,
    deletedFilesCount: manifest.deletedFilesCount,
    partitionSummaries: summaries(manifest, specOf(specs, manifest.partitionSpecId, manifest.manifestPath)),
  }));
}

function summaries(manifest: ManifestFile, { spec, types }: ResolvedSpec): PartitionSummaryRow[] {
  return (manifest.partitions ?? []).map((summary, i) => {
    const field = spec.fields[i];
    const type = types[i];
    const text = (bound: Uint8Array | undefined): string | undefined =>
      bound === undefined || field === undefined || type === undefined
        ? undefined
        : humanPartitionValue(field.transform, type, fromBinary(type, bound));
    return {
      containsNull: summary.containsNull,
      containsNan: summary.containsNan,
      lowerBound: text(summary.lowerBound),
      upperBound: text(summary.upperBound),
    };
  });
}

export interface EntryRow {
  readonly status: EntryStatus;
  readonly snapshotId: SnapshotId | undefined;
  readonly sequenceNumber: bigint | undefined;
  readonly fileSequenceNumber: bigint | undefined;
  readonly dataFile: FileRow;
}

export interface ColumnMetricsRow {
  readonly columnSize: bigint | undefined;
  readonly valueCount: bigint | undefined;
  readonly nullValueCount: bigint | undefined;
  readonly nanValueCount: bigint | undefined;
  readonly lowerBound: PrimitiveValue | undefined;
  readonly upperBound: PrimitiveValue | undefined;
}

export interface FileRow {
  readonly content: FileContent;
  readonly filePath: string;
  readonly fileFormat: string;
  readonly specId: SpecId;
  /** Partition values by field name, as people read them. */
  readonly partition: Readonly<Record<string, string>>;
  readonly recordCount: bigint;
  readonly fileSizeInBytes: bigint;
  readonly splitOffsets: readonly bigint[] | undefined;
  readonly equalityIds: readonly number[] | undefined;
  readonly sortOrderId: number | undefined;
  readonly firstRowId: bigint | undefined;
  readonly referencedDataFile: string | undefined;
  /** By full column name; bounds in canonical form. */
  readonly readableMetrics: Readonly<Record<string, ColumnMetricsRow>>;
}

/** All entries of a snapshot's manifests, also the deleted ones. */
export async function inspectEntries(
  store: ObjectStore,
  metadata: TableMetadata,
  snapshot: Snapshot | undefined,
): Promise<EntryRow[]> {
  return (await allEntries(store, metadata, snapshot)).map((entry) => ({
    status: entry.status,
    snapshotId: entry.snapshotId,
    sequenceNumber: entry.sequenceNumber,
    fileSequenceNumber: entry.fileSequenceNumber,
    dataFile: fileRow(entry.dataFile, metadata),
  }));
}

/** The data and delete files of a snapshot. */
export async function inspectFiles(
  store: ObjectStore,
  metadata: TableMetadata,
  snapshot: Snapshot | undefined,
): Promise<FileRow[]> {
  const entries = await allEntries(store, metadata, snapshot);
  return entries
    .filter((entry) => entry.status !== "deleted")
    .map((entry) => fileRow(entry.dataFile, metadata));
}

async function allEntries(
  store: ObjectStore,
  metadata: TableMetadata,
  snapshot: Snapshot | undefined,
): Promise<ManifestEntry[]> {
  if (snapshot === undefined) return [];
  const specs = specsById(metadata);
  const manifests = await readManifests(store, snapshot);
  return (
    await mapConcurrent(manifests, READ_CONCURRENCY, (manifest) => readManifest(store, manifest, specs))
  ).flat();
}

function fileRow(file: DataFile, metadata: TableMetadata): FileRow {
  return {
    content: file.content,
    filePath: file.filePath,
    fileFormat: file.fileFormat,
    specId: file.specId,
    partition: readablePartition(specOf(specsById(metadata), file.specId, file.filePath), file.partition),
    recordCount: file.recordCount,
    fileSizeInBytes: file.fileSizeInBytes,
    splitOffsets: file.splitOffsets,
    equalityIds: file.equalityIds,
    sortOrderId: file.sortOrderId,
    firstRowId: file.firstRowId,
    referencedDataFile: file.referencedDataFile,
    readableMetrics: readableMetrics(file, metadata),
  };
}

function readablePartition({ spec, types }: ResolvedSpec, tuple: PartitionTuple): Record<string, string> {
  return Object.fromEntries(
    spec.fields.map((field, i) => [
      field.name,
      humanPartitionValue(field.transform, types[i] as PrimitiveType, tuple[i] ?? null),
    ]),
  );
}

function readableMetrics(file: DataFile, metadata: TableMetadata): Record<string, ColumnMetricsRow> {
  const rows: [string, ColumnMetricsRow][] = [];
  for (const { field, name } of allFields(currentSchema(metadata))) {
    const { type, id } = field;
    if (!isPrimitiveType(type)) continue;
    const bound = (bytes: Uint8Array | undefined): PrimitiveValue | undefined =>
      bytes && fromBinary(type, bytes);
    const row = {
      columnSize: file.columnSizes?.get(id),
      valueCount: file.valueCounts?.get(id),
      nullValueCount: file.nullValueCounts?.get(id),
      nanValueCount: file.nanValueCounts?.get(id),
      lowerBound: bound(file.lowerBounds?.get(id)),
      upperBound: bound(file.upperBounds?.get(id)),
    };
    rows.push([name, row]);
  }
  return Object.fromEntries(rows);
}

export interface PartitionRow {
  readonly specId: SpecId;
  readonly partition: Readonly<Record<string, string>>;
  readonly recordCount: bigint;
  readonly fileCount: number;
  readonly totalDataFileSizeInBytes: bigint;
  readonly positionDeleteRecordCount: bigint;
  readonly positionDeleteFileCount: number;
  readonly equalityDeleteRecordCount: bigint;
  readonly equalityDeleteFileCount: number;
}

/** What each partition of a snapshot holds. Records are counted before deletes are applied. */
export async function inspectPartitions(
  store: ObjectStore,
  metadata: TableMetadata,
  snapshot: Snapshot | undefined,
): Promise<PartitionRow[]> {
  const rows = new Map<string, { -readonly [K in keyof PartitionRow]: PartitionRow[K] }>();
  const specs = specsById(metadata);
  for (const { status, dataFile: file } of await allEntries(store, metadata, snapshot)) {
    if (status === "deleted") continue;
    const key = partitionKey(file.specId, file.partition);
    let row = rows.get(key);
    if (row === undefined) {
      row = {
        specId: file.specId,
        partition: readablePartition(specOf(specs, file.specId, file.filePath), file.partition),
        recordCount: 0n,
        fileCount: 0,
        totalDataFileSizeInBytes: 0n,
        positionDeleteRecordCount: 0n,
        positionDeleteFileCount: 0,
        equalityDeleteRecordCount: 0n,
        equalityDeleteFileCount: 0,
      };
      rows.set(key, row);
    }
    if (file.content === "data") {
      row.recordCount += file.recordCount;
      row.fileCount += 1;
      row.totalDataFileSizeInBytes += file.fileSizeInBytes;
    } else if (file.content === "position-deletes") {
      row.positionDeleteRecordCount += file.recordCount;
      row.positionDeleteFileCount += 1;
    } else {
      row.equalityDeleteRecordCount += file.recordCount;
      row.equalityDeleteFileCount += 1;
    }
  }
  return [...rows.values()];
}

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
