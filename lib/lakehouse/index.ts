/**
 * SoloLakehouse: an Iceberg-first lakehouse that one person can run, read, explain and evolve. `openLakehouse()` is
 * the front door. What is listed here is what working with a lakehouse takes; the rooms behind it have more, and can be
 * imported one by one (`sololakehouse/iceberg`, `sololakehouse/storage`).
 */

// Open a lakehouse

export type { RelocationReport } from "./catalog/index.js";
export type { LakehouseConfig } from "./config-file.js";
export type { PartHealth } from "./health.js";
export { Lakehouse } from "./lakehouse.js";
export type {
  CommitsRequest,
  CreateTableAsOptions,
  NewTableOptions,
  TableOptions,
} from "./lakehouse-options.js";
export type { MetricReading } from "./observability/index.js";
export {
  type LakehouseCatalog,
  type LakehouseOptions,
  openLakehouse,
  openLakehouseCatalog,
  relocateLakehouse,
  restoreLakehouse,
} from "./open.js";
export { type Profile, type ProfileName, type ProfileOptions, resolveProfile } from "./profile.js";

// Errors

export { type Conflict, ConflictError } from "./catalog/index.js";
export { LakehouseError } from "./errors.js";
export { type ErrorCode, isLakehouseError, type Part } from "./rooms.js";

// Queries

export {
  type ChangesOptions,
  identifier,
  type NewViewOptions,
  type Query,
  type QueryResult,
  type ScanRowsOptions,
  SqlFragment,
  type SqlOptions,
  type SqlParameter,
  type SqlParams,
  type SqlPart,
  type SqlRow,
  type SqlValue,
  sql,
  type WrittenResult,
} from "./query/index.js";

// Branches, tags and commits

export type {
  BranchingCatalog,
  Catalog,
  CombineOptions,
  GarbageReport,
  GcOptions,
  Hash,
  HistoryRequest,
  Into,
  LoggedCommit,
  MergeBehavior,
  MergeOptions,
  MergeResult,
  NewRefOptions,
  RefExpression,
  Reference,
  ReflogEntry,
  RefWriteOptions,
  TableContents,
  TableDiff,
} from "./catalog/index.js";

// Tables: made, opened, written, read

export type {
  CreateOrReplaceOptions,
  CreateTableOptions,
  Namespace,
  NamespaceName,
  TableName,
} from "./catalog/index.js";
export {
  type AddFilesOptions,
  type AppendData,
  type AppendOptions,
  type CommitOptions,
  type ExpireOptions,
  type Expiry,
  type FormatVersion,
  type OrphanOptions,
  type OrphanReport,
  type OverwriteOptions,
  openTable,
  type RowChangeOptions,
  type RowMergeOptions,
  type ScanOptions,
  type ScanPlan,
  type ScanTask,
  type Snapshot,
  type SnapshotId,
  Table,
  type TableIdentifier,
  TableScan,
  Transaction,
  UpdatePartitionSpec,
  UpdateSchema,
  type UpsertOptions,
  updateProperties,
  upgradeFormatVersion,
} from "./iceberg/index.js";

// Sources of rows

export { type Cast, InferredSchema, type IngestOptions, type Source } from "./iceberg/index.js";

// Schemas

export {
  binary,
  boolean,
  Column,
  date,
  decimal,
  defineSchema,
  double,
  fixed,
  float,
  geography,
  geometry,
  int,
  list,
  long,
  map,
  type RowOf,
  type Schema,
  string,
  struct,
  type TypedSchema,
  time,
  timestamp,
  timestampNs,
  timestamptz,
  timestamptzNs,
  unknown,
  uuid,
} from "./iceberg/index.js";

// The streaming log

export type { Log, LogBatch, LogRecord, NewRecord, Topic } from "./log/index.js";

// Partitions and sort orders

export {
  asc,
  bucket,
  day,
  desc,
  hour,
  identity,
  month,
  type PartitionSpec,
  type SortOrder,
  truncate,
  voidTransform,
  year,
} from "./iceberg/index.js";

// Filters

export {
  alwaysFalse,
  alwaysTrue,
  and,
  type Expression,
  eq,
  gt,
  gtEq,
  isIn,
  isNaN,
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
} from "./iceberg/index.js";
