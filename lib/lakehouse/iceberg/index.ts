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
  refConflict,
  refExists,
} from "./errors.js";
export { batchConformer, conformBatches } from "./files/arrow/conform.js";
export { applyNameMapping } from "./files/arrow/mapped-names.js";
export { type ByteRanges, byteRanges, canonicalReader, nullTest } from "./files/arrow/read.js";
export { type BatchLimits, rowsToBatches, validateRow } from "./files/arrow/rows.js";
export {
  arrowToSchema,
  FIELD_ID_KEY,
  schemaToArrow,
  storedSchema,
  typeToArrow,
} from "./files/arrow/schema.js";
export { type TransformedColumn, transformColumn } from "./files/arrow/transform-column.js";
export { type AvroData, readAvroData } from "./files/avro/data-rows.js";
export type { AppendData } from "./files/data/append-data.js";
export { dataFileOf } from "./files/data/data-file.js";
export {
  fileMetrics,
  type MetricsConfig,
  type MetricsMode,
  metricsConfig,
  parseMetricsMode,
} from "./files/data/metrics.js";
export {
  fitParquet,
  type ParquetDoubt,
  type ParquetFitOptions,
  type ParquetFitting,
  type ParquetMisfit,
} from "./files/data/parquet-fit.js";
export { hasFieldIds, withMappedIds } from "./files/data/parquet-ids.js";
export {
  expectedTypeText,
  type ParquetFit,
  parquetFit,
  parquetTypeText,
} from "./files/data/parquet-types.js";
export { type DataWriteOptions, writeDataFiles } from "./files/data/writer.js";
export { DeleteIndex } from "./files/deletes/delete-index.js";
export {
  type DeleteScope,
  deletionVectorApplies,
  equalityDeletesApply,
  isGlobal,
  partitionKey,
  positionDeletesApply,
  referencedDataFile,
  type SequencedFile,
  samePartition,
} from "./files/deletes/delete-rules.js";
export {
  decodeDeletionVector,
  encodeDeletionVector,
  isDeletionVector,
  readDeletionVector,
} from "./files/deletes/deletion-vector.js";
export { type DeletedRows, writeDeletionVectors } from "./files/deletes/deletion-vector-writer.js";
export { type EqualityDeleteTarget, writeEqualityDeletes } from "./files/deletes/equality-delete-writer.js";
export { EqualityKeys, readEqualityDeletes } from "./files/deletes/equality-deletes.js";
export { equalityColumns, equalityDeleteSchema } from "./files/deletes/equality-schema.js";
export { corruptDeletes } from "./files/deletes/parquet-columns.js";
export { PositionBitmap, type PositionRange } from "./files/deletes/position-bitmap.js";
export { writePositionDeletes } from "./files/deletes/position-delete-writer.js";
export {
  PositionDeleteReader,
  type PositionsByFile,
  readPositionDeletes,
} from "./files/deletes/position-deletes.js";
export {
  encodeManifestList,
  readManifestList,
  readManifests,
  writeManifestList,
} from "./files/manifest/list.js";
export { readLiveEntries, readManifest, readMatching } from "./files/manifest/reader.js";
export {
  partitionPath,
  type ResolvedSpec,
  type SpecsById,
  specOf,
  specsById,
} from "./files/manifest/specs.js";
export { ManifestWriter, type ManifestWriterInit, type WrittenManifest } from "./files/manifest/writer.js";
export { dataFileLocation, metadataFileLocation } from "./files/metadata/locations.js";
export {
  METADATA_COMPRESSION,
  metadataFileVersion,
  metadataFolder,
  PATH_PROPERTIES,
  readTableMetadata,
  writeTableMetadata,
} from "./files/metadata/metadata-file.js";
export type { PuffinBlobMetadata, PuffinFooter } from "./files/puffin/format.js";
export { readContent, readPuffinBlob, readPuffinFooter } from "./files/puffin/reader.js";
export {
  distinctCounts,
  readStatistics,
  statisticsFile,
  THETA_SKETCH,
} from "./files/puffin/statistics.js";
export { type PuffinBlob, type WrittenPuffin, writePuffin } from "./files/puffin/writer.js";
export { decodeVariant, type VariantValue } from "./files/variant/decode.js";
export { type EncodedVariant, encodeVariant, type VariantInput } from "./files/variant/encode.js";
export { bind, referencedFieldIds, unbind } from "./model/expressions/bind.js";
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
export { type ColumnStats, mightMatch, mustMatch } from "./model/expressions/column-stats.js";
export {
  evaluator,
  partitionFilter,
  predicateTest,
  rowFilter,
  type Truth,
  type ValueReader,
} from "./model/expressions/evaluate.js";
export { expressionFromJson, expressionToJson } from "./model/expressions/json.js";
export {
  type FileMetrics,
  inclusiveMetricsEvaluator,
  manifestEvaluator,
  strictMetricsEvaluator,
} from "./model/expressions/metrics.js";
export { boundAnd, boundOr, mapPredicates, negate, testPredicates } from "./model/expressions/negate.js";
export { inclusiveProjection, type Projection, strictProjection } from "./model/expressions/project.js";
export { residualEvaluator } from "./model/expressions/residual.js";
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
  ancestorsOf,
  currentSchema,
  currentSnapshot,
  defaultSortOrder,
  defaultSpec,
  isAncestorOf,
  schemaById,
  schemaOfSnapshot,
  snapshotAsOf,
  snapshotById,
  snapshotByRef,
  sortOrderById,
  specById,
} from "./model/metadata/lookup.js";
export type {
  DataFile,
  EntryStatus,
  FieldSummary,
  FileBrief,
  FileContent,
  FileFormat,
  ManifestContent,
  ManifestEntry,
  ManifestFile,
  MetricLookup,
  MetricMap,
} from "./model/metadata/manifest-types.js";
export {
  CHANGE_COLUMNS,
  CHANGE_ORDINAL,
  CHANGE_TYPE,
  COMMIT_SNAPSHOT_ID,
  FILE,
  METADATA_COLUMNS,
  POSITION,
  SPEC_ID,
} from "./model/metadata/metadata-columns.js";
export {
  DEFAULT_FORMAT_VERSION,
  type NewTable,
  newTableMetadata,
  RESERVED_PROPERTIES,
} from "./model/metadata/new.js";
export { MAIN_BRANCH, parseTableMetadata, tableMetadataFromJson } from "./model/metadata/parse.js";
export {
  booleanProperty,
  numberProperty,
  TABLE_PROPERTIES,
  type TableProperty,
  textProperty,
} from "./model/metadata/properties.js";
export {
  assignFirstRowIds,
  type FileLineage,
  LAST_UPDATED_SEQUENCE_NUMBER,
  lineageColumns,
  ROW_ID,
  type RowLineage,
  readLineage,
  storedLineage,
} from "./model/metadata/row-lineage.js";
export {
  serializeTableMetadata,
  tableMetadataToJson,
  tableMetadataToRawJson,
} from "./model/metadata/serialize.js";
export { snapshotFromJson, snapshotToJson } from "./model/metadata/snapshot-json.js";
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
export {
  asc,
  buildSortOrder,
  desc,
  type SortTerm,
  sameSortOrder,
  sortOrderFromJson,
  sortOrderToJson,
  UNSORTED,
  validateSortOrder,
} from "./model/partitioning/sort-order.js";
export {
  bucket,
  buildPartitionSpec,
  day,
  defaultPartitionName,
  equivalentSpecs,
  escapePathPart,
  highestPartitionFieldId,
  hour,
  identity,
  isUnpartitioned,
  month,
  PARTITION_FIELD_ID_START,
  partitioner,
  partitionFieldsFromJson,
  partitionFieldsToJson,
  partitionFieldType,
  partitionSpecFromJson,
  partitionSpecToJson,
  partitionToPath,
  partitionType,
  refuseUnknown,
  truncate,
  validatePartitionSpec,
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
export { assignFreshIds, freshSchema } from "./model/schema/fresh-ids.js";
export { schemaFromJson, schemaToJson, typeFromJson, typeToJson } from "./model/schema/json.js";
export {
  accessor,
  allFields,
  type FieldLocation,
  fieldById,
  fieldByName,
  fieldName,
  highestFieldId,
  locateById,
  locateByName,
  type NameLookup,
  selectFields,
} from "./model/schema/lookup.js";
export {
  createNameMapping,
  DEFAULT_NAME_MAPPING,
  findMapped,
  type MappedField,
  type NameMapping,
  nameMappingFromJson,
  nameMappingToJson,
  updateNameMapping,
} from "./model/schema/name-mapping.js";
export { MAX_FIELD_ID, validateSchema } from "./model/schema/validate.js";
export { bucketHash } from "./model/transforms/bucket.js";
export { hashBytes, hashInt, hashLong } from "./model/transforms/murmur3.js";
export {
  canTransform,
  humanPartitionValue,
  parseTransform,
  sameTransform,
  type TransformFunction,
  transformFunction,
  transformResultType,
  transformToString,
} from "./model/transforms/transform.js";
export type { Transform } from "./model/transforms/types.js";
export { canPromote } from "./model/types/promotion.js";
export {
  isNestedType,
  isPrimitiveType,
  MAX_DECIMAL_PRECISION,
  minFormatVersion,
  parsePrimitiveType,
  sameType,
  typeToString,
} from "./model/types/type-text.js";
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
export {
  bytesToHex,
  hexToBytes,
  isWellFormed,
  parseUuid,
  utf8Decode,
  utf8Encode,
  uuidFromBytes,
  uuidToBytes,
} from "./model/values/bytes.js";
export { canonicalValue, describeExpected, describeValue, nearestFloat } from "./model/values/canonical.js";
export {
  type Comparator,
  comparatorOf,
  compareBytes,
  compareFloats,
  compareStrings,
  valueKey,
} from "./model/values/compare.js";
export {
  decimalRequiredBytes,
  formatDecimal,
  parseDecimal,
  unscaledFromBytes,
  unscaledToBytes,
  unscaledToFixed,
} from "./model/values/decimal.js";
export { fromJsonValue, toJsonValue } from "./model/values/json-value.js";
export { boundFromBinary, fromBinary, toBinary } from "./model/values/single-value.js";
export {
  type CivilDate,
  civilFromDays,
  daysFromCivil,
  formatDate,
  formatTime,
  formatTimestamp,
  parseDate,
  parseTime,
  parseTimestamp,
} from "./model/values/temporal.js";
export { requireWellFormed } from "./model/values/well-formed.js";
export { COMMIT_TOKEN, type CommitOptions, commitUpdates } from "./table/commit.js";
export { dayRange, describeDays } from "./table/evolution/promotion-range.js";
export { replaceTable, type TableReplacement } from "./table/evolution/replace.js";
export {
  type PartitionStatisticsChanges,
  type PropertyChanges,
  replaceSortOrder,
  type StatisticsChanges,
  updateLocation,
  updatePartitionStatistics,
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
export type { ExpireOptions } from "./table/operations/expire.js";
export {
  FileChange,
  type OverwriteOptions,
  type SnapshotOptions,
  type TableState,
  type WriteMode,
} from "./table/operations/file-change.js";
export { TableInspection } from "./table/operations/inspect.js";
export {
  type ColumnMetricsRow,
  type EntryRow,
  type FileRow,
  inspectEntries,
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
export { CherryPick, type NewRef, type Retention } from "./table/operations/refs.js";
export type { RowChangeOptions } from "./table/operations/row-changes.js";
export type { RowDelta } from "./table/operations/row-delta.js";
export type {
  AssignedValue,
  Assignments,
  ChangedRows,
  MergeRequest,
  RowEngine,
  RowMerge,
  RowsRequest,
} from "./table/operations/row-engine.js";
export { setStatistics } from "./table/operations/statistics.js";
export type { VerifiedFile } from "./table/operations/verify.js";
export { Relocator } from "./table/relocation/relocator.js";
export {
  type ChangelogOptions,
  type ChangelogTask,
  changelog,
  changelogSchema,
} from "./table/scan/changelog.js";
export { deleteScope, everyField } from "./table/scan/delete-scope.js";
export { type FileFilter, fileFilter } from "./table/scan/file-filter.js";
export { type IncrementalOptions, incrementalAppends, type SnapshotRange } from "./table/scan/incremental.js";
export { type KnownRows, knownRows } from "./table/scan/row-count.js";
export {
  type ScanOptions,
  type ScanPlan,
  type ScanReport,
  type ScanTask,
  TableScan,
} from "./table/scan/scan.js";
export { resolveSnapshot, type SnapshotAt } from "./table/scan/snapshot-at.js";
export type { PendingUpdate, Proposal } from "./table/snapshot/pending.js";
export { type SnapshotChange, SnapshotProducer } from "./table/snapshot/producer.js";
export {
  type FileSelector,
  fileKey,
  selectAll,
  selectFiles,
  selectPartitions,
} from "./table/snapshot/selector.js";
export { newSnapshotId } from "./table/snapshot/snapshot-id.js";
export {
  type IsolationLevel,
  type Since,
  validateDataFilesExist,
  validateNoNewDataFiles,
  validateNoNewDeleteFiles,
  validateNoNewDeletesFor,
  validateNoNewVectors,
} from "./table/snapshot/validate.js";
export { Table, type TableInit } from "./table/table.js";
export { Transaction } from "./table/transaction.js";
export {
  type ApplyOptions,
  applyUpdates,
  PREVIOUS_VERSIONS_MAX,
  updatesToCreate,
} from "./table/updates/apply.js";
export { sameSchema } from "./table/updates/apply-definitions.js";
export {
  commitRequestFromJson,
  commitRequestToJson,
  updateFromJson,
  updateToJson,
} from "./table/updates/json.js";
export {
  checkRequirements,
  requirementFromJson,
  requirementsFor,
  requirementToJson,
} from "./table/updates/requirements.js";
export type {
  CommitRequest,
  Committer,
  LoadedTable,
  TableIdentifier,
  TableRequirement,
  TableUpdate,
} from "./table/updates/types.js";
export {
  parseViewMetadata,
  serializeViewMetadata,
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
  REPLACE_DROP_DIALECT_ALLOWED,
  sqlFor,
  VERSION_HISTORY_SIZE,
  viewRequirementFromJson,
  viewRequirementToJson,
  viewUpdateFromJson,
  viewUpdateToJson,
} from "./table/view/updates.js";
