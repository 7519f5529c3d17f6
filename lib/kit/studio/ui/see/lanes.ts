import type { LakeCommits } from "../../contract.js";

export type Commit = LakeCommits["commits"][number];

export interface Placed {
  readonly commit: Commit;
  readonly lane: number;
  readonly row: number;
}

/**
 * A lane for each commit: it stands in the first lane that waits for it, where its first parent follows; its other parents
 * open lanes of their own.
 *
 * @param commits newest first
 */
export function lanesOf(commits: readonly Commit[]): readonly Placed[] {
  /** By lane, the commit that it waits for. */
  const lanes: (string | undefined)[] = [];
  const free = (): number => {
    const empty = lanes.indexOf(undefined);
    return empty < 0 ? lanes.length : empty;
  };
  return commits.map((commit, row) => {
    const waiting = lanes.indexOf(commit.hash);
    const lane = waiting < 0 ? free() : waiting;
    for (const [index, hash] of lanes.entries()) if (hash === commit.hash) lanes[index] = undefined;
    const [first, ...others] = commit.parents;
    lanes[lane] = first;
    for (const other of others) if (!lanes.includes(other)) lanes[free()] = other;
    return { commit, lane, row };
  });
}
