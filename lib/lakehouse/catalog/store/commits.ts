import { type CommitMeta, type CommittedOperation, latestOf } from "../model/commits.js";
import { BEGINNING, type Hash } from "../model/hash.js";
import type { ObjectCache } from "./object-cache.js";
import { EMPTY_MAP } from "./sorted-map.js";
import { type StoredObject, toObject } from "./stored-object.js";

/** A commit as it is stored. */
export interface CommitObject extends CommitMeta {
  readonly kind: "commit";
  /** First the commit that this one follows, then those merged into it. The first commit has `BEGINNING`. */
  readonly parents: readonly Hash[];
  /** Root of the tree: content key → content. */
  readonly tree: Hash;
  readonly operations: readonly CommittedOperation[];
  /** Unlike in any other commit, so that the one who wrote it can find out whether it was applied. */
  readonly token: string;
  /** Number of commits from here to the beginning along first parents. */
  readonly depth: number;
  /** One more than the highest of any parent: a commit comes after all its ancestors in this order. */
  readonly generation: number;
  /** An ancestor further back along first parents, chosen so that any ancestor is O(log depth) jumps away. */
  readonly jump: Hash;
  readonly jumpDepth: number;
  /** The earliest time of the commits from here back to `jump`, without it. Absent from old commits, whose times never decrease. */
  readonly earliest?: number | undefined;
  /** The latest time of all from here back along first parents. Absent as `earliest` is. */
  readonly latest?: number | undefined;
  /** The sweep that the branch had seen, see `sweep.ts`; absent before the first one. */
  readonly sweep?: number | undefined;
}

/** A commit with its hash. */
export interface Commit extends CommitObject {
  readonly hash: Hash;
}

/** Stands before the first commit: no entries, no parents. It is not stored. */
const beginning: Commit = {
  kind: "commit",
  hash: BEGINNING,
  parents: [],
  tree: EMPTY_MAP.hash,
  operations: [],
  message: "",
  authors: [],
  committer: "",
  authorTime: 0,
  commitTime: 0,
  properties: {},
  token: "",
  depth: 0,
  generation: 0,
  jump: BEGINNING,
  jumpDepth: 0,
};

/** The commit under a hash; `undefined` when there is none, or the object is no commit. */
export async function findCommit(objects: ObjectCache, hash: Hash): Promise<Commit | undefined> {
  if (hash === BEGINNING) return beginning;
  const found = await objects.find<CommitObject>(hash);
  return found?.kind === "commit" ? { ...found, hash } : undefined;
}

/** The commit under a hash that another object names. */
export async function getCommit(objects: ObjectCache, hash: Hash): Promise<Commit> {
  if (hash === BEGINNING) return beginning;
  return { ...(await objects.get<CommitObject>(hash)), hash };
}

/** What `newCommit` works out from the parents is not given. */
export interface NewCommit extends Omit<CommitMeta, "commitTime"> {
  readonly tree: Hash;
  readonly operations: readonly CommittedOperation[];
  readonly token: string;
  /** The clock's time. */
  readonly now: number;
  /** The last sweep that the branch has seen; 0 where there was none. */
  readonly sweep: number;
}

/** A commit that follows `parents[0]` and merges the others, with its object to store. */
export async function newCommit(
  objects: ObjectCache,
  parents: readonly [Commit, ...Commit[]],
  { now, sweep, ...given }: NewCommit,
): Promise<{ commit: Commit; object: StoredObject }> {
  const [first] = parents;
  const content: CommitObject = {
    ...given,
    kind: "commit",
    parents: parents.map(({ hash }) => hash),
    commitTime: now,
    latest: Math.max(now, latestOf(first)),
    depth: first.depth + 1,
    generation: Math.max(...parents.map(({ generation }) => generation)) + 1,
    ...(await jumpFrom(objects, first, now)),
    sweep: sweep || undefined,
  };
  const object = toObject(content);
  return { commit: { ...content, hash: object.hash }, object };
}

/** Jump lengths follow the skew-binary numbers (Myers, "An applicative random-access stack", 1983). */
async function jumpFrom(
  objects: ObjectCache,
  parent: Commit,
  now: number,
): Promise<Required<Pick<CommitObject, "jump" | "jumpDepth" | "earliest">>> {
  const far = await getCommit(objects, parent.jump);
  if (parent.depth === 0 || parent.depth - parent.jumpDepth !== far.depth - far.jumpDepth)
    return { jump: parent.hash, jumpDepth: parent.depth, earliest: now };
  const earliest = Math.min(now, await earliestOf(objects, parent), await earliestOf(objects, far));
  return { jump: far.jump, jumpDepth: far.jumpDepth, earliest };
}

async function earliestOf(objects: ObjectCache, { earliest, jump }: Commit): Promise<number> {
  return earliest ?? (await getCommit(objects, jump)).commitTime;
}

/** The ancestor of `commit` along first parents at that depth; the commit itself when it is not deeper. */
export async function ancestorAt(objects: ObjectCache, commit: Commit, depth: number): Promise<Commit> {
  let current = commit;
  while (current.depth > depth) {
    current = await getCommit(objects, current.jumpDepth >= depth ? current.jump : firstParent(current));
  }
  return current;
}

/** How far from now a time still means now, in milliseconds. */
const NOW_MS = 60_000;

/**
 * The newest of `commit` and its ancestors along first parents that bears no later time than `time` (ms). Newest by
 * place: what a commit follows was there when it was, whatever clocks said, so that a writer whose clock is fast hides
 * nobody's commits but its own last ones. And those not from who asks for now: what bears a time that has not come yet
 * was made before now.
 */
export async function commitAsOf(
  objects: ObjectCache,
  commit: Commit,
  time: number,
  now: number,
): Promise<Commit> {
  const isNow = time > now - NOW_MS;
  let current = commit;
  while (current.depth > 0 && current.commitTime > time && !(isNow && current.commitTime > now)) {
    const skips = !isNow && (await earliestOf(objects, current)) > time;
    current = await getCommit(objects, skips ? current.jump : firstParent(current));
  }
  return current;
}

export function firstParent(commit: Commit): Hash {
  return commit.parents[0] ?? BEGINNING;
}

/** `commit`, then its ancestors along first parents, newest first, without the beginning. */
export async function* history(objects: ObjectCache, commit: Commit): AsyncGenerator<Commit> {
  let current = commit;
  while (current.depth > 0) {
    yield current;
    current = await getCommit(objects, firstParent(current));
  }
}

/** True when `ancestor` is `commit` or one that it grew from, over any parents. */
export async function isAncestor(objects: ObjectCache, ancestor: Commit, commit: Commit): Promise<boolean> {
  if ((await ancestorAt(objects, commit, ancestor.depth)).hash === ancestor.hash) return true;
  const seen = new Set<Hash>([commit.hash]);
  const open = [commit];
  for (let current = open.pop(); current !== undefined; current = open.pop()) {
    if (current.hash === ancestor.hash) return true;
    for (const hash of current.parents) {
      if (seen.has(hash)) continue;
      seen.add(hash);
      const parent = await getCommit(objects, hash);
      if (parent.generation >= ancestor.generation) open.push(parent);
    }
  }
  return false;
}

/**
 * The nearest commit that both sides grew from, over any parents: where a merge starts to compare. Walks back
 * from both sides, highest generation first, so that the first commit met from both is no other one's ancestor.
 * Of several nearest ones (criss-cross merges) everybody finds the same. The beginning is common to all.
 */
export async function mergeBase(objects: ObjectCache, left: Commit, right: Commit): Promise<Commit> {
  const [LEFT, RIGHT] = [1, 2];
  const reachedFrom = new Map<Hash, number>([[left.hash, LEFT]]);
  reachedFrom.set(right.hash, (reachedFrom.get(right.hash) ?? 0) | RIGHT);
  const open = [left, right];
  for (;;) {
    open.sort((a, b) => a.generation - b.generation || (a.hash < b.hash ? -1 : 1));
    const current = open.pop();
    if (current === undefined) return beginning;
    const sides = reachedFrom.get(current.hash) ?? 0;
    if (sides === (LEFT | RIGHT)) return current;
    for (const hash of current.parents) {
      const known = reachedFrom.get(hash);
      reachedFrom.set(hash, (known ?? 0) | sides);
      if (known === undefined) open.push(await getCommit(objects, hash));
    }
  }
}
