/** Tables: one version of a table's metadata, what can be done with it, and the loop that commits it. */
export type { AddFilesOptions } from "./add-files.js";
export { COMMIT_TOKEN, type CommitOptions, commitUpdates } from "./commit.js";
export type { ExpireOptions } from "./expire.js";
export {
  FileChange,
  type OverwriteOptions,
  type SnapshotOptions,
  type TableState,
  type WriteMode,
} from "./file-change.js";
export {
  type ColumnMetricsRow,
  type EntryRow,
  type FileRow,
  type HistoryRow,
  inspectEntries,
  inspectFiles,
  inspectHistory,
  inspectManifests,
  inspectPartitions,
  inspectRefs,
  inspectSnapshots,
  type ManifestRow,
  type PartitionRow,
  type PartitionSummaryRow,
  type RefRow,
  type SnapshotRow,
  TableInspection,
} from "./inspect.js";
export { dataFileLocation, metadataFileLocation } from "./locations.js";
export type { MergeOptions, UpsertOptions } from "./merge.js";
export { type OpenOptions, type OpenTableOptions, openTable, openTableAt } from "./open.js";
export type { AppendOptions, RewriteFiles } from "./operations.js";
export {
  booleanProperty,
  numberProperty,
  TABLE_PROPERTIES,
  type TableProperty,
  textProperty,
} from "./properties.js";
export { CherryPick, type NewRef, type Retention } from "./refs.js";
export type { RowChangeOptions } from "./row-changes.js";
export type { RowDelta } from "./row-delta.js";
export type {
  AssignedValue,
  Assignments,
  ChangedRows,
  MergeRequest,
  RowEngine,
  RowMerge,
  RowsRequest,
} from "./row-engine.js";
export { Table, type TableInit } from "./table.js";
export { Transaction } from "./transaction.js";
export type { VerifiedFile } from "./verify.js";
