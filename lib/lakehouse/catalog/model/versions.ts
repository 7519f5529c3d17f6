import type { LoggedCommit } from "./commits.js";
import type { Content, ContentKey, Entry } from "./content.js";
import type { Hash } from "./hash.js";
import type { LogOptions } from "./log.js";
import type { CombineOptions, MergeOptions, MergeResult } from "./merging.js";
import type { Operation } from "./operations.js";
import type { Page } from "./paging.js";
import type { Reference, ReferenceType, ReflogEntry, RefWriteOptions } from "./references.js";

export interface CommitOptions {
  readonly message: string;
  readonly author?: string | undefined;
  /** Who else made the change. */
  readonly coAuthors?: readonly string[] | undefined;
  readonly properties?: Readonly<Record<string, string>> | undefined;
  /**
   * The commit at which the operations' keys were read: a key that changed since is a conflict. What an operation
   * expects of its key is what the key held there.
   */
  readonly expectedHash?: Hash | undefined;
  /** Idempotency: when a change with this token is in the branch's recent log, that is the answer, and no other is made. */
  readonly token?: string | undefined;
  /** Where a place of this branch was read before the files of the operations were written: its `seen`. */
  readonly seen?: number | undefined;
}

/** A key that two commits hold differently. */
export interface DiffEntry {
  readonly key: ContentKey;
  readonly from: Content | undefined;
  readonly to: Content | undefined;
}

/** A place in a history. Where one is asked for, give what the same `Versions` answered with. */
export interface Place {
  readonly hash: Hash;
  /** The last garbage collection that had passed the ref when it was read, where a ref was. Commits may give it back. */
  readonly seen?: number | undefined;
}

/** The commit that a reference expression names. */
export interface ResolvedPlace {
  /** The branch or tag of the expression, where it has one. */
  readonly reference: Reference | undefined;
  readonly commit: Place;
}

/**
 * Git for keys, wherever it is kept: what a catalog with branches is made of. `VersionStore` keeps it in a backend,
 * `NessieVersions` asks a Nessie server. Errors are those that `VersionStore` documents.
 */
export interface Versions {
  reference(name: string): Promise<Reference>;
  references(): Promise<readonly Reference[]>;
  createReference(type: ReferenceType, name: string, at: Hash, options?: RefWriteOptions): Promise<Reference>;
  assignReference(name: string, to: Hash, options?: RefWriteOptions): Promise<Reference>;
  deleteReference(name: string, options?: RefWriteOptions): Promise<Reference>;
  reflog(name: string): AsyncIterable<ReflogEntry>;
  resolve(expression: string): Promise<ResolvedPlace>;

  commitAt(hash: Hash): Promise<LoggedCommit>;
  content(place: Place, key: ContentKey): Promise<Content | undefined>;
  /** The entries below a namespace, at any depth, by key; all for `[]`. `after` starts behind a key. */
  entries(place: Place, namespace?: ContentKey, after?: ContentKey): AsyncIterable<Entry>;
  /** The entries directly in a namespace, by key. `after` starts behind a name. */
  children(place: Place, namespace: ContentKey, after?: string): AsyncIterable<Entry>;
  log(head: Place, options?: LogOptions): Promise<Page<LoggedCommit>>;
  diff(from: Place, to: Place): AsyncIterable<DiffEntry>;
  /** True when `ancestor` is that commit, or one that it grew from. */
  contains(commit: Place, ancestor: Place): Promise<boolean>;

  commit(branch: string, operations: readonly Operation[], options: CommitOptions): Promise<Place>;
  findToken(head: Place, token: string): Promise<Place | undefined>;
  merge(
    branch: string,
    source: { readonly commit: Place; readonly name: string },
    options?: MergeOptions,
  ): Promise<MergeResult>;
  transplant(branch: string, commits: readonly Place[], options?: CombineOptions): Promise<MergeResult>;
  revert(branch: string, commits: readonly Place[], options?: CombineOptions): Promise<MergeResult>;
  close(): Promise<void>;
}
