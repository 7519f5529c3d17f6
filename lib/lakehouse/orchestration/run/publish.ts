import { setTimeout as sleep } from "node:timers/promises";
import { ConflictError, type Hash, type LoggedCommit } from "../../catalog/index.js";
import { refConflict } from "../../iceberg/index.js";
import { publishedBy } from "../../quality/index.js";
import { commitsSince, publishBranch, removeBranch } from "./branches.js";
import type { RunJob } from "./context.js";

/** Properties of the commit on the target that brought a run. */
const RUN = "pipeline.run";
const KEY = "pipeline.key";
/** How often a run is put on the target anew because others were faster. */
const TRIES = 50;
/** Commits of the target among which a run is looked for. */
const REMEMBERED = 1000;

/**
 * Brings what a run did to its target, in one commit and once: where the target has it, by this call or by that of a process
 * that then died, nothing is done.
 *
 * @returns the commit; `undefined` where the run wrote nothing.
 * @throws ConflictError COMMIT_CONFLICT where the target has other changes of the same tables by now: the run is to be done
 *   again, from there.
 */
export async function publishRun(job: RunJob): Promise<Hash | undefined> {
  const { catalog, run, branch } = job;
  for (let tries = 0; ; tries++) {
    const { hash: at } = await catalog.reference(run.target);
    const before = await publishedIn(job, at);
    if (before !== undefined) return before;
    const { hash: head } = await catalog.reference(branch);
    if (head === run.base) return undefined;
    const steps = await commitsSince(catalog, head, run.base);
    await requireApart(job, at, head);
    const candidate = publishBranch(run);
    await catalog.createBranch(candidate, { from: `@${at}` });
    try {
      const merged = await catalog.merge(`@${head}`, {
        into: candidate,
        message: messageOf(job),
        properties: {
          ...publishedBy(steps),
          [RUN]: run.id,
          ...(run.key !== undefined && { [KEY]: keyOf(job) }),
        },
      });
      if (merged.mergeBase !== run.base) throw takenBack(job);
      if (!merged.applied) return undefined;
      await catalog.assignReference(run.target, `@${merged.after}`, {
        expectedHash: at,
        message: messageOf(job),
      });
      return merged.after;
    } catch (error) {
      if (!refConflict.is(error) || tries === TRIES) throw error;
      await sleep(Math.random() * Math.min(2000, 10 * 2 ** tries));
    } finally {
      await removeBranch(catalog, candidate);
    }
  }
}

/** The commit that published the run, or another run for the same key, among a commit and those before it. */
export async function publishedIn(job: RunJob, at: Hash): Promise<Hash | undefined> {
  const { catalog, run } = job;
  // Who has no key can be published by itself alone, and not before it began.
  const stopAt = run.key === undefined ? `@${run.base}` : undefined;
  const { items } = await catalog.on(`@${at}`).log({ pageSize: REMEMBERED, stopAt });
  const isIt = ({ properties }: LoggedCommit) =>
    properties[RUN] === run.id || (run.key !== undefined && properties[KEY] === keyOf(job));
  return items.find(isIt)?.hash;
}

/** A run is of its branch: another that was made of it has its commits, and none of what its own pipeline makes of them. */
const keyOf = ({ run }: RunJob): string => `${run.pipeline} ${run.target} ${run.key}`;

const messageOf = ({ run }: RunJob): string => `Run ${run.pipeline} (${run.id})`;

/**
 * What both sides changed is not put together, though a catalog may know how: the run's tables were made of those that it had,
 * and what it says of how far they have come is true of them alone.
 */
async function requireApart({ catalog, run }: RunJob, at: Hash, head: Hash): Promise<void> {
  if (at === run.base) return;
  const changed = async (to: Hash) =>
    (await catalog.diff(`@${run.base}`, `@${to}`))
      .filter(({ from, to }) => (to ?? from)?.type !== "NAMESPACE")
      .map(({ key }) => key.join("."));
  const theirs = new Set(await changed(at));
  const both = (await changed(head)).filter((name) => theirs.has(name));
  if (both.length === 0) return;
  throw new ConflictError(
    run.target,
    `${run.target} has other changes of ${both.join(", ")} than the run ${run.id} of ${run.pipeline}`,
    both.map((name) => ({ type: "VALUE_DIFFERS", key: name.split("."), message: "changed on both sides" })),
    "Run it again.",
  );
}

/** The commit that the run began at is no longer the target's: what it held would come back with the run. */
function takenBack({ run }: RunJob): ConflictError {
  return new ConflictError(
    run.target,
    `${run.target} was set back while ${run.pipeline} ran`,
    [{ type: "VALUE_DIFFERS", message: "the commit that the run began at is no longer on it" }],
    "Run it again.",
  );
}
