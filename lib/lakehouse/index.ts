/**
 * SoloLakehouse: an Iceberg-first lakehouse that one person can run, read, explain and evolve. `openLakehouse()` is
 * the front door; the rooms behind it can be imported one by one (`sololakehouse/iceberg`, `sololakehouse/storage`).
 */
export {
  type CombineOptions,
  type Conflict,
  ConflictError,
  type ConflictType,
  type GarbageReport,
  type GcOptions,
  type Hash,
  type HistoryRequest,
  type Into,
  type LoggedCommit,
  type MergeBehavior,
  type MergeOptions,
  type MergeResult,
  type NewRefOptions,
  type RefExpression,
  type Reference,
  type ReflogEntry,
  type RefWriteOptions,
  type RelocationReport,
  type TableContents,
  type TableDiff,
} from "./catalog/index.js";
export { LakehouseError } from "./errors.js";
export type { PartHealth } from "./health.js";
export * from "./iceberg/index.js";
export { type CommitsRequest, Lakehouse, type NewTableOptions } from "./lakehouse.js";
export type { MetricReading } from "./observability/index.js";
export {
  type LakehouseCatalog,
  type LakehouseOptions,
  openLakehouse,
  openLakehouseCatalog,
  relocateLakehouse,
} from "./open.js";
export { type Profile, type ProfileName, type ProfileOptions, resolveProfile } from "./profile.js";
export { type ErrorCode, isLakehouseError } from "./rooms.js";
