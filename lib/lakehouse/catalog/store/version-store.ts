import { randomUUID } from "node:crypto";
import { refExists } from "../../iceberg/index.js";
import { refusedCommit } from "../model/conflicts.js";
import {
  type Content,
  type ContentKey,
  decodeKey,
  type Entry,
  encodeKey,
  fromText,
} from "../model/content.js";
import { BEGINNING, type Hash } from "../model/hash.js";
import { type LogOptions, readLog } from "../model/log.js";
import type { CombineOptions, MergeOptions, MergeResult } from "../model/merging.js";
import type { Operation } from "../model/operations.js";
import type { Page } from "../model/paging.js";
import type { Reference, ReferenceType, ReflogEntry, RefWriteOptions } from "../model/references.js";
import type { MergeTables } from "../model/table-merge.js";
import { turns } from "../model/turns.js";
import type { CommitOptions, DiffEntry, Versions } from "../model/versions.js";
import { advance } from "./advance.js";
import type { Backend } from "./backend.js";
import { type Commit, getCommit, history, isAncestor } from "./commits.js";
import { liveRef, type StoreContext } from "./context.js";
import { commitChanges, mergeInto, revertIn, transplantInto } from "./merge-commits.js";
import { ObjectCache } from "./object-cache.js";
import { evaluateOperations, filesBrought } from "./operations.js";
import { RecentTokens } from "./recent-tokens.js";
import { assignRef, createRef, deleteRef } from "./ref-changes.js";
import { readRef, readRefs, reflogChain } from "./refs.js";
import type { ReplacedLocations } from "./replaced-locations.js";
import { type ResolvedReference, resolveReference } from "./resolve.js";
import { requireSameLake } from "./same-lake.js";
import { diffMaps, EMPTY_MAP } from "./sorted-map.js";
import { childrenOf, contentAt, entriesOf, namespaceConflicts } from "./tree.js";

export interface VersionStoreOptions {
  /** Author and committer where a call does not say. */
  readonly author?: string | undefined;
  /** Bytes of encoded objects to keep decoded in memory. 16 MiB where not given. */
  readonly cacheSize?: number | undefined;
  /** The clock, in milliseconds since 1970 UTC. */
  readonly now?: (() => number) | undefined;
  /** Locations of metadata files that others have taken the place of, see `LakeRecord`. */
  readonly replaced?: ReplacedLocations | undefined;
  /** How many relocations of the lake it was opened after, see `same-lake.ts`; not given where it has no record. */
  readonly relocations?: number | undefined;
  /** Whether a metadata file is where a content says. Believed, where not given. */
  readonly hasFile?: ((uri: string) => Promise<boolean>) | undefined;
  /** Puts together what two branches changed in one table. Always a conflict, where not given. */
  readonly mergeTables?: MergeTables | undefined;
}

/**
 * Git for keys: branches and tags over commits over trees of contents. Knows Nessie's model, and nothing of
 * Iceberg beyond the shape of the contents. Any number of processes may work on one backend.
 */
export class VersionStore implements Versions {
  /** @internal For the rest of the room. */
  readonly context: StoreContext;
  readonly #tokens: RecentTokens;

  constructor(backend: Backend, options: VersionStoreOptions = {}) {
    const { author = "sololakehouse", cacheSize = 16 << 20, now = Date.now } = options;
    const { hasFile = async () => true, replaced = new Map(), relocations, mergeTables } = options;
    const objects = new ObjectCache(backend, cacheSize, [EMPTY_MAP], replaced);
    const given = { backend, objects, now, author, hasFile, replaced, relocations, mergeTables };
    this.context = { ...given, inTurn: turns(), waiting: new Map() };
    this.#tokens = new RecentTokens(objects);
  }

  // References

  async reference(name: string): Promise<Reference> {
    const { type, hash } = await liveRef(this.context, name);
    return { type, name, hash };
  }

  async references(): Promise<Reference[]> {
    const states = await readRefs(this.context.backend);
    requireSameLake(this.context, states);
    return states.flatMap(({ type, name, hash }) => (hash === undefined ? [] : [{ type, name, hash }]));
  }

  /** Throws `REF_EXISTS`, and `INVALID_ARGUMENT` for a name that Nessie would not take. */
  createReference(
    type: ReferenceType,
    name: string,
    at: Hash,
    options?: RefWriteOptions,
  ): Promise<Reference> {
    return createRef(this.context, type, name, at, options);
  }

  /** Points a branch or tag elsewhere. Throws `NO_SUCH_REF`, and `REF_CONFLICT` when it is not at `expectedHash`. */
  assignReference(name: string, to: Hash, options?: RefWriteOptions): Promise<Reference> {
    return assignRef(this.context, name, to, options);
  }

  /** Deletes a branch or tag; its reflog stays. Answers with where it was. */
  deleteReference(name: string, options?: RefWriteOptions): Promise<Reference> {
    return deleteRef(this.context, name, options);
  }

  /** The moves of a branch or tag, newest first, also of a deleted one, as far as garbage collection left them. */
  async *reflog(name: string): AsyncGenerator<ReflogEntry> {
    const state = await readRef(this.context.backend, name);
    if (state === undefined) return;
    for await (const { entry } of reflogChain(this.context.objects, state.log)) yield entry;
  }

  /** See `resolveReference`. */
  resolve(expression: string): Promise<ResolvedReference> {
    return resolveReference(this.context, expression);
  }

  // Reading

  commitAt(hash: Hash): Promise<Commit> {
    return getCommit(this.context.objects, hash);
  }

  content(commit: Commit, key: ContentKey): Promise<Content | undefined> {
    return contentAt(this.context.objects, commit.tree, key);
  }

  /** The entries below a namespace, at any depth, by key; all for `[]`. `after` starts behind a key. */
  entries(commit: Commit, namespace: ContentKey = [], after?: ContentKey): AsyncGenerator<Entry> {
    const from = after === undefined ? undefined : encodeKey(after);
    return entriesOf(this.context.objects, commit.tree, namespace, from);
  }

  children(commit: Commit, namespace: ContentKey, after?: string): AsyncGenerator<Entry> {
    return childrenOf(this.context.objects, commit.tree, namespace, after);
  }

  contains(commit: Commit, ancestor: Commit): Promise<boolean> {
    return isAncestor(this.context.objects, ancestor, commit);
  }

  /** Newest first, along first parents: a merge shows as the one commit that it is. */
  async log(head: Commit, options: LogOptions = {}): Promise<Page<Commit>> {
    const { pageToken } = options;
    const start = pageToken === undefined ? head : await this.commitAt(pageToken);
    return readLog(history(this.context.objects, start), options);
  }

  /** What differs, by key. Costs what differs, not what there is. */
  async *diff(from: Commit, to: Commit): AsyncGenerator<DiffEntry> {
    for await (const difference of diffMaps(this.context.objects, from.tree, to.tree)) {
      const key = decodeKey(difference.key);
      yield { key, from: fromText(difference.from), to: fromText(difference.to) };
    }
  }

  // Writing

  /**
   * Commits operations to a branch, all or none. Others' commits to other keys do not disturb it. Throws a
   * `ConflictError` that lists the keys whose expectations failed, `NO_SUCH_REF`, `COMMIT_STATE_UNKNOWN`.
   */
  async commit(branch: string, operations: readonly Operation[], options: CommitOptions): Promise<Commit> {
    const { objects } = this.context;
    const { message, author = this.context.author, coAuthors = [], properties = {}, expectedHash } = options;
    const readAt = expectedHash === undefined ? undefined : await getCommit(objects, expectedHash);
    let earlier: Commit | undefined;
    const { after } = await advance(this.context, branch, async (head, sweep) => {
      earlier = options.token === undefined ? undefined : await this.findToken(head, options.token);
      if (earlier !== undefined) return undefined;
      const { changes, conflicts } = await evaluateOperations(objects, head, operations, readAt);
      if (conflicts.length === 0) conflicts.push(...(await namespaceConflicts(objects, head.tree, changes)));
      if (conflicts.length > 0) {
        throw refusedCommit(branch, conflicts);
      }
      if (changes.size === 0) return undefined;
      const meta = {
        message,
        authors: [author, ...coAuthors],
        authorTime: this.context.now(),
        properties,
        token: options.token ?? randomUUID(),
      };
      // Files that were written after the branch had seen the last sweep cannot be among what that one takes.
      const files = options.seen === sweep ? [] : await filesBrought(objects, head, operations);
      const made = await commitChanges(this.context, sweep, [head], changes, meta);
      const to = made.commit.hash;
      return { to, objects: made.objects, brings: { files }, operation: "COMMIT", author, message };
    });
    return earlier ?? getCommit(objects, after);
  }

  /** The commit with that token among the last thousand of a history. */
  findToken(head: Commit, token: string): Promise<Commit | undefined> {
    return this.#tokens.find(head, token);
  }

  /** Merges `source` into a branch. Throws a `ConflictError`, unless it is a dry run, which reports conflicts. */
  merge(
    branch: string,
    source: { readonly commit: Commit; readonly name: string },
    options?: MergeOptions,
  ): Promise<MergeResult> {
    return mergeInto(this.context, branch, source, options);
  }

  /** Applies the changes of commits from elsewhere (cherry-pick). */
  transplant(branch: string, commits: readonly Commit[], options?: CombineOptions): Promise<MergeResult> {
    return transplantInto(this.context, branch, commits, options);
  }

  /** Undoes the changes of commits by new commits. */
  revert(branch: string, commits: readonly Commit[], options?: CombineOptions): Promise<MergeResult> {
    return revertIn(this.context, branch, commits, options);
  }

  /** Makes a branch that does not exist yet at the beginning; leaves one that does. */
  async ensureBranch(name: string): Promise<void> {
    if ((await readRef(this.context.backend, name))?.hash !== undefined) return;
    try {
      await this.createReference("BRANCH", name, BEGINNING);
    } catch (error) {
      if (!refExists.is(error)) throw error;
    }
  }

  close(): Promise<void> {
    this.context.objects.clear();
    return this.context.backend.close();
  }
}
