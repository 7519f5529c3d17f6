import { type Commit, getCommit } from "./commits.js";
import type { Content } from "./content.js";
import type { StoreContext } from "./context.js";
import { BEGINNING, type Hash } from "./hash.js";
import { type RefState, readRefs, reflogChain } from "./refs.js";
import type { MapNode } from "./sorted-map.js";

/** What must stay, and what nothing leads to any more. */
export interface Reachability {
  /** Commits, tree nodes and reflog entries to keep. */
  readonly live: ReadonlySet<Hash>;
  /** Every content that a commit to keep has put. A tree holds nothing else. */
  readonly liveContents: ReadonlySet<Content>;
  /** Objects that nothing leads to, put last before the cutoff. */
  readonly dead: readonly { readonly hash: Hash; readonly size: number }[];
  readonly deadCommits: readonly Commit[];
  /** Refs deleted before the cutoff. */
  readonly deadRefs: readonly RefState[];
}

/**
 * Marks what the refs lead to: their commits with all parents, the trees of those, and the moves that the
 * reflogs have recorded since `cutoff` with the commits that they name, so that a branch deleted lately can come
 * back. Everything else that is older than `cutoff` is dead; what is younger may belong to a commit under way.
 */
export async function findReachable(context: StoreContext, cutoff: Date): Promise<Reachability> {
  const { objects, backend } = context;
  const live = new Set<Hash>();
  const liveContents = new Set<Content>();
  const deadRefs: RefState[] = [];
  const commits: Hash[] = [];
  for (const ref of await readRefs(backend)) {
    if (ref.hash !== undefined) commits.push(ref.hash);
    for await (const { hash, entry } of reflogChain(objects, ref.log)) {
      const isOld = entry.time < cutoff.getTime();
      if (isOld && hash === ref.log && ref.hash === undefined) deadRefs.push(ref);
      // The newest entry stays whatever its age: the next move builds on it.
      if (isOld && (hash !== ref.log || ref.hash === undefined)) break;
      live.add(hash);
      if (!isOld) commits.push(...[entry.from, entry.to].filter((named) => named !== undefined));
    }
  }
  for (let hash = commits.pop(); hash !== undefined; hash = commits.pop()) {
    if (hash === BEGINNING || live.has(hash)) continue;
    live.add(hash);
    const commit = await getCommit(objects, hash);
    commits.push(...commit.parents);
    for (const operation of commit.operations)
      if (operation.type === "PUT") liveContents.add(operation.content);
    await markTree(context, commit.tree, live);
  }
  const { dead, deadCommits } = await findDead(context, live, cutoff);
  return { live, liveContents, dead, deadCommits, deadRefs };
}

/** A node that is marked has all below it marked: trees share most of their nodes. */
async function markTree({ objects }: StoreContext, root: Hash, live: Set<Hash>): Promise<void> {
  const open = [root];
  while (open.length > 0) {
    const hashes = open.splice(0, 64).filter((hash) => !live.has(hash));
    for (const hash of hashes) live.add(hash);
    for (const node of await objects.getMany<MapNode>(hashes)) {
      if (node.level > 0) open.push(...(node.values as Hash[]));
    }
  }
}

async function findDead(
  { objects, backend }: StoreContext,
  live: ReadonlySet<Hash>,
  cutoff: Date,
): Promise<Pick<Reachability, "dead" | "deadCommits">> {
  const dead: { hash: Hash; size: number }[] = [];
  const deadCommits: Commit[] = [];
  for await (const { hash, size, storedAt } of backend.scan()) {
    if (live.has(hash) || storedAt >= cutoff) continue;
    dead.push({ hash, size });
    const object = await objects.find<{ kind?: string }>(hash);
    if (object?.kind === "commit") deadCommits.push({ ...(object as Commit), hash });
  }
  return { dead, deadCommits };
}
