import type { Content } from "../model/content.js";
import { BEGINNING, type Hash } from "../model/hash.js";
import { type Commit, type CommitObject, findCommit, getCommit } from "./commits.js";
import type { StoreContext } from "./context.js";
import { type RefState, readRefs, reflogChain } from "./refs.js";
import { requireSameLake } from "./same-lake.js";
import { EMPTY_MAP, type MapNode } from "./sorted-map.js";
import type { SweptFiles } from "./sweep.js";
import type { Doomed } from "./sweep-word.js";

/** What must stay, and what nothing leads to any more. */
export interface Reachability {
  /** Commits, tree nodes and reflog entries to keep. */
  readonly live: ReadonlySet<Hash>;
  /** Every content that a commit to keep has put. A tree holds nothing else. */
  readonly liveContents: ReadonlySet<Content>;
  /** Objects that nothing leads to, put last before the cutoff. */
  readonly dead: readonly { readonly hash: Hash; readonly size: number }[];
  readonly deadCommits: readonly Commit[];
  /** Refs deleted before the cutoff, and names that were taken for refs which were never made. */
  readonly deadRefs: readonly RefState[];
  /** All refs as they were. */
  readonly refs: readonly RefState[];
}

/**
 * Marks what the refs lead to: their commits with all parents, the trees of those, and the moves that the
 * reflogs have recorded since `cutoff` with the commits that they name, so that a branch deleted lately can come
 * back. Everything else that is older than `cutoff` is dead; what is younger may belong to a commit under way.
 *
 * Ages are the store's: when it took an object, not what a writer's clock said. A move is as old as its log entry.
 */
export async function findReachable(context: StoreContext, cutoff: Date): Promise<Reachability> {
  const { objects, backend } = context;
  // Listed before the refs are read: what comes to be stored meanwhile is no candidate.
  const old = new Map<Hash, number>();
  const young: Hash[] = [];
  for await (const { hash, size, storedAt } of backend.scan()) {
    if (storedAt < cutoff) old.set(hash, size);
    else young.push(hash);
  }
  const refs = await readRefs(backend);
  requireSameLake(context, refs);
  const live = new Set<Hash>();
  const heads: Hash[] = [];
  const named: Hash[] = [];
  const deadRefs: RefState[] = [];
  for (const ref of refs) {
    if (ref.hash !== undefined) heads.push(ref.hash);
    const chain = [];
    for await (const logged of reflogChain(objects, ref.log)) chain.push(logged);
    // By their place: all that came after a young one are young as well, whatever a clock says.
    const lastYoung = chain.findLastIndex(({ hash }) => !old.has(hash));
    if (lastYoung < 0 && ref.hash === undefined) deadRefs.push(ref);
    chain.forEach(({ hash, entry }, index) => {
      // The newest entry stays whatever its age: the next move builds on it.
      if (index > lastYoung && (index > 0 || ref.hash === undefined)) return;
      live.add(hash);
      if (index <= lastYoung) named.push(...[entry.from, entry.to].flatMap((hash) => hash ?? []));
    });
  }
  const liveContents = new Set<Content>();
  await markCommits(context, heads, live, liveContents, "WHOLE");
  // A log outlives commits that an earlier collection with a shorter grace period took.
  await markCommits(context, named, live, liveContents, "WHERE_THERE");
  for (const hash of young) {
    if (live.has(hash)) continue;
    if ((await objects.find<{ kind?: string | undefined }>(hash))?.kind !== "commit") continue;
    await markCommits(context, [hash], live, liveContents, "WHERE_THERE");
  }
  const dead = [...old].filter(([hash]) => !live.has(hash)).map(([hash, size]) => ({ hash, size }));
  const deadCommits: Commit[] = [];
  for (const { hash } of dead) {
    const object = await objects.find<{ kind?: string | undefined }>(hash);
    if (object?.kind === "commit") deadCommits.push({ ...(object as CommitObject), hash });
  }
  return { live, liveContents, dead, deadCommits, deadRefs, refs };
}

/** `WHOLE`: a missing object is an error. `WHERE_THERE`: what an attempt that never moved a ref has left may have holes. */
type Completeness = "WHOLE" | "WHERE_THERE";

async function markCommits(
  context: StoreContext,
  roots: readonly Hash[],
  live: Set<Hash>,
  liveContents: Set<Content>,
  completeness: Completeness,
): Promise<void> {
  const { objects } = context;
  const open = [...roots];
  for (let hash = open.pop(); hash !== undefined; hash = open.pop()) {
    if (hash === BEGINNING || live.has(hash)) continue;
    const commit =
      completeness === "WHOLE" ? await getCommit(objects, hash) : await findCommit(objects, hash);
    if (commit === undefined) continue;
    live.add(hash);
    open.push(...commit.parents);
    for (const operation of commit.operations)
      if (operation.type === "PUT") liveContents.add(operation.content);
    await markTree(context, commit.tree, live, completeness);
  }
}

/** A node that is marked has all below it marked: trees share most of their nodes. */
async function markTree(
  { objects }: StoreContext,
  root: Hash,
  live: Set<Hash>,
  completeness: Completeness,
): Promise<void> {
  const open = [root];
  while (open.length > 0) {
    const hashes = open.splice(0, 64).filter((hash) => !live.has(hash));
    for (const hash of hashes) live.add(hash);
    const nodes =
      completeness === "WHOLE"
        ? await objects.getMany<MapNode>(hashes)
        : await Promise.all(hashes.map((hash) => objects.find<MapNode>(hash)));
    for (const node of nodes) {
      if (node !== undefined && node.level > 0) open.push(...(node.values as Hash[]));
    }
  }
}

/**
 * True when a ref has come to lead to what was found dead, or led there meanwhile: a branch made at an old hash, a merge
 * of one, a commit of a file that was about to go. Walks back only to what was found live, so over what is new.
 *
 * @param refs as they are now, and every one of them knows of the sweep.
 */
export async function isRevived(
  { objects }: StoreContext,
  refs: readonly RefState[],
  { live, refs: before }: Pick<Reachability, "live" | "refs">,
  doomed: Doomed,
  files: SweptFiles,
): Promise<boolean> {
  const dead = new Set(doomed.objects);
  const logs = new Map(before.map(({ name, log }) => [name, log]));
  const open: Hash[] = [];
  for (const { name, hash, log } of refs) {
    if (hash !== undefined) open.push(hash);
    for await (const { hash: logged, entry } of reflogChain(objects, log)) {
      if (logged === logs.get(name)) break;
      if (dead.has(logged)) return true;
      open.push(...[entry.from, entry.to].flatMap((named) => named ?? []));
    }
  }
  const seen = new Set<Hash>([BEGINNING, EMPTY_MAP.hash]);
  const isNew = (hash: Hash): boolean => !live.has(hash) && !seen.has(hash);
  const contents: Content[] = [];
  for (let hash = open.pop(); hash !== undefined; hash = open.pop()) {
    if (dead.has(hash)) return true;
    if (!isNew(hash)) continue;
    seen.add(hash);
    const commit = await findCommit(objects, hash);
    if (commit === undefined) continue;
    open.push(...commit.parents);
    for (const operation of commit.operations) {
      if (operation.type === "PUT") contents.push(operation.content);
    }
    const nodes = [commit.tree];
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      if (dead.has(node)) return true;
      if (!isNew(node)) continue;
      seen.add(node);
      const { level, values } = await objects.get<MapNode>(node);
      if (level > 0) nodes.push(...(values as Hash[]));
    }
  }
  if (doomed.files.length === 0 || contents.length === 0) return false;
  return files.lead(contents, new Set(doomed.files));
}
