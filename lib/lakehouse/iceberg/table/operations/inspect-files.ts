import { mapConcurrent, READ_CONCURRENCY } from "../../../concurrency.js";
import type { ObjectStore } from "../../../storage/index.js";
import { partitionKey } from "../../files/deletes/delete-rules.js";
import { readManifests } from "../../files/manifest/list.js";
import { readManifest } from "../../files/manifest/reader.js";
import { type ResolvedSpec, specOf, specsById } from "../../files/manifest/specs.js";
import { currentSchema } from "../../model/metadata/lookup.js";
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

export async function allEntries(
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

type Counting = { -readonly [Key in keyof PartitionRow]: PartitionRow[Key] };

/** Counts a file into the row of its partition. */
const COUNT: Readonly<Record<FileContent, (row: Counting, file: DataFile) => void>> = {
  data: (row, { recordCount, fileSizeInBytes }) => {
    row.recordCount += recordCount;
    row.fileCount += 1;
    row.totalDataFileSizeInBytes += fileSizeInBytes;
  },
  "position-deletes": (row, { recordCount }) => {
    row.positionDeleteRecordCount += recordCount;
    row.positionDeleteFileCount += 1;
  },
  "equality-deletes": (row, { recordCount }) => {
    row.equalityDeleteRecordCount += recordCount;
    row.equalityDeleteFileCount += 1;
  },
};

/** What each partition of a snapshot holds. Records are counted before deletes are applied. */
export async function inspectPartitions(
  store: ObjectStore,
  metadata: TableMetadata,
  snapshot: Snapshot | undefined,
): Promise<PartitionRow[]> {
  const rows = new Map<string, Counting>();
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
    COUNT[file.content](row, file);
  }
  return [...rows.values()];
}
