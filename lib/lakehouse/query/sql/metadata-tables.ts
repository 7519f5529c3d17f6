import {
  inspectFiles,
  inspectHistory,
  inspectManifests,
  inspectPartitions,
  inspectRefs,
  inspectSnapshots,
  type Snapshot,
  type Table,
} from "../../iceberg/index.js";
import { type Cell, type Column, rowsSql } from "./rows-sql.js";

interface MetadataRows {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
}

type Reader = (table: Table, snapshot: Snapshot | undefined) => MetadataRows | Promise<MetadataRows>;

/** The metadata tables, by the names that Iceberg's engines give them. Summaries and partitions are maps of text. */
const READERS: Readonly<Record<string, Reader>> = {
  snapshots: ({ metadata }) => ({
    columns: [
      ["committed_at", "TIMESTAMPTZ"],
      ["snapshot_id", "BIGINT"],
      ["parent_id", "BIGINT"],
      ["operation", "VARCHAR"],
      ["manifest_list", "VARCHAR"],
      ["summary", "MAP(VARCHAR, VARCHAR)"],
    ],
    rows: inspectSnapshots(metadata).map((row) => [
      row.committedAt,
      row.snapshotId,
      row.parentId,
      row.operation,
      row.manifestList,
      row.summary,
    ]),
  }),
  history: ({ metadata }) => ({
    columns: [
      ["made_current_at", "TIMESTAMPTZ"],
      ["snapshot_id", "BIGINT"],
      ["parent_id", "BIGINT"],
      ["is_current_ancestor", "BOOLEAN"],
    ],
    rows: inspectHistory(metadata).map((row) => [
      row.madeCurrentAt,
      row.snapshotId,
      row.parentId,
      row.isCurrentAncestor,
    ]),
  }),
  refs: ({ metadata }) => ({
    columns: [
      ["name", "VARCHAR"],
      ["type", "VARCHAR"],
      ["snapshot_id", "BIGINT"],
      ["max_reference_age_in_ms", "BIGINT"],
      ["min_snapshots_to_keep", "INTEGER"],
      ["max_snapshot_age_in_ms", "BIGINT"],
    ],
    rows: inspectRefs(metadata).map((row) => [
      row.name,
      row.type,
      row.snapshotId,
      row.maxReferenceAgeInMs,
      row.minSnapshotsToKeep,
      row.maxSnapshotAgeInMs,
    ]),
  }),
  manifests: async ({ store, metadata }, snapshot) => ({
    columns: [
      ["content", "VARCHAR"],
      ["path", "VARCHAR"],
      ["length", "BIGINT"],
      ["partition_spec_id", "INTEGER"],
      ["sequence_number", "BIGINT"],
      ["added_snapshot_id", "BIGINT"],
      ["added_files_count", "INTEGER"],
      ["existing_files_count", "INTEGER"],
      ["deleted_files_count", "INTEGER"],
    ],
    rows: (await inspectManifests(store, metadata, snapshot)).map((row) => [
      row.content,
      row.path,
      row.length,
      row.partitionSpecId,
      row.sequenceNumber,
      row.addedSnapshotId,
      row.addedFilesCount,
      row.existingFilesCount,
      row.deletedFilesCount,
    ]),
  }),
  files: async ({ store, metadata }, snapshot) => ({
    columns: [
      ["content", "VARCHAR"],
      ["file_path", "VARCHAR"],
      ["file_format", "VARCHAR"],
      ["spec_id", "INTEGER"],
      ["partition", "MAP(VARCHAR, VARCHAR)"],
      ["record_count", "BIGINT"],
      ["file_size_in_bytes", "BIGINT"],
    ],
    rows: (await inspectFiles(store, metadata, snapshot)).map((row) => [
      row.content,
      row.filePath,
      row.fileFormat,
      row.specId,
      row.partition,
      row.recordCount,
      row.fileSizeInBytes,
    ]),
  }),
  partitions: async ({ store, metadata }, snapshot) => ({
    columns: [
      ["partition", "MAP(VARCHAR, VARCHAR)"],
      ["spec_id", "INTEGER"],
      ["record_count", "BIGINT"],
      ["file_count", "INTEGER"],
      ["total_data_file_size_in_bytes", "BIGINT"],
      ["position_delete_record_count", "BIGINT"],
      ["equality_delete_record_count", "BIGINT"],
    ],
    rows: (await inspectPartitions(store, metadata, snapshot)).map((row) => [
      row.partition,
      row.specId,
      row.recordCount,
      row.fileCount,
      row.totalDataFileSizeInBytes,
      row.positionDeleteRecordCount,
      row.equalityDeleteRecordCount,
    ]),
  }),
};

/** A SELECT of the rows of a metadata table; `undefined` when there is none of that name. */
export async function metadataTable(
  table: Table,
  name: string,
  snapshot: Snapshot | undefined,
): Promise<string | undefined> {
  const key = name.toLowerCase();
  const reader = Object.hasOwn(READERS, key) ? READERS[key] : undefined;
  if (!reader) return undefined;
  const { columns, rows } = await reader(table, snapshot);
  return rowsSql(columns, rows);
}
