import type { ObjectStore } from "../../storage/index.js";
import type { Catalog, NamespaceName } from "./catalog.js";
import type { LoggedCommit } from "./commits.js";
import type { ContentType, Entry } from "./content.js";
import type { GarbageReport, GcOptions } from "./garbage.js";
import type { Hash } from "./hash.js";
import type { LogFilter } from "./log.js";
import type { CombineOptions, MergeOptions, MergeResult } from "./merging.js";
import type { Page, PageRequest } from "./paging.js";
import type { Reference, ReflogEntry, RefWriteOptions } from "./references.js";
import type { DiffEntry, Versions } from "./versions.js";

/**
 * What names a commit: `main`, `main@<hash>`, `@<hash>`, and steps back from there as in `main~3`, `main^2` or
 * `main*2026-05-01T00:00:00Z`, all as Nessie writes them.
 */
export type RefExpression = string;

export interface LogRequest extends Omit<LogFilter, "matches">, PageRequest {
  readonly matches?: ((commit: LoggedCommit) => boolean) | undefined;
  /** The last commit to look at. */
  readonly stopAt?: RefExpression | undefined;
}

export interface EntriesRequest extends PageRequest {
  /** Only what lies in it, at any depth. */
  readonly namespace?: NamespaceName | undefined;
  readonly types?: readonly ContentType[] | undefined;
}

/** Which branch a change goes to: the one that the catalog is on, where not given. */
export interface Into {
  readonly into?: string | undefined;
}

export interface NewRefOptions {
  /** Where it starts: where the catalog is, where not given. */
  readonly from?: RefExpression | undefined;
  /** For the reflog. */
  readonly message?: string | undefined;
}

/**
 * Git for tables: a catalog whose every change is a commit on a branch. It is on one ref, which it
 * reads and writes; `on` gives the same catalog on another. A tag or an older commit is only read.
 *
 * A commit is immutable and named by its hash; a branch is a name that moves from commit to commit. So a branch
 * costs nothing, sees nothing of the others until it is merged, and no change is ever lost while a ref, or its
 * log, leads to it.
 *
 * The embedded catalog is one, a Nessie server another. What a server keeps no record of, or does by itself,
 * (`reflog`, `collectGarbage`) it answers with `UNSUPPORTED_FEATURE`.
 *
 * @example
 * const catalog = await openCatalog({ backend: "catalog.db", store, warehouse });
 * await catalog.createBranch("etl");
 * const etl = catalog.on("etl");
 * const table = await etl.loadTable("flights.bronze");
 * await table.append(rows);              // main does not see it
 * await catalog.diff("main", "etl");     // flights.bronze
 * await catalog.merge("etl");            // now it does
 */
export interface BranchingCatalog extends Catalog {
  /** The ref that it is on, as it was given. */
  readonly ref: RefExpression;
  /**
   * What the tables' files are read and written through, by their recorded locations. Where the lake was moved it is
   * not the store that the catalog was opened with.
   */
  readonly store: ObjectStore;
  /** The history under the tables, as keys and contents: what a server of Nessie's API works on. */
  readonly versions: Versions;
  /** The same catalog seen from elsewhere. Nothing is read yet: a ref that does not exist shows at the first use. */
  on(ref: RefExpression): BranchingCatalog;
  /**
   * The same catalog for one change of namespaces, tables or views, named by a token of the caller's: made again with
   * the same token, also by another process or after a crash, it has no second effect and answers as it did. So far
   * back as the branch's last thousand commits.
   */
  once(token: string): BranchingCatalog;

  // References

  /** A branch or tag, or `NO_SUCH_REF`. */
  reference(name: string): Promise<Reference>;
  /** All branches and tags, by name. */
  references(): Promise<readonly Reference[]>;
  /** Throws `REF_EXISTS`, and `INVALID_ARGUMENT` for a name that Nessie would not take. */
  createBranch(name: string, options?: NewRefOptions): Promise<Reference>;
  /** A tag names one commit for good: nothing is committed to it. Throws as `createBranch`. */
  createTag(name: string, options?: NewRefOptions): Promise<Reference>;
  /** Points a branch or tag elsewhere. Throws `REF_CONFLICT` when it is not at `expectedHash`. */
  assignReference(name: string, to: RefExpression, options?: RefWriteOptions): Promise<Reference>;
  /** Deletes a branch or tag. Its reflog still knows where it was. The default branch stays. */
  deleteReference(name: string, options?: RefWriteOptions): Promise<Reference>;
  /** The moves of a branch or tag, newest first: of the branch that it is on, where not given. */
  reflog(name?: string): Promise<readonly ReflogEntry[]>;

  // History

  /** The commit that an expression names; where the catalog is, where not given. */
  commitAt(ref?: RefExpression): Promise<LoggedCommit>;
  /** The commits from here back, newest first, along first parents. */
  log(request?: LogRequest): Promise<Page<LoggedCommit>>;
  /** What the catalog holds here, by key: namespaces, tables, views. */
  entries(request?: EntriesRequest): Promise<Page<Entry>>;
  /** What differs between two commits, by key. `to` is where the catalog is, where not given. */
  diff(from: RefExpression, to?: RefExpression): Promise<readonly DiffEntry[]>;

  // Changes of history

  /**
   * Brings the changes of `source` into a branch by one commit with two parents. Changes to different tables
   * merge; two different ones to one table conflict, unless one contains the other. Throws a `ConflictError`
   * that lists them with Nessie's conflict types.
   */
  merge(source: RefExpression, options?: MergeOptions & Into): Promise<MergeResult>;
  /** Applies the changes of single commits, oldest first (cherry-pick). All, or none. */
  transplant(
    commits: RefExpression | readonly RefExpression[],
    options?: CombineOptions & Into,
  ): Promise<MergeResult>;
  /** Undoes the changes of single commits by new ones, in the order given. All, or none. */
  revert(
    commits: RefExpression | readonly RefExpression[],
    options?: CombineOptions & Into,
  ): Promise<MergeResult>;
  /**
   * Sets a branch back to an earlier commit of its own history. What came after is in the reflog, and goes with
   * the garbage later; to keep it in the history, `revert` it.
   */
  rollback(to: RefExpression, options?: RefWriteOptions & Into): Promise<Reference>;

  /** The hash where the catalog is now. */
  hash(): Promise<Hash>;
  /** Finds commits that nothing leads to and files that only they refer to, and unless it is a dry run deletes them. */
  collectGarbage(options?: GcOptions): Promise<GarbageReport>;
}

/** True for a catalog with branches: all but those over the Iceberg REST protocol. */
export function isBranchingCatalog(catalog: Catalog): catalog is BranchingCatalog {
  return "createBranch" in catalog;
}
