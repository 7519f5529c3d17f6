import { randomUUID } from "node:crypto";
import { throwIfAborted } from "../../../errors.js";
import { conflictOf } from "../../model/conflicts.js";
import { encodeKey } from "../../model/content.js";
import { sameJson } from "../../model/hash.js";
import type { CombineOptions, MergedKey, MergeResult } from "../../model/merging.js";
import {
  behaviorLookup,
  conflictsOf,
  type MergeBehaviors,
  refusedChanges,
  revertMessage,
} from "../../model/merging.js";
import type { Operation } from "../../model/operations.js";
import type { Place, Versions } from "../../model/versions.js";

/**
 * Undoes the changes of single commits. Nessie has no such operation: what each commit changed is put back by a
 * commit of this client's. Several are made on a branch of their own first, to which the branch then moves at once.
 */
export async function revertIn(
  versions: Versions,
  branch: string,
  commits: readonly Place[],
  options: CombineOptions = {},
): Promise<MergeResult> {
  const { hash: before } = await versions.reference(branch);
  const keys = new Map<string, MergedKey>();
  const aside = `${branch}-revert-${randomUUID()}`;
  await versions.createReference("BRANCH", aside, before);
  let head: Place = { hash: before };
  try {
    for (const commit of commits) {
      throwIfAborted(options.signal);
      const operations = await undo(versions, head, commit, options, keys);
      const conflicts = conflictsOf([...keys.values()]);
      if (conflicts.length > 0 && options.dryRun) break;
      if (conflicts.length > 0) throw refusedChanges(branch, conflicts);
      if (operations.length === 0) continue;
      const { message } = await versions.commitAt(commit.hash);
      head = await versions.commit(aside, operations, {
        message: options.message ?? revertMessage({ hash: commit.hash, message }),
        author: options.author,
        properties: options.properties ?? {},
        expectedHash: head.hash,
      });
    }
    throwIfAborted(options.signal);
    const isApplied = !options.dryRun && head.hash !== before;
    if (isApplied) await versions.assignReference(branch, head.hash, { expectedHash: before });
    return { applied: isApplied, before, after: isApplied ? head.hash : before, keys: [...keys.values()] };
  } finally {
    await versions.deleteReference(aside);
  }
}

/** The operations that put back what a commit changed; what stands in the way is noted with its key. */
async function undo(
  versions: Versions,
  head: Place,
  commit: Place,
  behaviors: MergeBehaviors,
  keys: Map<string, MergedKey>,
): Promise<Operation[]> {
  const behaviorOf = behaviorLookup(behaviors);
  const parent = (await versions.resolve(`@${commit.hash}~1`)).commit;
  const operations: Operation[] = [];
  for await (const { key, from, to } of versions.diff(commit, parent)) {
    const behavior = behaviorOf(encodeKey(key));
    const actual = await versions.content(head, key);
    const isSettled = behavior === "DROP" || sameJson(actual, to);
    const conflict = isSettled || behavior === "FORCE" ? undefined : conflictOf(key, from, actual);
    keys.set(encodeKey(key), { key, behavior, conflict });
    if (isSettled || conflict !== undefined) continue;
    if (to !== undefined) operations.push({ type: "PUT", key, content: to, expected: actual ?? null });
    else if (actual !== undefined) operations.push({ type: "DELETE", key, expected: actual });
  }
  return operations;
}
