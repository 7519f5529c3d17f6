import type {
  PartitionFieldId,
  PartitionSpec,
  SortOrder,
  SortOrderId,
  SpecId,
} from "../partitioning/types.js";
import type { FieldId, Schema, SchemaId } from "../types/types.js";

export type SnapshotId = bigint & { readonly __flavor?: "SnapshotId" };
/** Order of commits: every commit has the next one. 0 in v1 tables. */
export type SequenceNumber = bigint & { readonly __flavor?: "SequenceNumber" };
/** Milliseconds from 1970-01-01T00:00Z. */
export type TimestampMs = bigint & { readonly __flavor?: "TimestampMs" };

export type FormatVersion = 1 | 2 | 3;

/** What a snapshot did to its parent (spec, "Snapshots"). */
export type Operation = "append" | "replace" | "overwrite" | "delete";

/** `operation` and the optional counts of Appendix F, all as text. */
export interface SnapshotSummary {
  readonly operation: Operation;
  readonly [key: string]: string;
}

/** The state of a table at one time (spec, "Snapshots"). */
export interface Snapshot {
  readonly snapshotId: SnapshotId;
  readonly parentSnapshotId?: SnapshotId | undefined;
  /** 0 for snapshots of v1. */
  readonly sequenceNumber: SequenceNumber;
  readonly timestampMs: TimestampMs;
  /** Location of the manifest list. Absent only in v1, where `manifests` lists the manifests inline. */
  readonly manifestList?: string | undefined;
  readonly manifests?: readonly string[] | undefined;
  /** May be absent in v1. */
  readonly summary?: SnapshotSummary | undefined;
  readonly schemaId?: SchemaId | undefined;
  /** v3: the first row id of the first row of the first manifest. */
  readonly firstRowId?: bigint | undefined;
  /** v3: upper bound of the rows that got row ids in this snapshot. */
  readonly addedRows?: bigint | undefined;
  /** v3: the key that encrypts the manifest list's key metadata. */
  readonly keyId?: string | undefined;
}

/** A branch or tag (spec, "Snapshot References"). */
export interface SnapshotRef {
  readonly type: "branch" | "tag";
  readonly snapshotId: SnapshotId;
  /** Branches only: expiry keeps at least so many snapshots. */
  readonly minSnapshotsToKeep?: number | undefined;
  /** Branches only: expiry keeps snapshots younger than this, in ms. */
  readonly maxSnapshotAgeMs?: bigint | undefined;
  /** Age of the reference itself after which expiry removes it, in ms. `main` never expires. */
  readonly maxRefAgeMs?: bigint | undefined;
}

export interface SnapshotLogEntry {
  readonly timestampMs: TimestampMs;
  readonly snapshotId: SnapshotId;
}

export interface MetadataLogEntry {
  readonly timestampMs: TimestampMs;
  readonly metadataFile: string;
}

/** What a blob of a Puffin statistics file holds (spec, "Table Statistics"). */
export interface BlobMetadata {
  readonly type: string;
  readonly snapshotId: SnapshotId;
  readonly sequenceNumber: SequenceNumber;
  readonly fields: readonly FieldId[];
  readonly properties?: Readonly<Record<string, string>> | undefined;
}

/** A Puffin file with statistics of one snapshot. */
export interface StatisticsFile {
  readonly snapshotId: SnapshotId;
  readonly statisticsPath: string;
  readonly fileSizeInBytes: bigint;
  readonly fileFooterSizeInBytes: bigint;
  readonly keyMetadata?: string | undefined;
  readonly blobMetadata: readonly BlobMetadata[];
}

/** A file with statistics by partition of one snapshot (spec, "Partition Statistics"). */
export interface PartitionStatisticsFile {
  readonly snapshotId: SnapshotId;
  readonly statisticsPath: string;
  readonly fileSizeInBytes: bigint;
}

/** A key of table encryption (spec, "Encryption Keys"). v3. */
export interface EncryptionKey {
  readonly keyId: string;
  /** Base64 of the encrypted key metadata. */
  readonly encryptedKeyMetadata: string;
  readonly encryptedById?: string | undefined;
  readonly properties?: Readonly<Record<string, string>> | undefined;
}

/**
 * A version of a table's metadata (spec, "Table Metadata"), v1 to v3 in one shape: what an older version leaves
 * out is filled in as Appendix E says. Immutable; `applyUpdates` makes the next version.
 */
export interface TableMetadata {
  readonly formatVersion: FormatVersion;
  readonly tableUuid: string;
  readonly location: string;
  readonly lastSequenceNumber: SequenceNumber;
  readonly lastUpdatedMs: TimestampMs;
  /** Highest field id ever given to a column. */
  readonly lastColumnId: FieldId;
  readonly schemas: readonly Schema[];
  readonly currentSchemaId: SchemaId;
  readonly partitionSpecs: readonly PartitionSpec[];
  readonly defaultSpecId: SpecId;
  /** Highest field id ever given to a partition field; 999 when there was none. */
  readonly lastPartitionId: PartitionFieldId;
  readonly properties: Readonly<Record<string, string>>;
  /** `undefined` while the table has no current snapshot. Always the snapshot of the branch `main`. */
  readonly currentSnapshotId: SnapshotId | undefined;
  readonly snapshots: readonly Snapshot[];
  /** Which snapshot was current from when on, oldest first. */
  readonly snapshotLog: readonly SnapshotLogEntry[];
  /** Earlier metadata files, oldest first. */
  readonly metadataLog: readonly MetadataLogEntry[];
  readonly sortOrders: readonly SortOrder[];
  readonly defaultSortOrderId: SortOrderId;
  /** Branches and tags by name. */
  readonly refs: Readonly<Record<string, SnapshotRef>>;
  readonly statistics: readonly StatisticsFile[];
  readonly partitionStatistics: readonly PartitionStatisticsFile[];
  /** v3: higher than every row id given so far. 0 before v3. */
  readonly nextRowId: bigint;
  readonly encryptionKeys: readonly EncryptionKey[];
}
