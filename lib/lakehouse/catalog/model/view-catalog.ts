import type {
  TableIdentifier,
  ViewDefinition,
  ViewMetadata,
  ViewRequirement,
  ViewUpdate,
} from "../../iceberg/index.js";
import type { NamespaceName, Properties, TableName } from "./catalog.js";
import type { Page, PageRequest } from "./paging.js";

export interface LoadedView {
  readonly metadata: ViewMetadata;
  /** URI of the metadata file. */
  readonly metadataLocation: string;
}

/** What a new view is made of. */
export interface CreateViewOptions extends ViewDefinition {
  /** URI of the view's folder, within the catalog's store; the catalog's to choose where not given. */
  readonly location?: string | undefined;
  readonly properties?: Properties | undefined;
}

/** A change to a view, in the REST catalog's vocabulary. */
export interface ViewCommitRequest {
  readonly requirements: readonly ViewRequirement[];
  readonly updates: readonly ViewUpdate[];
  /** For the catalog's log. */
  readonly message?: string | undefined;
  /** Idempotency: the same token twice is applied once. */
  readonly token?: string | undefined;
}

/**
 * Iceberg views: named queries, kept with a history of versions (view spec). They share their names with the tables.
 *
 * Errors: `NO_SUCH_VIEW`, `NO_SUCH_NAMESPACE`, `VIEW_EXISTS`, `TABLE_EXISTS`, `COMMIT_CONFLICT`,
 * `COMMIT_STATE_UNKNOWN`, `INVALID_ARGUMENT`.
 *
 * @example
 * await catalog.createView("flights.late", {
 *   schema,
 *   defaultNamespace: ["flights"],
 *   representations: [{ type: "sql", dialect: "duckdb", sql: "select * from bronze where delay > 15" }],
 * });
 */
export interface ViewCatalog {
  /** Throws `VIEW_EXISTS`, `TABLE_EXISTS`, `NO_SUCH_NAMESPACE`. */
  createView(view: TableName, options: CreateViewOptions): Promise<LoadedView>;
  loadView(view: TableName): Promise<LoadedView>;
  viewExists(view: TableName): Promise<boolean>;
  /** The views directly in a namespace, by name. */
  listViews(namespace: NamespaceName): Promise<readonly TableIdentifier[]>;
  listViewsPage(namespace: NamespaceName, page: PageRequest): Promise<Page<TableIdentifier>>;
  dropView(view: TableName): Promise<void>;
  /** To another name or namespace. Throws `VIEW_EXISTS` or `TABLE_EXISTS` where the new name is taken. */
  renameView(from: TableName, to: TableName): Promise<void>;
  /** Takes over a view that exists as files. */
  registerView(view: TableName, metadataLocation: string): Promise<LoadedView>;
  /** Checks the requirements and applies the updates atomically; `replaceViewUpdates` makes those of a new version. */
  commitView(view: TableName, request: ViewCommitRequest): Promise<LoadedView>;
}
