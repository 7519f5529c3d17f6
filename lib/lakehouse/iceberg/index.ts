/**
 * The Iceberg table format, versions 1 to 3, by the words of its spec: schemas, partitioning, expressions, metadata,
 * manifests, snapshots, scans. One folder a concept. The format never knows which catalog it is in: everything that
 * changes a table becomes requirements + updates that a `Committer` applies.
 */

export {
  commitConflict,
  commitStateUnknown,
  invalidExpression,
  invalidSchema,
  noSuchRef,
  noSuchSnapshot,
  noSuchTable,
  positionLost,
  refConflict,
  refExists,
} from "./errors.js";

export { type BatchedRows, isBatchedRows, ROW_BATCHES, type RowBatches } from "./files/arrow/batched-rows.js";
export { type BatchLimits, rowsToBatches, validateRow } from "./files/arrow/rows.js";
export { arrowToSchema, schemaToArrow, storedSchema } from "./files/arrow/schema.js";

export { Cursor as AvroCursor } from "./files/avro/cursor.js";
export { type AvroData, readAvroData } from "./files/avro/data-rows.js";
export { readAvro, writeAvro } from "./files/avro/records.js";
export type { AvroSchemaJson } from "./files/avro/types.js";

export { type AppendData, isRereadable } from "./files/data/append-data.js";

export { conformingBatches } from "./files/data/input.js";
export { hasFieldIds, withMappedIds } from "./files/data/parquet-ids.js";
export {
  expectedTypeText,
  type ParquetFit,
  parquetFit,
  parquetTypeText,
} from "./files/data/parquet-types.js";

export type {
  ArrowSource,
  Cast,
  CsvSource,
  FilesSource,
  IngestOptions,
  JsonSource,
  NdjsonSource,
  ParquetSource,
  Paths,
  Source,
  SqlSource,
} from "./files/data/source.js";

export {
  type ArrangedRows,
  type DataTarget,
  type DataWriteOptions,
  writeDataFiles,
} from "./files/data/writer.js";

export { partitionKey, referencedDataFile } from "./files/deletes/delete-rules.js";

export { equalityColumns } from "./files/deletes/equality-schema.js";
export { corruptDeletes } from "./files/deletes/parquet-columns.js";
export { PositionBitmap, type PositionRange } from "./files/deletes/position-bitmap.js";

export { PositionDeleteReader } from "./files/deletes/position-deletes.js";
export { readManifests } from "./files/manifest/list.js";
export { metadataColumns, partitionValue } from "./files/manifest/partition-column.js";
export { readLiveEntries, readManifest } from "./files/manifest/reader.js";
export {
  partitionPath,
  type ResolvedSpec,
  type SpecsById,
  specOf,
  specsById,
} from "./files/manifest/specs.js";

export {
  metadataFileVersion,
  PATH_PROPERTIES,
  readTableMetadata,
  writeTableMetadata,
} from "./files/metadata/metadata-file.js";
export type { PuffinBlobMetadata } from "./files/puffin/format.js";

export { distinctCounts, readStatistics } from "./files/puffin/statistics.js";
export type { WrittenPuffin } from "./files/puffin/writer.js";
export { decodeVariant, type VariantValue } from "./files/variant/decode.js";
export { type EncodedVariant, encodeVariant, type VariantInput } from "./files/variant/encode.js";
export { bind, referencedFieldIds } from "./model/expressions/bind.js";
export {
  alwaysFalse,
  alwaysTrue,
  and,
  eq,
  gt,
  gtEq,
  isIn,
  isNan as isNaN,
  isNull,
  lt,
  ltEq,
  not,
  notEq,
  notIn,
  notNaN,
  notNull,
  notStartsWith,
  or,
  startsWith,
  type TermInput,
} from "./model/expressions/builders.js";

export { expressionFromJson, expressionToJson } from "./model/expressions/json.js";

export { expressionToString } from "./model/expressions/text.js";
export type {
  BoundComparisonPredicate,
  BoundExpression,
  BoundPredicate,
  BoundSetPredicate,
  BoundTerm,
  BoundUnaryPredicate,
  ComparisonOperation,
  ComparisonPredicate,
  Expression,
  LiteralInput,
  SetOperation,
  SetPredicate,
  Term,
  TransformTerm,
  UnaryOperation,
  UnaryPredicate,
} from "./model/expressions/types.js";
export {
  type Json,
  type JsonInput,
  JsonNode,
  type JsonOrigin,
  parseJson,
  RawJson,
  readJson,
  stringifyJson,
} from "./model/json.js";
export {
  currentSchema,
  currentSnapshot,
  defaultSortOrder,
  defaultSpec,
  isAncestorOf,
  schemaOfSnapshot,
  snapshotAsOf,
  snapshotById,
  snapshotByRef,
  withMainAt,
} from "./model/metadata/lookup.js";
export type {
  DataFile,
  EntryStatus,
  FieldSummary,
  FileContent,
  FileFormat,
  ManifestContent,
  ManifestEntry,
  ManifestFile,
  MetricMap,
} from "./model/metadata/manifest-types.js";
export {
  CHANGE_COLUMNS,
  FILE,
  METADATA_COLUMNS,
  PARTITION,
  POSITION,
  SPEC_ID,
} from "./model/metadata/metadata-columns.js";
export { type NewTable, newTableMetadata } from "./model/metadata/new.js";
export { parseTableMetadata, tableMetadataFromJson } from "./model/metadata/parse.js";

export { LAST_UPDATED_SEQUENCE_NUMBER, lineageColumns, ROW_ID } from "./model/metadata/row-lineage.js";
export {
  serializeTableMetadata,
  tableMetadataToJson,
  tableMetadataToRawJson,
} from "./model/metadata/serialize.js";

export type {
  BlobMetadata,
  EncryptionKey,
  FormatVersion,
  MetadataLogEntry,
  Operation,
  PartitionStatisticsFile,
  SequenceNumber,
  Snapshot,
  SnapshotId,
  SnapshotLogEntry,
  SnapshotRef,
  SnapshotSummary,
  StatisticsFile,
  TableMetadata,
  TimestampMs,
} from "./model/metadata/types.js";
export { hiveFolders } from "./model/partitioning/hive-folders.js";
export {
  asc,
  buildSortOrder,
  desc,
  type SortTerm,
  sortOrderFromJson,
  sortOrderToJson,
} from "./model/partitioning/sort-order.js";
export {
  bucket,
  buildPartitionSpec,
  day,
  hour,
  identity,
  month,
  partitionSpecFromJson,
  partitionSpecToJson,
  truncate,
  voidTransform,
  year,
} from "./model/partitioning/spec.js";
export type {
  NullOrder,
  PartitionField,
  PartitionFieldId,
  PartitionFieldInit,
  PartitionSpec,
  PartitionTuple,
  SortDirection,
  SortField,
  SortFieldInit,
  SortOrder,
  SortOrderId,
  SourceIds,
  SpecId,
} from "./model/partitioning/types.js";
export {
  binary,
  boolean,
  Column,
  type ColumnInit,
  type ColumnName,
  type Columns,
  type ColumnValue,
  type DateInput,
  date,
  decimal,
  defineSchema,
  double,
  fixed,
  float,
  geography,
  geometry,
  int,
  type LongInput,
  list,
  long,
  map,
  type RowColumn,
  type RowOfColumns,
  type SchemaOptions,
  string,
  struct,
  type TimeInput,
  type TimestampInput,
  time,
  timestamp,
  timestampNs,
  timestamptz,
  timestamptzNs,
  unknown,
  uuid,
} from "./model/schema/builders.js";
export { assignFreshIds } from "./model/schema/fresh-ids.js";
export { inferRows } from "./model/schema/infer-rows.js";
export { InferredSchema } from "./model/schema/inferred.js";
export { schemaFromJson, schemaToJson, typeFromJson } from "./model/schema/json.js";
export {
  allFields,
  columnsRemedy,
  type FieldLocation,
  fieldById,
  fieldByName,
  locateById,
  locateByName,
  type NameLookup,
} from "./model/schema/lookup.js";
export {
  createNameMapping,
  DEFAULT_NAME_MAPPING,
  type MappedField,
  type NameMapping,
  nameMappingFromJson,
  nameMappingToJson,
} from "./model/schema/name-mapping.js";
export { transformToString } from "./model/transforms/transform.js";
export type { Transform } from "./model/transforms/types.js";
export { canPromote } from "./model/types/promotion.js";
export { isPrimitiveType, sameType, typeToString } from "./model/types/type-text.js";
export type {
  DefaultValue,
  EdgeAlgorithm,
  FieldId,
  IcebergType,
  ListType,
  MapType,
  NestedField,
  NestedType,
  PrimitiveType,
  PrimitiveValue,
  RowOf,
  Schema,
  SchemaId,
  StructType,
  TypedSchema,
} from "./model/types/types.js";
export { bytesToHex, isWellFormed } from "./model/values/bytes.js";
export { canonicalValue, describeValue } from "./model/values/canonical.js";
export { formatDecimal } from "./model/values/decimal.js";
export { fromJsonValue, toJsonValue } from "./model/values/json-value.js";
export { fromBinary, toBinary } from "./model/values/single-value.js";
export { requireWellFormed } from "./model/values/well-formed.js";
export { COMMIT_TOKEN, type CommitOptions } from "./table/commit.js";
export { type DayRange, dayRange, describeDays } from "./table/evolution/promotion-range.js";
export { replaceTable, type TableReplacement } from "./table/evolution/replace.js";
export { requireFit } from "./table/evolution/require-fit.js";
export {
  type PropertyChanges,
  replaceSortOrder,
  type StatisticsChanges,
  updateLocation,
  updateProperties,
  updateStatistics,
  upgradeFormatVersion,
} from "./table/evolution/settings.js";
export {
  UpdatePartitionSpec,
  type UpdatePartitionSpecOptions,
} from "./table/evolution/update-partition-spec.js";
export { type ColumnPath, UpdateSchema, type UpdateSchemaOptions } from "./table/evolution/update-schema.js";
export { type PlannedScan, plannedScans, type TableCommit, tableCommits } from "./table/metrics.js";
export { type OpenOptions, type OpenTableOptions, openTable, openTableAt } from "./table/open.js";
export type { AddFilesOptions } from "./table/operations/add-files.js";
export type { AppendOptions } from "./table/operations/append.js";
export {
  type FileGroup,
  type RewrittenGroup,
  replaceGroups,
  rewriteGroups,
} from "./table/operations/compaction.js";
export type { ExpireOptions, Expiry } from "./table/operations/expire.js";
export type {
  OverwriteOptions,
  SnapshotOptions,
  TableState,
  WriteMode,
} from "./table/operations/file-change.js";
export { snapshotsBeyondBound } from "./table/operations/history-bound.js";
export type { TableInspection } from "./table/operations/inspect.js";
export {
  type ColumnMetricsRow,
  type EntryRow,
  type FileRow,
  inspectFiles,
  inspectManifests,
  inspectPartitions,
  type ManifestRow,
  type PartitionRow,
  type PartitionSummaryRow,
} from "./table/operations/inspect-files.js";
export {
  type HistoryRow,
  inspectHistory,
  inspectRefs,
  inspectSnapshots,
  type RefRow,
  type SnapshotRow,
} from "./table/operations/inspect-metadata.js";
export type { RowMergeOptions, UpsertOptions } from "./table/operations/merge.js";
export type { RewriteFiles } from "./table/operations/operations.js";
export {
  appendsToRebase,
  type Parted,
  type Rebase,
  type RebasedTable,
  rebaseAppends,
} from "./table/operations/rebase.js";
export type { NewRef, Retention } from "./table/operations/refs.js";
export type { RowChange, RowChangeOptions } from "./table/operations/row-changes.js";
export type { RowDelta } from "./table/operations/row-delta.js";
export type {
  AssignedValue,
  Assignments,
  ChangedRows,
  MergeRequest,
  Ordered,
  RowEngine,
  RowMerge,
  RowOrder,
  RowsRequest,
  SourceRequest,
} from "./table/operations/row-engine.js";
export { setStatistics } from "./table/operations/statistics.js";
export type { VerifiedFile } from "./table/operations/verify.js";
export type { FormerFiles } from "./table/relocation/place.js";
export { Relocator } from "./table/relocation/relocator.js";
export { type ChangelogOptions, type ChangelogTask, changelogSchema } from "./table/scan/changelog.js";
export { everyField } from "./table/scan/delete-scope.js";
export { type IncrementalOptions, incrementalAppends, type SnapshotRange } from "./table/scan/incremental.js";
export { type KnownRows, knownRows } from "./table/scan/row-count.js";
export {
  type ScanOptions,
  type ScanPlan,
  type ScanReport,
  type ScanTask,
  TableScan,
} from "./table/scan/scan.js";
export type { SnapshotAt } from "./table/scan/snapshot-at.js";
export { CARRIED } from "./table/snapshot/carried.js";
export { carriedUnder, type PastState, pastOf } from "./table/snapshot/past.js";
export type { PendingSnapshot, PendingUpdate, Proposal } from "./table/snapshot/pending.js";
export type { SnapshotChange } from "./table/snapshot/producer.js";
/** @public What `Table.commitFiles` takes to name files. */
export { type FileSelector, selectFiles } from "./table/snapshot/selector.js";
export type { IsolationLevel } from "./table/snapshot/validate.js";
export type { Clock } from "./table/stream/clock.js";
export { OpenStreams } from "./table/stream/open-streams.js";
export type { StreamOptions } from "./table/stream/options.js";
export type { StreamPlace, StreamWriter } from "./table/stream/stream-writer.js";
export { Table } from "./table/table.js";
export type { TableInit } from "./table/table-version.js";
export { Transaction } from "./table/transaction.js";
export { type ApplyOptions, applyUpdates, updatesToCreate } from "./table/updates/apply.js";
export type { JsonObject } from "./table/updates/definitions.js";

export { commitRequestFromJson, commitRequestToJson } from "./table/updates/json.js";
export { checkRequirements, requirementsFor } from "./table/updates/requirements.js";
export type {
  CommitRequest,
  Committer,
  LoadedTable,
  OrphanOptions,
  OrphanReport,
  TableIdentifier,
  TableRequirement,
  TableUpdate,
} from "./table/updates/types.js";
export {
  viewMetadataFromJson,
  viewMetadataToJson,
  viewVersionFromJson,
  viewVersionToJson,
} from "./table/view/json.js";
export { readViewMetadata, writeViewMetadata } from "./table/view/metadata-file.js";
export {
  type NewView,
  newViewMetadata,
  replaceViewUpdates,
  type ViewDefinition,
} from "./table/view/new-view.js";
export type {
  SqlViewRepresentation,
  UnknownViewRepresentation,
  ViewHistoryEntry,
  ViewMetadata,
  ViewRepresentation,
  ViewRequirement,
  ViewUpdate,
  ViewVersion,
  ViewVersionId,
} from "./table/view/types.js";
export {
  applyViewUpdates,
  checkViewRequirements,
  currentViewVersion,
  sqlFor,
  viewRequirementFromJson,
  viewRequirementToJson,
  viewUpdateFromJson,
  viewUpdateToJson,
} from "./table/view/updates.js";
