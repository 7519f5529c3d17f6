import type {
  ColumnName,
  Committer,
  LoadedTable,
  NewTable,
  Table,
  TableIdentifier,
  TableRequirement,
  TableUpdate,
  TypedSchema,
} from "../../iceberg/index.js";
import type { Page, PageRequest } from "./paging.js";
import type { ViewCatalog } from "./view-catalog.js";

/** A table or view: `{ namespace: ["flights"], name: "bronze" }`, or "flights.bronze" where no part holds a dot. */
export type TableName = string | TableIdentifier;

/** A namespace by its levels, or joined by dots where none of them holds one. */
export type NamespaceName = string | readonly string[];

export type Properties = Readonly<Record<string, string>>;

/** A namespace and what is known of it. */
export interface Namespace {
  readonly levels: readonly string[];
  readonly properties: Properties;
}

export interface PropertyChanges {
  readonly set?: Properties | undefined;
  readonly remove?: readonly string[] | undefined;
}

/** What became of the keys of a change of properties. */
export interface PropertiesUpdated {
  readonly updated: readonly string[];
  readonly removed: readonly string[];
  /** To be removed, and not there. */
  readonly missing: readonly string[];
}

/** What a new table is made of. The location is the catalog's to choose where not given. */
export interface CreateTableOptions<Row = Record<string, unknown>>
  extends Omit<NewTable<ColumnName<NoInfer<Row>>>, "location" | "schema"> {
  readonly schema: TypedSchema<Row> | NewTable["schema"];
  /** URI of the table's folder, within the catalog's store. */
  readonly location?: string | undefined;
}

/** A change to one table of a transaction, in the REST catalog's vocabulary. */
export interface TableChange {
  readonly table: TableName;
  readonly requirements: readonly TableRequirement[];
  readonly updates: readonly TableUpdate[];
}

/** A table as it was read, which must still be so: its identifier and the metadata file that was current. */
export interface UnchangedTable {
  readonly identifier: TableIdentifier;
  readonly metadataLocation: string;
}

export interface TransactionOptions {
  /** Tables that were read and must not have changed: with all that were read, the transaction is serializable. */
  readonly unchanged?: readonly UnchangedTable[] | undefined;
  readonly message?: string | undefined;
  /** Idempotency: the same token twice is applied once. */
  readonly token?: string | undefined;
}

/**
 * What any Iceberg catalog offers: ours, embedded or served, and others over REST. Names are case-sensitive.
 *
 * Errors: `NO_SUCH_NAMESPACE`, `NO_SUCH_TABLE` (with the nearest name there is), `NAMESPACE_EXISTS`,
 * `TABLE_EXISTS`, `VIEW_EXISTS` (tables and views share their names), `NAMESPACE_NOT_EMPTY`,
 * `COMMIT_CONFLICT`, `COMMIT_STATE_UNKNOWN`, `INVALID_ARGUMENT`.
 */
export interface Catalog extends ViewCatalog {
  /** The parent must exist. Throws `NAMESPACE_EXISTS`, `NO_SUCH_NAMESPACE` (the parent). */
  createNamespace(namespace: NamespaceName, properties?: Properties): Promise<Namespace>;
  /** The namespaces directly in `parent`, at the top where not given, by name. */
  listNamespaces(parent?: NamespaceName): Promise<readonly (readonly string[])[]>;
  listNamespacesPage(page: PageRequest, parent?: NamespaceName): Promise<Page<readonly string[]>>;
  loadNamespace(namespace: NamespaceName): Promise<Namespace>;
  namespaceExists(namespace: NamespaceName): Promise<boolean>;
  /** Throws `INVALID_ARGUMENT` for a key that is both set and removed. */
  updateNamespace(namespace: NamespaceName, changes: PropertyChanges): Promise<PropertiesUpdated>;
  /** Throws `NAMESPACE_NOT_EMPTY`. */
  dropNamespace(namespace: NamespaceName): Promise<void>;

  /** Throws `TABLE_EXISTS`, `VIEW_EXISTS`, `NO_SUCH_NAMESPACE`. */
  createTable<Row = Record<string, unknown>>(
    table: TableName,
    options: CreateTableOptions<Row>,
  ): Promise<Table<Row>>;
  loadTable<Row = Record<string, unknown>>(table: TableName): Promise<Table<Row>>;
  tableExists(table: TableName): Promise<boolean>;
  /** The tables directly in a namespace, by name. */
  listTables(namespace: NamespaceName): Promise<readonly TableIdentifier[]>;
  listTablesPage(namespace: NamespaceName, page: PageRequest): Promise<Page<TableIdentifier>>;
  /** `purge`: the table's files go too, where nobody else can need them. */
  dropTable(table: TableName, options?: { readonly purge?: boolean | undefined }): Promise<void>;
  /** Forgets the table and leaves its files, for another catalog to register. Answers with its last state. */
  unregisterTable(table: TableName): Promise<LoadedTable>;
  /** To another name or namespace. Throws `TABLE_EXISTS` where the new name is taken. */
  renameTable(from: TableName, to: TableName): Promise<void>;
  /** Takes over a table that exists as files. `overwrite` puts it in the place of the one of that name. */
  registerTable<Row = Record<string, unknown>>(
    table: TableName,
    metadataLocation: string,
    options?: { readonly overwrite?: boolean | undefined },
  ): Promise<Table<Row>>;

  /**
   * Applies commits to one table. One whose requirements include `assert-create` creates the table from its
   * updates (the second half of a staged create).
   */
  committer(table: TableName): Committer;
  /** Changes several tables at once: all of them, or none. */
  commitTransaction(changes: readonly TableChange[], options?: TransactionOptions): Promise<void>;

  /** Ends the catalog's connections. Tables loaded from it can no longer commit. */
  close(): Promise<void>;
}
