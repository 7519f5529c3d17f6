import type { LakehouseError } from "../../../errors.js";
import {
  type Committer,
  commitConflict,
  commitRequestToJson,
  type LoadedTable,
  Table,
  type TableIdentifier,
  type TableRequirement,
} from "../../../iceberg/index.js";
import { tableExists, viewExists } from "../../errors.js";
import type {
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
} from "../../model/catalog.js";
import { tableKey, toIdentifier } from "../../model/identifiers.js";
import type { Page, PageRequest } from "../../model/paging.js";
import type { CreateViewOptions, LoadedView, ViewCommitRequest } from "../../model/view-catalog.js";
import { identifierToJson } from "../../wire/rest/names.js";
import {
  createNamespace,
  dropNamespace,
  listNamespaces,
  listNamespacesPage,
  loadNamespace,
  namespaceExists,
  updateNamespace,
} from "./namespaces.js";
import type { Session } from "./session.js";
import * as tables from "./tables.js";
import * as views from "./views.js";

/** The catalog of a server: each method is a request, made in the files that it calls. */
export class RestCatalog implements Catalog {
  readonly #session: Session;
  readonly #loaded = new tables.TableCache();

  constructor(session: Session) {
    this.#session = session;
  }

  // Namespaces

  createNamespace(namespace: NamespaceName, properties?: Properties): Promise<Namespace> {
    return createNamespace(this.#session, namespace, properties);
  }

  listNamespaces(parent: NamespaceName = []): Promise<readonly (readonly string[])[]> {
    return listNamespaces(this.#session, parent);
  }

  listNamespacesPage(page: PageRequest, parent: NamespaceName = []): Promise<Page<readonly string[]>> {
    return listNamespacesPage(this.#session, parent, page);
  }

  loadNamespace(namespace: NamespaceName): Promise<Namespace> {
    return loadNamespace(this.#session, namespace);
  }

  namespaceExists(namespace: NamespaceName): Promise<boolean> {
    return namespaceExists(this.#session, namespace);
  }

  updateNamespace(namespace: NamespaceName, changes: PropertyChanges): Promise<PropertiesUpdated> {
    return updateNamespace(this.#session, namespace, changes);
  }

  dropNamespace(namespace: NamespaceName): Promise<void> {
    return dropNamespace(this.#session, namespace);
  }

  // Tables

  async createTable<Row = Record<string, unknown>>(
    table: TableName,
    options: CreateTableOptions<Row>,
  ): Promise<Table<Row>> {
    const identifier = identifierOf(table);
    const created = tables.createTable(this.#session, identifier, options);
    return this.#table(identifier, await this.#naming(identifier, created));
  }

  async loadTable<Row = Record<string, unknown>>(table: TableName): Promise<Table<Row>> {
    const identifier = identifierOf(table);
    return this.#table(identifier, await this.#load(identifier));
  }

  tableExists(table: TableName): Promise<boolean> {
    return tables.exists(this.#session, identifierOf(table), "table");
  }

  listTables(namespace: NamespaceName): Promise<readonly TableIdentifier[]> {
    return tables.listTables(this.#session, namespace);
  }

  listTablesPage(namespace: NamespaceName, page: PageRequest): Promise<Page<TableIdentifier>> {
    return tables.listTablesPage(this.#session, namespace, page);
  }

  dropTable(
    table: TableName,
    { purge = false }: { readonly purge?: boolean | undefined } = {},
  ): Promise<void> {
    return tables.dropTable(this.#session, identifierOf(table), purge);
  }

  unregisterTable(table: TableName): Promise<LoadedTable> {
    return tables.unregisterTable(this.#session, identifierOf(table));
  }

  renameTable(from: TableName, to: TableName): Promise<void> {
    const target = identifierOf(to);
    return this.#naming(target, tables.rename(this.#session, identifierOf(from), target, "table"));
  }

  async registerTable<Row = Record<string, unknown>>(
    table: TableName,
    metadataLocation: string,
    { overwrite = false }: { readonly overwrite?: boolean | undefined } = {},
  ): Promise<Table<Row>> {
    const identifier = identifierOf(table);
    const registered = tables.registerTable(this.#session, identifier, metadataLocation, overwrite);
    return this.#table(identifier, await this.#naming(identifier, registered));
  }

  committer(table: TableName): Committer {
    const identifier = identifierOf(table);
    const load = (): Promise<LoadedTable> => this.#load(identifier);
    return { load, commit: (request) => tables.commitTable(this.#session, identifier, request, load) };
  }

  async commitTransaction(
    changes: readonly TableChange[],
    { unchanged = [], token }: TransactionOptions = {},
  ): Promise<void> {
    const read = await Promise.all(unchanged.map((table) => this.#stillThere(table)));
    const all = [
      ...changes.map(({ table, ...change }) => ({ ...change, identifier: identifierOf(table) })),
      ...read,
    ];
    const body = {
      "table-changes": all.map(({ identifier, ...change }) => ({
        identifier: identifierToJson(identifier),
        ...commitRequestToJson(change),
      })),
    };
    const subject = all.map(({ identifier }) => tables.about(identifier).subject).join(", ");
    const request = { method: "POST", body, kind: "commit", subject } as const;
    await this.#session.change({ request, path: "transactions/commit", token });
  }

  // Views

  createView(view: TableName, options: CreateViewOptions): Promise<LoadedView> {
    const identifier = identifierOf(view);
    return this.#naming(identifier, views.createView(this.#session, identifier, options));
  }

  loadView(view: TableName): Promise<LoadedView> {
    return views.loadView(this.#session, identifierOf(view));
  }

  viewExists(view: TableName): Promise<boolean> {
    return tables.exists(this.#session, identifierOf(view), "view");
  }

  listViews(namespace: NamespaceName): Promise<readonly TableIdentifier[]> {
    return views.listViews(this.#session, namespace);
  }

  listViewsPage(namespace: NamespaceName, page: PageRequest): Promise<Page<TableIdentifier>> {
    return views.listViewsPage(this.#session, namespace, page);
  }

  dropView(view: TableName): Promise<void> {
    return views.dropView(this.#session, identifierOf(view));
  }

  renameView(from: TableName, to: TableName): Promise<void> {
    const target = identifierOf(to);
    return this.#naming(target, tables.rename(this.#session, identifierOf(from), target, "view"));
  }

  registerView(view: TableName, metadataLocation: string): Promise<LoadedView> {
    const identifier = identifierOf(view);
    return this.#naming(identifier, views.registerView(this.#session, identifier, metadataLocation));
  }

  commitView(view: TableName, request: ViewCommitRequest): Promise<LoadedView> {
    return views.commitView(this.#session, identifierOf(view), request);
  }

  async close(): Promise<void> {
    this.#session.close();
  }

  #load(identifier: TableIdentifier): Promise<tables.StoredTable> {
    return this.#loaded.load(this.#session, identifier);
  }

  #table<Row>(
    identifier: TableIdentifier,
    { store, metadata, metadataLocation }: tables.StoredTable,
  ): Table<Row> {
    const committer = this.committer(identifier);
    return new Table<Row>({ identifier, store, committer, metadata, metadataLocation });
  }

  /** The protocol says that a name is taken, and not by what: a table or a view. */
  async #naming<T>(identifier: TableIdentifier, made: Promise<T>): Promise<T> {
    try {
      return await made;
    } catch (error) {
      const [kind, other] = tableExists.is(error)
        ? (["view", viewExists] as const)
        : (["table", tableExists] as const);
      const isTaken = tableExists.is(error) || viewExists.is(error);
      if (!isTaken || !(await tables.exists(this.#session, identifier, kind).catch(() => false))) throw error;
      const { subject, message } = error as LakehouseError;
      throw other(subject, message, undefined, error);
    }
  }

  /** A change without updates, whose requirements say that the table is as it was read. */
  async #stillThere({ identifier, metadataLocation }: UnchangedTable) {
    const { metadata, metadataLocation: current } = await this.#load(identifier);
    const { subject } = tables.about(identifier);
    if (current !== metadataLocation) {
      throw commitConflict(
        subject,
        `${subject}, which was read, has changed.`,
        "Read the tables again and decide anew.",
      );
    }
    const requirements: TableRequirement[] = [
      { type: "assert-table-uuid", uuid: metadata.tableUuid },
      { type: "assert-ref-snapshot-id", ref: "main", snapshotId: metadata.currentSnapshotId ?? null },
      { type: "assert-current-schema-id", currentSchemaId: metadata.currentSchemaId },
      { type: "assert-default-spec-id", defaultSpecId: metadata.defaultSpecId },
      { type: "assert-default-sort-order-id", defaultSortOrderId: metadata.defaultSortOrderId },
    ];
    return { identifier, requirements, updates: [] };
  }
}

function identifierOf(name: TableName): TableIdentifier {
  return toIdentifier(tableKey(name));
}
