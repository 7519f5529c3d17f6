import type {
  EncryptionKey,
  FormatVersion,
  PartitionStatisticsFile,
  Snapshot,
  SnapshotId,
  SnapshotRef,
  StatisticsFile,
  TableMetadata,
} from "../../model/metadata/types.js";
import type { PartitionSpec, SortOrder, SortOrderId, SpecId } from "../../model/partitioning/types.js";
import type { FieldId, Schema, SchemaId } from "../../model/types/types.js";

/** A change of table metadata, in the REST catalog's vocabulary. An id of -1 means "the one added last". */
export type TableUpdate =
  | { readonly action: "assign-uuid"; readonly uuid: string }
  | { readonly action: "upgrade-format-version"; readonly formatVersion: FormatVersion }
  | { readonly action: "add-schema"; readonly schema: Schema; readonly lastColumnId?: FieldId }
  | { readonly action: "set-current-schema"; readonly schemaId: SchemaId }
  | { readonly action: "add-spec"; readonly spec: PartitionSpec }
  | { readonly action: "set-default-spec"; readonly specId: SpecId }
  | { readonly action: "add-sort-order"; readonly sortOrder: SortOrder }
  | { readonly action: "set-default-sort-order"; readonly sortOrderId: SortOrderId }
  | { readonly action: "add-snapshot"; readonly snapshot: Snapshot }
  | { readonly action: "set-snapshot-ref"; readonly refName: string; readonly ref: SnapshotRef }
  | { readonly action: "remove-snapshots"; readonly snapshotIds: readonly SnapshotId[] }
  | { readonly action: "remove-snapshot-ref"; readonly refName: string }
  | { readonly action: "set-location"; readonly location: string }
  | { readonly action: "set-properties"; readonly updates: Readonly<Record<string, string>> }
  | { readonly action: "remove-properties"; readonly removals: readonly string[] }
  | { readonly action: "set-statistics"; readonly statistics: StatisticsFile }
  | { readonly action: "remove-statistics"; readonly snapshotId: SnapshotId }
  | { readonly action: "set-partition-statistics"; readonly partitionStatistics: PartitionStatisticsFile }
  | { readonly action: "remove-partition-statistics"; readonly snapshotId: SnapshotId }
  | { readonly action: "remove-partition-specs"; readonly specIds: readonly SpecId[] }
  | { readonly action: "remove-schemas"; readonly schemaIds: readonly SchemaId[] }
  | { readonly action: "add-encryption-key"; readonly encryptionKey: EncryptionKey }
  | { readonly action: "remove-encryption-key"; readonly keyId: string };

/** What must hold of the table when a commit is applied, in the REST catalog's vocabulary. */
export type TableRequirement =
  | { readonly type: "assert-create" }
  | { readonly type: "assert-table-uuid"; readonly uuid: string }
  /** `null`: the ref must not exist. */
  | { readonly type: "assert-ref-snapshot-id"; readonly ref: string; readonly snapshotId: SnapshotId | null }
  | { readonly type: "assert-last-assigned-field-id"; readonly lastAssignedFieldId: number }
  | { readonly type: "assert-current-schema-id"; readonly currentSchemaId: SchemaId }
  | { readonly type: "assert-last-assigned-partition-id"; readonly lastAssignedPartitionId: number }
  | { readonly type: "assert-default-spec-id"; readonly defaultSpecId: SpecId }
  | { readonly type: "assert-default-sort-order-id"; readonly defaultSortOrderId: SortOrderId };

/** A table by namespace levels and name. */
export interface TableIdentifier {
  readonly namespace: readonly string[];
  readonly name: string;
}

export interface LoadedTable {
  readonly metadata: TableMetadata;
  /** URI of the metadata file. */
  readonly metadataLocation: string;
}

export interface CommitRequest {
  readonly requirements: readonly TableRequirement[];
  readonly updates: readonly TableUpdate[];
  /** For the catalog's log. */
  readonly message?: string | undefined;
  /** Idempotency: the same token twice is applied once. */
  readonly token?: string | undefined;
  /** Resolves when the files that the updates lead to are in the store. Only for a committer that waits for it. */
  readonly stored?: Promise<void> | undefined;
}

export interface OrphanOptions {
  /**
   * Younger files stay, in milliseconds: a writer under way has written files that no commit names yet. Measured by the
   * clock of the store. 3 days where not given; longer than the longest write, always.
   */
  readonly gracePeriodMs?: number | undefined;
  /** Finds out, and deletes nothing. */
  readonly dryRun?: boolean | undefined;
}

/** The orphans that were deleted, or in a dry run would be. */
export interface OrphanReport {
  readonly dryRun: boolean;
  /** Their URIs, in order. */
  readonly files: readonly string[];
  /** Their size together. */
  readonly bytes: number;
}

/** Applies commits to one table. Catalogs implement it; the format never knows which catalog it is in. */
export interface Committer {
  /**
   * True where metadata files are not the writer's to delete: the catalog does it, or earlier versions of the table
   * stay in its history.
   */
  readonly keepsMetadata?: boolean;
  /** True where `commit` takes requests whose files are still on their way, and waits for them before anyone sees it. */
  readonly awaitsStored?: boolean;
  /** The table as it is now. Throws `NO_SUCH_TABLE`. */
  load(): Promise<LoadedTable>;
  /**
   * Checks the requirements and applies the updates atomically. Throws `COMMIT_CONFLICT` when a requirement fails
   * or another commit was first, `COMMIT_STATE_UNKNOWN` when it cannot be known whether the commit happened.
   */
  commit(request: CommitRequest): Promise<LoadedTable>;
  /** Deletes files in the table's folder that nothing leads to. For catalogs that know of everything that may. */
  removeOrphans?(options: OrphanOptions): Promise<OrphanReport>;
}
