import { invalidArgument, throwIfAborted } from "../../errors.js";
import { refExists } from "../../iceberg/index.js";
import { noSuchRun } from "../errors.js";
import type { Node } from "../model/definition.js";
import { removeBranches, runBranch } from "../run/branches.js";
import type { RunJob } from "../run/context.js";
import { executeSteps } from "../run/execute.js";
import { failureOf } from "../run/failure.js";
import { publishRun } from "../run/publish.js";
import { stepsDone } from "../run/recover.js";
import { beginRun, type Setting } from "../run/run.js";
import type { RunRecord, StepRecord } from "../state/types.js";

/**
 * Runs whose steps another orchestrator calls, each perhaps from a process of its own: it says what is next, and which run it is
 * of by a key. What a step writes comes to the run's branch as in any run; the last call publishes.
 */

/** A run that nobody has ended by then is given up by the next one of its pipeline. */
const FORGOTTEN_MS = 7 * 86_400_000;

/**
 * Does a step of such a run, with its retries, and begins the run where its key has none.
 *
 * @returns the step as it is remembered: one that is done already is not done again.
 * @throws LakehouseError INVALID_ARGUMENT where steps before it are not done, it is at work, or the run has ended
 */
export async function runStep(
  setting: Setting,
  target: string,
  key: string,
  name: string,
  signal: AbortSignal,
): Promise<StepRecord> {
  const { store, definition } = setting;
  const node = definition.nodes.find(({ step }) => step.name === name);
  if (node === undefined)
    throw invalidArgument(
      name,
      `${definition.name} has no step ${JSON.stringify(name)}.`,
      "Name one that it has.",
    );
  const run = await openExternal(setting, target, key);
  const recorded = () => store.steps(run.id).find((each) => each.name === name) as StepRecord;
  if (run.status !== "running") {
    if (run.status === "succeeded" || run.status === "partial") return recorded();
    throw invalidArgument(run.id, `The run ${run.id} is ${run.status}.`, "Begin another, by another key.");
  }
  const job: RunJob = { ...setting, run, branch: runBranch(run) };
  if (!store.claim(run.id, name))
    throw invalidArgument(name, `${name} is at work in the run ${run.id} already.`, "Wait for it to end.");
  try {
    const done = await stepsDone(job, (await setting.catalog.reference(job.branch)).hash);
    if (done.has(name)) return recorded();
    if (isLeftOut(job, node)) store.settle(run, name, "skipped", Date.now());
    else await executeSteps(job, done, [node], signal);
    throwIfAborted(signal);
    return recorded();
  } finally {
    store.unclaim(run.id, name);
    store.release(run.id);
  }
}

/**
 * Publishes such a run, whose steps are all done, or failed as they may.
 *
 * @throws LakehouseError NO_SUCH_RUN; INVALID_ARGUMENT where a step is not done; COMMIT_CONFLICT where others have changed the
 *   same tables meanwhile, which ends the run.
 */
export async function publishExternal(setting: Setting, target: string, key: string): Promise<RunRecord> {
  const { store, definition, catalog } = setting;
  const run = store.byKey(definition.name, target, key);
  if (run === undefined)
    throw noSuchRun(key, `${definition.name} has no run of the key ${key}.`, "Do its steps first.");
  if (run.status !== "running") return run;
  const job: RunJob = { ...setting, run, branch: runBranch(run) };
  await ensureBranch(job);
  await stepsDone(job, (await catalog.reference(job.branch)).hash);
  let isWhole = true;
  for (const node of definition.nodes) {
    const { name } = node.step;
    const { status } = statusOf(job, name);
    if (status === "succeeded" || status === "unchanged") continue;
    isWhole = false;
    if (status === "skipped" || (status === "failed" && node.policy.onFailure !== "stop")) continue;
    // The other one has left it out by itself.
    if (status === "pending" && isLeftOut(job, node)) store.settle(run, name, "skipped", Date.now());
    else
      throw invalidArgument(
        name,
        `${name} of the run ${run.id} is ${status}: the run is published when all of it is done.`,
        "Do it first.",
      );
  }
  try {
    const hash = await publishRun(job);
    store.end(run, isWhole ? "succeeded" : "partial", { endedAt: Date.now(), hash });
  } catch (error) {
    store.end(run, "failed", { endedAt: Date.now(), error: failureOf(error) });
    throw error;
  }
  await removeBranches(catalog, run);
  return store.run(run.id);
}

/** The run of a key, begun where there is none. */
async function openExternal(setting: Setting, target: string, key: string): Promise<RunRecord> {
  const { store, definition } = setting;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them belongs in a key
  if (typeof key !== "string" || !/^[^\u0000-\u001f\u007f]{1,20000}$/.test(key))
    throw invalidArgument(
      "key",
      `${JSON.stringify(key)} is no key of a run.`,
      "Give the other orchestrator's id of it.",
    );
  for (;;) {
    const known = store.byKey(definition.name, target, key);
    if (known !== undefined && known.trigger !== "external")
      throw invalidArgument(
        key,
        `The run ${known.id} of ${definition.name} was begun by a ${known.trigger}.`,
        "Give another key.",
      );
    if (known?.status === "running" && known.fingerprint !== definition.fingerprint)
      throw invalidArgument(
        known.id,
        `The steps of ${definition.name} are others than when ${known.id} began.`,
        "Begin another run, by another key.",
      );
    const run = known ?? (await beginRun(setting, target, { trigger: "external", key }));
    if (run === undefined) continue;
    if (known === undefined) await giveUpForgotten(setting, run);
    if (run.status === "running") await ensureBranch({ ...setting, run, branch: runBranch(run) });
    return run;
  }
}

/** The first of its processes to get there makes the run's branch. */
async function ensureBranch({ catalog, run, branch }: RunJob): Promise<void> {
  try {
    await catalog.createBranch(branch, { from: `@${run.base}` });
  } catch (error) {
    if (!refExists.is(error)) throw error;
  }
}

async function giveUpForgotten(
  { store, catalog }: Setting,
  { pipeline, target, startedAt }: RunRecord,
): Promise<void> {
  for (const run of store.external(pipeline, target)) {
    if (run.startedAt > startedAt - FORGOTTEN_MS) continue;
    store.end(run, "abandoned", { endedAt: Date.now() });
    await removeBranches(catalog, run);
  }
}

/** Whether a step follows from one that failed and takes with it what follows. */
function isLeftOut(job: RunJob, node: Node): boolean {
  return node.upstream.some((name) => {
    const before = job.definition.nodes.find(({ step }) => step.name === name) as Node;
    const { status } = statusOf(job, name);
    if (status === "skipped") return true;
    if (status === "failed" && before.policy.onFailure !== "stop") return before.policy.onFailure === "skip";
    if (status === "succeeded" || status === "unchanged") return false;
    if (status === "pending" && isLeftOut(job, before)) return true;
    throw invalidArgument(
      node.step.name,
      `${node.step.name} goes after ${name}, which is ${status} in the run ${job.run.id}.`,
      `Do ${name} first.`,
    );
  });
}

const statusOf = ({ store, run }: RunJob, name: string): StepRecord =>
  store.steps(run.id).find((each) => each.name === name) as StepRecord;
