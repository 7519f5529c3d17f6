import { invalidArgument } from "../../errors.js";
import {
  type Committer,
  type LoadedTable,
  newTableMetadata,
  newViewMetadata,
  Table,
  type TableIdentifier,
} from "../../iceberg/index.js";
import type { ObjectStore } from "../../storage/index.js";
import type {
  BranchingCatalog,
  EntriesRequest,
  Into,
  LogRequest,
  NewRefOptions,
  RefExpression,
} from "../model/branching-catalog.js";
import type {
  CreateTableOptions,
  Namespace,
  NamespaceName,
  Properties,
  PropertiesUpdated,
  PropertyChanges,
  TableChange,
  TableName,
  TransactionOptions,
} from "../model/catalog.js";
import type { LoggedCommit } from "../model/commits.js";
import type { Entry } from "../model/content.js";
import { type ContentKey, decodeKey, encodeKey } from "../model/content.js";
import type { GarbageReport, GcOptions } from "../model/garbage.js";
import type { Hash } from "../model/hash.js";
import { namespaceKey, tableKey, toIdentifier } from "../model/identifiers.js";
import type { CombineOptions, MergeOptions, MergeResult } from "../model/merging.js";
import type { Page, PageRequest } from "../model/paging.js";
import { toPage } from "../model/paging.js";
import type { Reference, ReflogEntry, RefWriteOptions } from "../model/references.js";
import type { DiffEntry, Place, Versions } from "../model/versions.js";
import type { CreateViewOptions, LoadedView, ViewCommitRequest } from "../model/view-catalog.js";
import { Checkout, type Shared } from "./checkout.js";
import { createEntry, listEntries, loadEntry, registerEntry, removeEntry, renameEntry } from "./entries.js";
import {
  createNamespace,
  dropNamespace,
  listNamespaces,
  loadNamespace,
  namespaceExists,
  updateNamespace,
} from "./namespaces.js";
import { recordedProperties } from "./recorded.js";
import { commitTransaction, committerOf } from "./table-commits.js";
import { dropTable, TABLE } from "./tables.js";
import { commitView, VIEW } from "./views.js";

/** A catalog on a history of keys, wherever that is kept: all methods work on one ref, by the files that they call. */
export class VersionedCatalog implements BranchingCatalog {
  readonly #shared: Shared;
  readonly #checkout: Checkout;

  constructor(shared: Shared, ref: RefExpression, token?: string) {
    this.#shared = shared;
    this.#checkout = new Checkout(shared, ref, token);
  }

  get ref(): RefExpression {
    return this.#checkout.ref;
  }

  get store(): ObjectStore {
    return this.#shared.store;
  }

  get versions(): Versions {
    return this.#shared.versions;
  }

  on(ref: RefExpression): BranchingCatalog {
    return new VersionedCatalog(this.#shared, ref, this.#checkout.token);
  }

  once(token: string): BranchingCatalog {
    return new VersionedCatalog(this.#shared, this.ref, token);
  }

  // Namespaces

  createNamespace(namespace: NamespaceName, properties?: Properties): Promise<Namespace> {
    return createNamespace(this.#checkout, namespace, properties);
  }

  async listNamespaces(parent: NamespaceName = []): Promise<readonly (readonly string[])[]> {
    return (await listNamespaces(this.#checkout, parent, ALL)).items;
  }

  listNamespacesPage(page: PageRequest, parent: NamespaceName = []): Promise<Page<readonly string[]>> {
    return listNamespaces(this.#checkout, parent, page);
  }

  loadNamespace(namespace: NamespaceName): Promise<Namespace> {
    return loadNamespace(this.#checkout, namespace);
  }

  namespaceExists(namespace: NamespaceName): Promise<boolean> {
    return namespaceExists(this.#checkout, namespace);
  }

  updateNamespace(namespace: NamespaceName, changes: PropertyChanges): Promise<PropertiesUpdated> {
    return updateNamespace(this.#checkout, namespace, changes);
  }

  dropNamespace(namespace: NamespaceName): Promise<void> {
    return dropNamespace(this.#checkout, namespace);
  }

  // Tables

  async createTable<Row = Record<string, unknown>>(
    table: TableName,
    options: CreateTableOptions<Row>,
  ): Promise<Table<Row>> {
    const properties = recordedProperties(this.store, options.properties);
    const given = properties === undefined ? options : { ...options, properties };
    const created = await createEntry(this.#checkout, TABLE, table, options.location, (location) =>
      newTableMetadata({ ...given, location }),
    );
    return this.#table(tableKey(table), created);
  }

  async loadTable<Row = Record<string, unknown>>(table: TableName): Promise<Table<Row>> {
    const key = tableKey(table);
    return this.#table(key, await loadEntry(this.#checkout, TABLE, key));
  }

  async tableExists(table: TableName): Promise<boolean> {
    return (await this.#checkout.content(tableKey(table)))?.type === "ICEBERG_TABLE";
  }

  async listTables(namespace: NamespaceName): Promise<readonly TableIdentifier[]> {
    return (await listEntries(this.#checkout, TABLE, namespace, ALL)).items;
  }

  listTablesPage(namespace: NamespaceName, page: PageRequest): Promise<Page<TableIdentifier>> {
    return listEntries(this.#checkout, TABLE, namespace, page);
  }

  dropTable(
    table: TableName,
    { purge = false }: { readonly purge?: boolean | undefined } = {},
  ): Promise<void> {
    return dropTable(this.#checkout, table, purge);
  }

  async unregisterTable(table: TableName): Promise<LoadedTable> {
    const { metadataLocation } = await removeEntry(this.#checkout, TABLE, table, "Unregister");
    return { metadata: await TABLE.read(this.#checkout, metadataLocation), metadataLocation };
  }

  renameTable(from: TableName, to: TableName): Promise<void> {
    return renameEntry(this.#checkout, TABLE, from, to);
  }

  async registerTable<Row = Record<string, unknown>>(
    table: TableName,
    metadataLocation: string,
    { overwrite = false }: { readonly overwrite?: boolean | undefined } = {},
  ): Promise<Table<Row>> {
    const registered = await registerEntry(this.#checkout, TABLE, table, metadataLocation, overwrite);
    return this.#table(tableKey(table), registered);
  }

  committer(table: TableName): Committer {
    return committerOf(this.#checkout, tableKey(table));
  }

  commitTransaction(changes: readonly TableChange[], options: TransactionOptions = {}): Promise<void> {
    return commitTransaction(this.#checkout, changes, options);
  }

  // Views

  createView(view: TableName, options: CreateViewOptions): Promise<LoadedView> {
    return createEntry(this.#checkout, VIEW, view, options.location, (location) =>
      newViewMetadata({ ...options, location, properties: options.properties ?? {} }),
    );
  }

  async loadView(view: TableName): Promise<LoadedView> {
    return loadEntry(this.#checkout, VIEW, tableKey(view));
  }

  async viewExists(view: TableName): Promise<boolean> {
    return (await this.#checkout.content(tableKey(view)))?.type === "ICEBERG_VIEW";
  }

  async listViews(namespace: NamespaceName): Promise<readonly TableIdentifier[]> {
    return (await listEntries(this.#checkout, VIEW, namespace, ALL)).items;
  }

  listViewsPage(namespace: NamespaceName, page: PageRequest): Promise<Page<TableIdentifier>> {
    return listEntries(this.#checkout, VIEW, namespace, page);
  }

  async dropView(view: TableName): Promise<void> {
    await removeEntry(this.#checkout, VIEW, view, "Drop");
  }

  renameView(from: TableName, to: TableName): Promise<void> {
    return renameEntry(this.#checkout, VIEW, from, to);
  }

  registerView(view: TableName, metadataLocation: string): Promise<LoadedView> {
    return registerEntry(this.#checkout, VIEW, view, metadataLocation, false);
  }

  commitView(view: TableName, request: ViewCommitRequest): Promise<LoadedView> {
    return commitView(this.#checkout, view, request);
  }

  // References

  reference(name: string): Promise<Reference> {
    return this.versions.reference(name);
  }

  references(): Promise<readonly Reference[]> {
    return this.versions.references();
  }

  async createBranch(name: string, { from = this.ref, message }: NewRefOptions = {}): Promise<Reference> {
    const at = await this.#at(from);
    return this.versions.createReference("BRANCH", name, at.hash, { message });
  }

  async createTag(name: string, { from = this.ref, message }: NewRefOptions = {}): Promise<Reference> {
    const at = await this.#at(from);
    return this.versions.createReference("TAG", name, at.hash, { message });
  }

  async assignReference(name: string, to: RefExpression, options?: RefWriteOptions): Promise<Reference> {
    return this.versions.assignReference(name, (await this.#at(to)).hash, options);
  }

  async deleteReference(name: string, options?: RefWriteOptions): Promise<Reference> {
    if (name === this.#shared.defaultBranch) {
      throw invalidArgument(
        name,
        `${name} is the default branch, which stays.`,
        "Assign it elsewhere, or roll it back.",
      );
    }
    return this.versions.deleteReference(name, options);
  }

  async reflog(name?: string): Promise<readonly ReflogEntry[]> {
    const entries: ReflogEntry[] = [];
    for await (const entry of this.versions.reflog(name ?? this.#checkout.branch())) entries.push(entry);
    return entries;
  }

  // History

  async commitAt(ref: RefExpression = this.ref): Promise<LoggedCommit> {
    return this.versions.commitAt((await this.#at(ref)).hash);
  }

  async hash(): Promise<Hash> {
    return (await this.#checkout.head()).hash;
  }

  async log({ pageSize, pageToken, stopAt, ...filter }: LogRequest = {}): Promise<Page<LoggedCommit>> {
    return this.versions.log(await this.#checkout.head(), {
      ...filter,
      limit: pageSize,
      pageToken,
      stopAt: stopAt === undefined ? undefined : (await this.#at(stopAt)).hash,
    });
  }

  async entries({ namespace = [], types, ...page }: EntriesRequest = {}): Promise<Page<Entry>> {
    const head = await this.#checkout.head();
    // Keys hold NUL characters, which not everything that a token goes through takes.
    const token = page.pageToken && Buffer.from(page.pageToken, "base64url").toString("utf8");
    const after = token ? decodeKey(token) : undefined;
    const all = this.versions.entries(head, namespaceKey(namespace), after);
    const wanted = (async function* () {
      for await (const entry of all)
        if (types === undefined || types.includes(entry.content.type)) yield entry;
    })();
    return toPage(wanted, page, ({ key }) => Buffer.from(encodeKey(key), "utf8").toString("base64url"));
  }

  async diff(from: RefExpression, to: RefExpression = this.ref): Promise<readonly DiffEntry[]> {
    const differences: DiffEntry[] = [];
    const [left, right] = [await this.#at(from), await this.#at(to)];
    for await (const difference of this.versions.diff(left, right)) differences.push(difference);
    return differences;
  }

  // Changes of history

  async merge(source: RefExpression, options: MergeOptions & Into = {}): Promise<MergeResult> {
    const commit = await this.#at(source);
    return this.versions.merge(this.#into(options), { commit, name: source }, options);
  }

  async transplant(
    commits: RefExpression | readonly RefExpression[],
    options: CombineOptions & Into = {},
  ): Promise<MergeResult> {
    return this.versions.transplant(this.#into(options), await this.#commits(commits), options);
  }

  async revert(
    commits: RefExpression | readonly RefExpression[],
    options: CombineOptions & Into = {},
  ): Promise<MergeResult> {
    return this.versions.revert(this.#into(options), await this.#commits(commits), options);
  }

  async rollback(to: RefExpression, options: RefWriteOptions & Into = {}): Promise<Reference> {
    const branch = this.#into(options);
    const [target, head] = [await this.#at(to), await this.#at(branch)];
    if (!(await this.versions.contains(head, target))) {
      throw invalidArgument(
        to,
        `${to} is not in the history of ${branch}, so that ${branch} cannot roll back to it.`,
        "Choose a commit of its log, or assign the branch.",
      );
    }
    return this.versions.assignReference(branch, target.hash, {
      ...options,
      message: options.message ?? `Roll back to ${to}`,
      expectedHash: options.expectedHash ?? head.hash,
    });
  }

  collectGarbage(options: GcOptions = {}): Promise<GarbageReport> {
    return this.#shared.collectGarbage(options);
  }

  close(): Promise<void> {
    return this.versions.close();
  }

  #table<Row>(key: ContentKey, loaded: LoadedTable): Table<Row> {
    const committer = committerOf(this.#checkout, key);
    return new Table<Row>({ identifier: toIdentifier(key), store: this.#shared.store, committer, ...loaded });
  }

  async #at(ref: RefExpression): Promise<Place> {
    return (await this.versions.resolve(ref)).commit;
  }

  #into({ into }: Into): string {
    return into ?? this.#checkout.branch();
  }

  async #commits(refs: RefExpression | readonly RefExpression[]): Promise<Place[]> {
    const commits: Place[] = [];
    for (const ref of Array.isArray(refs) ? refs : [refs]) commits.push(await this.#at(ref));
    return commits;
  }
}

const ALL: PageRequest = { pageSize: Number.POSITIVE_INFINITY };
