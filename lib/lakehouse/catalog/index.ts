/**
 * The catalog: git for tables. Every change is a content-addressed commit on a branch; commits and trees are
 * immutable, and only refs move, by compare-and-set. `Catalog` is what any Iceberg catalog offers;
 * `BranchingCatalog` adds branches, tags, merges and the rest, in Nessie's terms; `openCatalog` opens the one
 * that is embedded, `openCatalogAt` that of a URI. `Backend` is all that a place to keep it must offer.
 */
export type { ConnectionOptions } from "./client/http/connection.js";
export { type NessieCatalogOptions, openNessieCatalog } from "./client/nessie/open.js";
export { openRestCatalog, type RestCatalogOptions } from "./client/rest/open.js";
export {
  exportCommits,
  type ImportedCommits,
  importCommits,
  refsInTheWay,
  type StoredCommits,
} from "./embedded/copy.js";
export { type RelocateOptions, type RelocationReport, relocateLake } from "./embedded/relocate.js";
export {
  catalogUnavailable,
  namespaceExists,
  noSuchLake,
  noSuchNamespace,
  noSuchView,
  tableExists,
  viewExists,
} from "./errors.js";
export { type BranchMove, branchMoves } from "./metrics.js";
export { allNamespaces, allTables, allViews } from "./model/all-tables.js";
export { branchingOf } from "./model/branching.js";
export {
  type BranchingCatalog,
  type EntriesRequest,
  type Into,
  isBranchingCatalog,
  type LogRequest,
  type NewRefOptions,
  type RefExpression,
} from "./model/branching-catalog.js";
export type {
  Catalog,
  CreateTableOptions,
  Namespace,
  NamespaceName,
  Properties,
  PropertiesUpdated,
  PropertyChanges,
  TableChange,
  TableName,
  TransactionOptions,
  UnchangedTable,
} from "./model/catalog.js";
export type { CommitMeta, CommittedOperation, LoggedCommit } from "./model/commits.js";
export { type Conflict, ConflictError, type ConflictType } from "./model/conflicts.js";
export type {
  Content,
  ContentId,
  ContentKey,
  ContentType,
  Entry,
  IcebergTableContent,
  IcebergViewContent,
  NamespaceContent,
} from "./model/content.js";
export { type CreateOrReplaceOptions, createOrReplaceTable } from "./model/create-or-replace.js";
export type { GarbageReport, GcOptions } from "./model/garbage.js";
export { BEGINNING, type Hash } from "./model/hash.js";
export { type HistoryRequest, readHistory } from "./model/history.js";
export { namespaceOf, tableLocation } from "./model/identifiers.js";
export type { LogFilter, LogOptions } from "./model/log.js";
export type {
  CombineOptions,
  MergeBehavior,
  MergeBehaviors,
  MergedKey,
  MergeOptions,
  MergeResult,
} from "./model/merging.js";
export type { Operation } from "./model/operations.js";
export type { Page, PageRequest } from "./model/paging.js";
export type {
  Reference,
  ReferenceType,
  ReflogEntry,
  RefOperation,
  RefWriteOptions,
} from "./model/references.js";
export { diffTables, type TableContents, type TableDiff } from "./model/table-diff.js";
export type { MergedTable, MergeTables, PartedTable } from "./model/table-merge.js";
export type {
  CommitOptions as VersionCommitOptions,
  DiffEntry,
  Place,
  ResolvedPlace,
  Versions,
} from "./model/versions.js";
export type { CreateViewOptions, LoadedView, ViewCatalog, ViewCommitRequest } from "./model/view-catalog.js";
export { backendAt, type CatalogAtOptions, type CatalogOptions, openCatalog, openCatalogAt } from "./open.js";
export type { RestAuth } from "./server/http/auth.js";
export { type RestServer, type RestServerOptions, serveRestCatalog } from "./server/serve.js";
export type { Backend, RefMove, StoredObjectInfo } from "./store/backend.js";
export { ObjectStoreBackend } from "./store/backends/object-store-backend.js";
export { SqliteBackend } from "./store/backends/sqlite-backend.js";
export type { Commit, CommitObject } from "./store/commits.js";
export type { ReplacedLocations } from "./store/replaced-locations.js";
export type { ResolvedReference } from "./store/resolve.js";
export type { StoredObject } from "./store/stored-object.js";
/** @public For those who keep a catalog in a place of their own. */
export {
  VersionStore,
  type VersionStoreOptions,
} from "./store/version-store.js";
