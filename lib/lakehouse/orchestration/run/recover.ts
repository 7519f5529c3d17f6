import type { Hash } from "../../catalog/index.js";
import { STEP } from "./attempt.js";
import { commitsSince, findRunBranch, removeBranches } from "./branches.js";
import type { RunJob } from "./context.js";

/** A run that can go on: with its branch, and the steps that are done on it. */
export interface Recovered {
  readonly job: RunJob;
  readonly done: ReadonlySet<string>;
}

/**
 * Makes the branch of a run that was taken over, of what its last one has. What is on it decides which steps are done: one whose
 * commit is there is, whether or not its process lived to say so; one that says to have written, and has no commit there, is not.
 * Where no branch is left, no step is done, also none that wrote nothing: what it looked at is gone.
 */
export async function recover(job: RunJob): Promise<Recovered> {
  const { catalog, store, run, branch } = job;
  const head = await findRunBranch(catalog, run);
  if (head === undefined) return restart(job);
  await catalog.createBranch(branch, { from: `@${head}` });
  await removeBranches(catalog, run, branch);
  store.reopenSteps(run);
  return { job, done: await stepsDone(job, head) };
}

/**
 * The steps of a run that are done, by what is on its branch.
 *
 * @param head where the branch is.
 */
export async function stepsDone(job: RunJob, head: Hash): Promise<ReadonlySet<string>> {
  const { catalog, store, run } = job;
  const onBranch = new Set(
    (await commitsSince(catalog, head, run.base)).map(({ properties }) => properties[STEP]),
  );
  const done = new Set<string>();
  for (const { name, status, outputs } of store.steps(run.id)) {
    const isSaid = status === "succeeded" || status === "unchanged";
    const mustBeThere = Object.keys(outputs).length > 0;
    if (onBranch.has(name) || (isSaid && !mustBeThere)) {
      if (!isSaid) store.settle(run, name, "succeeded", Date.now());
      done.add(name);
    } else if (isSaid) {
      store.settle(run, name, "pending", Date.now());
    }
  }
  return done;
}

/** Begins a run anew from where its target is now. */
export async function restart(job: RunJob): Promise<Recovered> {
  const { catalog, store, run, branch } = job;
  const { hash } = await catalog.reference(run.target);
  await removeBranches(catalog, run);
  store.restart(run, hash);
  await catalog.createBranch(branch, { from: `@${hash}` });
  return { job: { ...job, run: store.run(run.id) }, done: new Set() };
}
