import type { BranchingCatalog, RefExpression } from "../branching-catalog.js";
import type { LoggedCommit } from "../versioned/commits.js";
import type { Hash } from "../versioned/hash.js";

/** Which commits to draw. */
export interface HistoryRequest {
  /** Where to start: every branch and tag where not given. */
  readonly refs?: readonly RefExpression[] | undefined;
  /** 100 where not given. */
  readonly limit?: number | undefined;
}

/**
 * The newest commits that the refs lead to over all parents, each before its parents: what a graph of branches and
 * merges is drawn from.
 */
export async function readHistory(
  catalog: BranchingCatalog,
  { refs, limit = 100 }: HistoryRequest = {},
): Promise<readonly LoggedCommit[]> {
  const known = new Map<Hash, LoggedCommit>();
  const from = refs ?? (await catalog.references()).map(({ name }) => name);
  const tips = await Promise.all(from.map(async (ref) => (await catalog.commitAt(ref)).hash));
  // No line of first parents shows more than `limit` commits, since each of them comes after all before it.
  const open = [...tips];
  for (let tip = open.pop(); tip !== undefined; tip = open.pop()) {
    if (known.has(tip)) continue;
    const { items } = await catalog.on(`@${tip}`).log({ pageSize: limit });
    for (const commit of items) {
      if (known.has(commit.hash)) break;
      known.set(commit.hash, commit);
      open.push(...commit.parents.slice(1));
    }
  }
  return newestFirst(known).slice(0, limit);
}

/** By time, newest first, but no commit before its children. */
function newestFirst(commits: ReadonlyMap<Hash, LoggedCommit>): LoggedCommit[] {
  const children = new Map<Hash, number>();
  for (const { parents } of commits.values())
    for (const parent of parents) children.set(parent, (children.get(parent) ?? 0) + 1);
  const ready = [...commits.values()].filter(({ hash }) => !children.has(hash));
  const ordered: LoggedCommit[] = [];
  for (;;) {
    ready.sort((a, b) => a.commitTime - b.commitTime);
    const commit = ready.pop();
    if (commit === undefined) return ordered;
    ordered.push(commit);
    for (const hash of commit.parents) {
      const left = (children.get(hash) ?? 0) - 1;
      children.set(hash, left);
      const parent = commits.get(hash);
      if (left === 0 && parent) ready.push(parent);
    }
  }
}
