// Written by slh run from the cells of m06 that have the tag module:../small/gate.ts.

import { readCommit, type Tables } from "../small/commits.js";
import { movePointer, readPointer } from "../small/store.js";

/** Says what is wrong with the tables of a commit; nothing, where nothing is. */
export type Audit = (tables: Tables) => Promise<readonly string[]>;

export interface Verdict {
  readonly outcome: "published" | "blocked" | "behind";
  readonly problems: readonly string[];
}

/** Whether a commit is another one, or among those before it. `""` is before all. */
export async function isBefore(root: string, earlier: string, later: string): Promise<boolean> {
  for (let at: string | null = later; at !== null; at = (await readCommit(root, at)).parent)
    if (at === earlier) return true;
  return earlier === "";
}

/** Moves `into` to what `branch` has now, if that is `into` with something on top, and the audit finds nothing in it. */
export async function gate(root: string, branch: string, into: string, audit: Audit): Promise<Verdict> {
  // Both are read once, before the audit: what it looks at is what is published, on top of what was there.
  const target = await readPointer(root, `refs/${into}`);
  const { value: candidate } = await readPointer(root, `refs/${branch}`);
  if (!(await isBefore(root, target.value, candidate))) return { outcome: "behind", problems: [] };
  const { tables } = await readCommit(root, candidate);
  const problems = await audit(tables);
  if (problems.length > 0) return { outcome: "blocked", problems };
  // Where somebody was quicker, the audit has seen something else than readers would.
  const moved = await movePointer(root, `refs/${into}`, target, candidate);
  return { outcome: moved ? "published" : "behind", problems: [] };
}
