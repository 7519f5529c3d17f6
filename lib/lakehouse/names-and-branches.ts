import {
  allNamespaces,
  allTables,
  allViews,
  type BranchingCatalog,
  branchingOf,
  type CombineOptions,
  diffTables,
  type GarbageReport,
  type GcOptions,
  type Hash,
  type HistoryRequest,
  type Into,
  type LoggedCommit,
  type MergeOptions,
  type MergeResult,
  type Namespace,
  type NamespaceName,
  type NewRefOptions,
  type Properties,
  type RefExpression,
  type Reference,
  type ReflogEntry,
  type RefWriteOptions,
  readHistory,
  type TableDiff,
  type TableName,
} from "./catalog/index.js";
import type { Abortable } from "./errors.js";
import type { Table, TableIdentifier } from "./iceberg/index.js";
import type { Lakehouse } from "./lakehouse.js";
import {
  COMBINE_OPTIONS,
  COMMITS_REQUEST,
  type CommitsRequest,
  HISTORY_REQUEST,
  MERGE_OPTIONS,
  NEW_REF_OPTIONS,
  REF_WRITE_OPTIONS,
  ROLLBACK_OPTIONS,
} from "./lakehouse-options.js";
import { ensureNamespace, ensureNamespaces } from "./namespaces.js";
import { checkOptions, checkText } from "./options.js";
import { Facades } from "./rooms.js";

/**
 * What a lakehouse knows by its catalog alone: the names in it, and branches. All about branches throws
 * UNSUPPORTED_FEATURE where the catalog has none, as over the Iceberg REST protocol.
 */
export abstract class NamesAndBranches extends Facades {
  abstract table(name: TableName): Promise<Table>;

  abstract countRows(table: Table, options?: Abortable): Promise<bigint>;

  /**
   * Takes a table off this branch, with its namespaces left: other branches keep it, and so do tags and earlier commits,
   * from which `lake.on(…)` reads it and `rollback` or `revert` brings it back.
   *
   * @param options `purge`: its files are deleted, too, at once, unless the head of a branch or tag still shows the table,
   *   under whatever name. Earlier commits cannot read it any more then. Without it files stay until `gc` finds that
   *   nothing leads to them.
   * @throws LakehouseError NO_SUCH_TABLE, with the nearest name there is.
   */
  async dropTable(name: TableName, options: { readonly purge?: boolean | undefined } = {}): Promise<void> {
    checkOptions("dropTable", options, { purge: true });
    await this.catalog.dropTable(name, options);
  }

  /**
   * Gives a table another name or namespace, which is made where it is missing, on this branch alone. Files stay where
   * they are.
   *
   * @throws LakehouseError NO_SUCH_TABLE; TABLE_EXISTS or VIEW_EXISTS where the new name is taken.
   */
  async renameTable(from: TableName, to: TableName): Promise<Table> {
    await this.catalog.loadTable(from);
    await ensureNamespace(this.catalog, to);
    await this.catalog.renameTable(from, to);
    return this.table(to);
  }

  /**
   * Makes a namespace, and those that it lies in.
   *
   * @throws LakehouseError NAMESPACE_EXISTS.
   */
  async createNamespace(name: NamespaceName, properties: Properties = {}): Promise<Namespace> {
    const levels = typeof name === "string" ? name.split(".") : name;
    if (Array.isArray(levels) && levels.length > 1) await ensureNamespaces(this.catalog, levels.slice(0, -1));
    return this.catalog.createNamespace(name, properties);
  }

  /**
   * Takes an empty namespace off this branch.
   *
   * @throws LakehouseError NO_SUCH_NAMESPACE, NAMESPACE_NOT_EMPTY.
   */
  async dropNamespace(name: NamespaceName): Promise<void> {
    await this.catalog.dropNamespace(name);
  }

  /** Every namespace, by its levels, each before those in it. */
  async namespaces(): Promise<readonly (readonly string[])[]> {
    return allNamespaces(this.catalog);
  }

  /** @throws LakehouseError NO_SUCH_VIEW */
  dropView(name: TableName): Promise<void> {
    return this.catalog.dropView(name);
  }

  /** Every view, by name. */
  views(): Promise<TableIdentifier[]> {
    return allViews(this.catalog);
  }

  /** Every table, by name. */
  tables(): Promise<TableIdentifier[]> {
    return allTables(this.catalog);
  }

  // Branches

  /** The branch, tag or commit that this lakehouse is on. */
  get ref(): RefExpression {
    return this.#branching.ref;
  }

  /**
   * The same lakehouse, seen on another branch, tag or commit. On a tag or an older commit it only reads. A ref that
   * does not exist shows at the first use.
   */
  abstract on(ref: RefExpression): Lakehouse;

  /**
   * Makes a branch, from here where `from` does not say otherwise, and answers with the lakehouse on it.
   *
   * @throws LakehouseError REF_EXISTS; INVALID_ARGUMENT for a name that Nessie would not take.
   */
  async branch(name: string, options: NewRefOptions = {}): Promise<Lakehouse> {
    checkOptions("branch", options, NEW_REF_OPTIONS);
    await this.#branching.createBranch(name, options);
    return this.on(name);
  }

  /** Names a commit for good, and answers with the lakehouse at it, which only reads. Throws as `branch`. */
  async tag(name: string, options: NewRefOptions = {}): Promise<Lakehouse> {
    checkOptions("tag", options, NEW_REF_OPTIONS);
    await this.#branching.createTag(name, options);
    return this.on(name);
  }

  /** All branches and tags, by name. */
  refs(): Promise<readonly Reference[]> {
    return this.#branching.references();
  }

  /** Deletes a branch or tag. Its reflog still knows where it was. */
  async deleteRef(name: string, options: RefWriteOptions = {}): Promise<Reference> {
    checkText("deleteRef", "name", name);
    checkOptions("deleteRef", options, REF_WRITE_OPTIONS);
    return this.#branching.deleteReference(name, options);
  }

  /** The hash of the commit that this lakehouse is at. */
  hash(): Promise<Hash> {
    return this.#branching.hash();
  }

  /** The commits from here back, newest first, along first parents: a merge shows as the one commit that it is. */
  async commits(request: CommitsRequest = {}): Promise<readonly LoggedCommit[]> {
    checkOptions("commits", request, COMMITS_REQUEST);
    const { limit, ...rest } = request;
    const paged = limit === undefined ? rest : { ...rest, pageSize: limit };
    return (await this.#branching.log(paged)).items;
  }

  /** The commits behind several refs over all parents, newest first, each before its parents: for a graph. */
  async history(request: HistoryRequest = {}): Promise<readonly LoggedCommit[]> {
    checkOptions("history", request, HISTORY_REQUEST);
    return readHistory(this.#branching, request);
  }

  /** What differs from one ref to another (where this lakehouse is), with the rows and files of each table. */
  async diff(
    from: RefExpression,
    to: RefExpression = this.ref,
    options: Abortable = {},
  ): Promise<readonly TableDiff[]> {
    checkOptions("diff", options, { signal: true });
    return diffTables(this.#branching, from, to, (table) => this.countRows(table, options));
  }

  /**
   * Brings the changes of a ref into a branch, this one where `into` does not say otherwise, by one commit. Changes
   * to different tables merge, and two to one table where both sides only appended: the source's rows come as one more
   * append, later than all deletes that the table has. Any other two conflict. `dryRun` tells and does nothing.
   *
   * @throws ConflictError COMMIT_CONFLICT, with `conflicts`, key by key, in Nessie's words.
   */
  async merge(source: RefExpression, options: MergeOptions & Into = {}): Promise<MergeResult> {
    checkOptions("merge", options, MERGE_OPTIONS);
    return this.#branching.merge(source, options);
  }

  /** Applies the changes of single commits from elsewhere, oldest first (cherry-pick). All, or none. Throws as `merge`. */
  async transplant(
    commits: RefExpression | readonly RefExpression[],
    options: CombineOptions & Into = {},
  ): Promise<MergeResult> {
    checkOptions("transplant", options, COMBINE_OPTIONS);
    return this.#branching.transplant(commits, options);
  }

  /** Undoes the changes of single commits by new ones. All, or none. Throws as `merge`. */
  async revert(
    commits: RefExpression | readonly RefExpression[],
    options: CombineOptions & Into = {},
  ): Promise<MergeResult> {
    checkOptions("revert", options, COMBINE_OPTIONS);
    return this.#branching.revert(commits, options);
  }

  /** Sets a branch back to an earlier commit of its own history, every table at once. The reflog keeps what came after. */
  async rollback(to: RefExpression, options: RefWriteOptions & Into = {}): Promise<Reference> {
    checkOptions("rollback", options, ROLLBACK_OPTIONS);
    return this.#branching.rollback(to, options);
  }

  /** The moves of a branch or tag, newest first: how to find a commit that no ref leads to any more. */
  reflog(name?: string): Promise<readonly ReflogEntry[]> {
    return this.#branching.reflog(name);
  }

  /** Deletes commits that nothing leads to, and files that only they refer to, after a grace period. */
  gc(options?: GcOptions): Promise<GarbageReport> {
    return this.#branching.collectGarbage(options);
  }

  get #branching(): BranchingCatalog {
    return branchingOf(this.catalog);
  }
}
