/**
 * The catalog: git for tables. Every change is a content-addressed commit on a branch; commits and trees are
 * immutable, and only refs move, by compare-and-set. `Catalog` is what any Iceberg catalog offers;
 * `BranchingCatalog` adds branches, tags, merges and the rest, in Nessie's terms; `openCatalog` opens the one
 * that is embedded. `Backend` is all that a place to keep it must offer.
 */

export {
  type BranchingCatalog,
  type EntriesRequest,
  type Into,
  isBranchingCatalog,
  type LogRequest,
  type NewRefOptions,
  type RefExpression,
} from "./branching-catalog.js";
export type {
  Catalog,
  CreateTableOptions,
  Namespace,
  NamespaceName,
  PageRequest,
  Properties,
  PropertiesUpdated,
  PropertyChanges,
  TableChange,
  TableName,
  TransactionOptions,
  UnchangedTable,
} from "./catalog.js";
export { type CreateOrReplaceOptions, createOrReplaceTable } from "./create-or-replace.js";
export { namespaceExists, tableExists } from "./errors.js";
export type { GarbageReport, GcOptions } from "./garbage.js";
export { type BranchMove, branchMoves } from "./metrics.js";
export { allTables } from "./model/all-tables.js";
export { branchingOf } from "./model/branching.js";
export { type HistoryRequest, readHistory } from "./model/history.js";
export { diffTables, type TableContents, type TableDiff } from "./model/table-diff.js";
export { type NessieCatalogOptions, openNessieCatalog } from "./nessie/index.js";
export { backendAt, type CatalogOptions, openCatalog } from "./open.js";
export { type RelocateOptions, type RelocationReport, relocateLake } from "./relocate.js";
export {
  openRestCatalog,
  type RestAuth,
  type RestCatalogOptions,
  type RestServer,
  type RestServerOptions,
  serveRestCatalog,
} from "./rest/index.js";
export type { Backend, RefMove, StoredObjectInfo } from "./versioned/backend.js";
export type {
  Commit,
  CommitMeta,
  CommitObject,
  CommittedOperation,
  LoggedCommit,
} from "./versioned/commits.js";
export {
  type Conflict,
  ConflictError,
  type ConflictType,
  type Content,
  type ContentId,
  type ContentKey,
  type ContentType,
  type IcebergTableContent,
  type IcebergViewContent,
  type NamespaceContent,
} from "./versioned/content.js";
export { BEGINNING, type Hash, type StoredObject } from "./versioned/hash.js";
export type { LogFilter, Page } from "./versioned/log.js";
export type { MergeBehavior, MergeBehaviors, MergedKey } from "./versioned/merge.js";
export type { CombineOptions, MergeOptions, MergeResult } from "./versioned/merge-commits.js";
export { ObjectStoreBackend } from "./versioned/object-store-backend.js";
export type { Operation } from "./versioned/operations.js";
export type { RefWriteOptions } from "./versioned/ref-changes.js";
export type { Reference, ReferenceType, ReflogEntry, RefOperation } from "./versioned/refs.js";
export type { ResolvedReference } from "./versioned/resolve.js";
export { SqliteBackend } from "./versioned/sqlite-backend.js";
export type { Entry } from "./versioned/tree.js";
export {
  VersionStore,
  type VersionStoreOptions,
} from "./versioned/version-store.js";
export type {
  CommitOptions as VersionCommitOptions,
  DiffEntry,
  Place,
  ResolvedPlace,
  Versions,
} from "./versioned/versions.js";
export type { CreateViewOptions, LoadedView, ViewCatalog, ViewCommitRequest } from "./view-catalog.js";
