import type { PartitionTuple, SortOrderId, SpecId } from "../partitioning/types.js";
import type { FieldId } from "../types/types.js";
import type { SequenceNumber, SnapshotId } from "./types.js";

export type FileContent = "data" | "position-deletes" | "equality-deletes";
export type FileFormat = "parquet" | "avro" | "orc" | "puffin";

/** Per column of a file, by field id. */
export type MetricMap<V> = ReadonlyMap<FieldId, V>;

/**
 * A data or delete file with its metrics (spec, "Data File Fields"). Sizes in bytes. Bounds are in the binary
 * single-value form (Appendix D); strings and binaries may be cut, so they bound and need not be values.
 */
export interface DataFile {
  readonly content: FileContent;
  readonly filePath: string;
  readonly fileFormat: FileFormat;
  /** Spec of `partition`. Not stored in the file's entry: comes from its manifest. */
  readonly specId: SpecId;
  readonly partition: PartitionTuple;
  readonly recordCount: bigint;
  readonly fileSizeInBytes: bigint;
  readonly columnSizes?: MetricMap<bigint> | undefined;
  /** Values including nulls and NaNs. */
  readonly valueCounts?: MetricMap<bigint> | undefined;
  readonly nullValueCounts?: MetricMap<bigint> | undefined;
  readonly nanValueCounts?: MetricMap<bigint> | undefined;
  readonly lowerBounds?: MetricMap<Uint8Array> | undefined;
  readonly upperBounds?: MetricMap<Uint8Array> | undefined;
  readonly keyMetadata?: Uint8Array | undefined;
  /** Offsets at which the file can be split, ascending: row groups. */
  readonly splitOffsets?: readonly bigint[] | undefined;
  /** Equality deletes only: the fields that are compared. */
  readonly equalityIds?: readonly FieldId[] | undefined;
  readonly sortOrderId?: SortOrderId | undefined;
  /** v3 data files: row id of the file's first row. */
  readonly firstRowId?: bigint | undefined;
  /** Position deletes and deletion vectors: the one data file that they refer to. */
  readonly referencedDataFile?: string | undefined;
  /** Deletion vectors: where the blob starts in its Puffin file. */
  readonly contentOffset?: bigint | undefined;
  /** Deletion vectors: length of the blob. */
  readonly contentSizeInBytes?: bigint | undefined;
}

/** Looks up a metric of one column. */
export interface MetricLookup<V> {
  get(id: FieldId): V | undefined;
}

/** What pruning needs to know of a file: little enough to read it of thousands that are then left out. */
export interface FileBrief
  extends Pick<DataFile, "specId" | "partition" | "recordCount" | "fileSizeInBytes"> {
  readonly valueCounts?: MetricLookup<bigint> | undefined;
  readonly nullValueCounts?: MetricLookup<bigint> | undefined;
  readonly nanValueCounts?: MetricLookup<bigint> | undefined;
  readonly lowerBounds?: MetricLookup<Uint8Array> | undefined;
  readonly upperBounds?: MetricLookup<Uint8Array> | undefined;
}

export type EntryStatus = "existing" | "added" | "deleted";

/** A row of a manifest (spec, "Manifest Entry Fields"). Inherited values are filled in once the manifest is read through its list. */
export interface ManifestEntry {
  readonly status: EntryStatus;
  readonly snapshotId?: SnapshotId | undefined;
  /** Data sequence number: the age of the rows. */
  readonly sequenceNumber?: SequenceNumber | undefined;
  /** Sequence number of the commit that added the file. */
  readonly fileSequenceNumber?: SequenceNumber | undefined;
  readonly dataFile: DataFile;
}

/** Summary of one partition field over a manifest (spec, "Manifest Lists", `field_summary`). */
export interface FieldSummary {
  readonly containsNull: boolean;
  readonly containsNan?: boolean | undefined;
  /** Binary single-value form; over the values that are neither null nor NaN. */
  readonly lowerBound?: Uint8Array | undefined;
  readonly upperBound?: Uint8Array | undefined;
}

export type ManifestContent = "data" | "deletes";

/** A row of a manifest list (spec, "Manifest Lists"). Counts are `undefined` where a v1 writer left them out. */
export interface ManifestFile {
  readonly manifestPath: string;
  readonly manifestLength: bigint;
  readonly partitionSpecId: SpecId;
  readonly content: ManifestContent;
  readonly sequenceNumber: SequenceNumber;
  readonly minSequenceNumber: SequenceNumber;
  readonly addedSnapshotId: SnapshotId;
  readonly addedFilesCount?: number | undefined;
  readonly existingFilesCount?: number | undefined;
  readonly deletedFilesCount?: number | undefined;
  readonly addedRowsCount?: bigint | undefined;
  readonly existingRowsCount?: bigint | undefined;
  readonly deletedRowsCount?: bigint | undefined;
  /** One per field of the manifest's spec. */
  readonly partitions?: readonly FieldSummary[] | undefined;
  readonly keyMetadata?: Uint8Array | undefined;
  /** v3 data manifests: the row id at which files without one start. */
  readonly firstRowId?: bigint | undefined;
}
