import { randomUUID } from "node:crypto";
import { invalidArgument, throwIfAborted } from "../../errors.js";
import { commitStateUnknown } from "../../iceberg/index.js";
import type { Hash } from "../model/hash.js";
import type { CombineOptions, MergedKey, MergeOptions, MergeResult } from "../model/merging.js";
import { conflictsOf, notFastForward, refusedChanges, revertMessage } from "../model/merging.js";
import type { RefOperation } from "../model/references.js";
import { type Advance, advance } from "./advance.js";
import { type Commit, firstParent, getCommit, mergeBase, newCommit } from "./commits.js";
import { liveRef, type StoreContext } from "./context.js";
import { mergeTrees } from "./merge.js";
import { type Brought, requireSpared } from "./spared.js";
import type { StoredObject } from "./stored-object.js";
import { type From, MergeAttempt } from "./table-merges.js";
import { changeTree, type TreeChanges, toOperations } from "./tree.js";

/** Merges the history that ends in `source` into a branch: one commit with both as parents. */
export async function mergeInto(
  context: StoreContext,
  branch: string,
  source: { readonly commit: Commit; readonly name: string },
  options: MergeOptions = {},
): Promise<MergeResult> {
  const { objects } = context;
  const { fastForward = "never", message = `Merge ${source.name} into ${branch}` } = options;
  const author = options.author ?? context.author;
  const brings = { commits: [source.commit.hash] };
  let base: Commit | undefined;
  const combined = await combine(context, branch, options, brings, async (head, sweep, attempt) => {
    base = await mergeBase(objects, head, source.commit);
    if (base.hash === source.commit.hash) return { keys: [] };
    const trees = { base: base.tree, source: source.commit.tree, target: head.tree };
    const histories = { source: source.commit, target: head, base };
    const mergeTable = attempt.mergeTable({ name: source.name, isMerge: true });
    const { changes, keys } = await mergeTrees(objects, { ...trees, histories, mergeTable }, options);
    if (
      fastForward !== "never" &&
      base.hash === head.hash &&
      keys.every(({ behavior }) => behavior !== "DROP")
    ) {
      return {
        keys,
        advance: { to: source.commit.hash, objects: [], operation: "FAST_FORWARD", author, message },
      };
    }
    if (fastForward === "only") throw notFastForward(branch, source.name);
    if (conflictsOf(keys).length > 0 || changes.size === 0) return { keys };
    const made = await commitChanges(context, sweep, [head, source.commit], changes, {
      message,
      authors: [author],
      authorTime: context.now(),
      properties: options.properties ?? {},
    });
    return {
      keys,
      advance: { to: made.commit.hash, objects: made.objects, operation: "MERGE", author, message },
    };
  });
  return { ...combined, mergeBase: (base as Commit).hash };
}

/**
 * Applies what each commit changed to a branch, in the order given, as one new commit each; authors and messages
 * stay. All are applied, or none. A merge commit counts as what it changed in its first parent.
 */
export async function transplantInto(
  context: StoreContext,
  branch: string,
  commits: readonly Commit[],
  options: CombineOptions = {},
): Promise<MergeResult> {
  return replay(context, branch, "TRANSPLANT", options, commits, async (commit) => ({
    base: (await getCommit(context.objects, firstParent(commit))).tree,
    source: commit.tree,
    from: { name: commit.hash, isMerge: false },
    meta: {
      message: commits.length === 1 && options.message !== undefined ? options.message : commit.message,
      authors: commit.authors,
      authorTime: commit.authorTime,
      properties: { ...commit.properties, ...options.properties },
    },
  }));
}

/** Undoes what each commit changed, in the order given, as one new commit each. All are undone, or none. */
export async function revertIn(
  context: StoreContext,
  branch: string,
  commits: readonly Commit[],
  options: CombineOptions = {},
): Promise<MergeResult> {
  return replay(context, branch, "REVERT", options, commits, async (commit) => ({
    base: commit.tree,
    source: (await getCommit(context.objects, firstParent(commit))).tree,
    meta: {
      message: options.message ?? revertMessage(commit),
      authors: [options.author ?? context.author],
      authorTime: context.now(),
      properties: options.properties ?? {},
    },
  }));
}

type Meta = Pick<Commit, "message" | "authors" | "authorTime" | "properties">;

async function replay(
  context: StoreContext,
  branch: string,
  operation: RefOperation,
  options: CombineOptions,
  commits: readonly Commit[],
  toPatch: (commit: Commit) => Promise<{ base: Hash; source: Hash; from?: From; meta: Meta }>,
): Promise<MergeResult> {
  const begun = commits.find(({ depth }) => depth === 0);
  if (commits.length === 0 || begun !== undefined) {
    throw invalidArgument(
      branch,
      `There is no commit to apply to ${branch}.`,
      "Give the hashes of one or more commits.",
    );
  }
  const brings = { commits: commits.map(({ hash }) => hash) };
  return combine(context, branch, options, brings, async (head, sweep, attempt) => {
    const stored: StoredObject[] = [];
    const unstage: (() => void)[] = [];
    const keys = new Map<string, MergedKey>();
    let tip = head;
    try {
      for (const commit of commits) {
        throwIfAborted(options.signal);
        const { base, source, from, meta } = await toPatch(commit);
        const mergeTable = from && attempt.mergeTable(from);
        const trees = { base, source, target: tip.tree, mergeTable };
        const merged = await mergeTrees(context.objects, trees, options);
        for (const key of merged.keys) keys.set(key.key.join("\u0000"), key);
        if (conflictsOf(merged.keys).length > 0) return { keys: [...keys.values()] };
        if (merged.changes.size === 0) continue;
        const made = await commitChanges(context, sweep, [tip], merged.changes, meta);
        // The next commit is made on top of this one, which is not stored yet.
        unstage.push(context.objects.stage(made.objects));
        stored.push(...made.objects);
        tip = made.commit;
      }
    } finally {
      for (const release of unstage) release();
    }
    const author = options.author ?? context.author;
    if (tip.hash === head.hash) return { keys: [...keys.values()] };
    const advance = { to: tip.hash, objects: stored, operation, author, message: tip.message };
    return { keys: [...keys.values()], advance };
  });
}

/** Runs a combination on the branch's head, again when the branch moves; reports or throws its conflicts. */
async function combine(
  context: StoreContext,
  branch: string,
  { dryRun = false, signal }: CombineOptions,
  brings: Brought,
  plan: (
    head: Commit,
    sweep: number,
    attempt: MergeAttempt,
  ) => Promise<{ keys: readonly MergedKey[]; advance?: Advance | undefined }>,
): Promise<MergeResult> {
  throwIfAborted(signal);
  if (dryRun) {
    const { hash, sweep } = await liveRef(context, branch, "BRANCH");
    const attempt = new MergeAttempt(context, true);
    const { keys } = await plan(await getCommit(context.objects, hash), sweep, attempt);
    return { applied: false, before: hash, after: hash, keys };
  }
  let keys: readonly MergedKey[] = [];
  // What goes with the garbage while it is read shows as holes in the catalog.
  const explain = async (error: unknown): Promise<never> => {
    await requireSpared(context, branch, "ANY", brings);
    throw error;
  };
  const attempts: MergeAttempt[] = [];
  const settle = (head: Hash | undefined) => Promise.all(attempts.map((attempt) => attempt.settle(head)));
  try {
    const { before, after } = await advance(context, branch, async (head, sweep) => {
      const attempt = new MergeAttempt(context, false);
      attempts.push(attempt);
      const planned = await plan(head, sweep, attempt).catch(explain);
      keys = planned.keys;
      attempt.to = planned.advance?.to;
      throwIfAborted(signal);
      const conflicts = conflictsOf(keys);
      if (conflicts.length === 0) return planned.advance && { ...planned.advance, brings };
      throw refusedChanges(branch, conflicts);
    });
    await settle(after);
    return { applied: before !== after, before, after, keys };
  } catch (error) {
    // Whether it happened is not known: what may be current stays.
    if (!commitStateUnknown.is(error)) await settle(undefined);
    throw error;
  }
}

/** A commit of changes on its first parent's tree, with all objects to store. */
export async function commitChanges(
  context: StoreContext,
  sweep: number,
  parents: readonly [Commit, ...Commit[]],
  changes: TreeChanges,
  meta: Meta & { readonly token?: string | undefined },
): Promise<{ commit: Commit; objects: StoredObject[] }> {
  const { tree, created } = await changeTree(context.objects, parents[0].tree, changes, sweep);
  const { commit, object } = await newCommit(context.objects, parents, {
    ...meta,
    token: meta.token ?? randomUUID(),
    committer: context.author,
    tree,
    operations: toOperations(changes),
    now: context.now(),
    sweep,
  });
  return { commit, objects: [...created, object] };
}
