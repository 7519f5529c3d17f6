import { randomBytes } from "node:crypto";
import type { Hash } from "../../catalog/index.js";
import { aborted, readOnly } from "../../errors.js";
import { commitConflict, noSuchRef } from "../../iceberg/index.js";
import { pipelineRunning, RunFailedError, runLost } from "../errors.js";
import type { Node, PipelineDefinition } from "../model/definition.js";
import { isSliced } from "../model/step.js";
import type { RunStore } from "../state/store.js";
import type { RunRecord, RunRequest, RunStatus, StepRecord } from "../state/types.js";
import { removeBranches, runBranch } from "./branches.js";
import type { RunJob } from "./context.js";
import { type Executed, executeSteps } from "./execute.js";
import { failureOf } from "./failure.js";
import { publishedIn, publishRun } from "./publish.js";
import { recover, restart } from "./recover.js";
import { tellRun } from "./tell.js";

/** What runs are made with, for one pipeline. */
export type Setting = Omit<RunJob, "run" | "branch">;

/** How often a run is done again because its target got other changes of the same tables meanwhile. */
const RESTARTS = 5;
/** How often a process says that it is at work. */
const BEAT_MS = 1000;

/**
 * Begins a run, or goes on with one that a process left when it ended.
 *
 * @param target the branch that it publishes to.
 * @returns `undefined` where the request's key has been run, or is being.
 * @throws LakehouseError PIPELINE_RUNNING
 */
export async function openRun(
  setting: Setting,
  target: string,
  request: RunRequest,
  takeOver = false,
): Promise<{ readonly run: RunRecord; readonly isResumed: boolean } | undefined> {
  const { store, definition } = setting;
  const { name, fingerprint } = definition;
  for (;;) {
    const known = request.key === undefined ? undefined : store.byKey(name, target, request.key);
    if (known !== undefined && !isLeft(store, known)) return undefined;
    const last = store.last(name, target);
    if (last?.status === "running") {
      if (store.isAtWork(last) && !takeOver) throw isRunning(setting, last);
      if (isSame(last, fingerprint, request)) {
        const run = store.takeOver(last, ["running"]);
        if (run !== undefined) return { run, isResumed: true };
      } else {
        await abandon(setting, last);
      }
      continue;
    }
    if (known !== undefined) {
      if (known.id === last?.id && isSame(known, fingerprint, request)) {
        const run = store.takeOver(known, ["stopped"]);
        if (run !== undefined) return { run, isResumed: true };
      } else {
        await abandon(setting, known);
      }
      continue;
    }
    // A failed one is kept to be retried until then.
    if (last !== undefined) await removeBranches(setting.catalog, last);
    const run = await beginRun(setting, target, request);
    if (run !== undefined) return { run, isResumed: false };
  }
}

/**
 * Begins a run.
 *
 * @returns `undefined` where its key has one, or another run of the pipeline is at work.
 */
export async function beginRun(
  { store, catalog, definition }: Setting,
  target: string,
  request: RunRequest,
): Promise<RunRecord | undefined> {
  const reference = await catalog.reference(target);
  if (reference.type !== "BRANCH")
    throw readOnly(
      target,
      `${target} is a tag, which stays where it is.`,
      "Run on a branch, as in lake.on(branch).orchestration.",
    );
  return store.begin({
    ...request,
    id: newId(),
    pipeline: definition.name,
    target,
    base: reference.hash,
    fingerprint: definition.fingerprint,
    steps: nodesOf(definition, request).map(({ step }) => step.name),
    startedAt: Date.now(),
  });
}

/**
 * Whether whoever asks for the same goes on with a run: its process has ended, or was told to while it ran. Another orchestrator's has
 * processes that come and go.
 */
export const isLeft = (store: RunStore, run: RunRecord): boolean =>
  run.trigger !== "external" &&
  (run.status === "stopped" || (run.status === "running" && !store.isAtWork(run)));

/** A run that is to be resumed was asked for the same, by the same steps. */
function isSame(run: RunRecord, fingerprint: string, { key, slices, rebuild = false }: RunRequest): boolean {
  const asked = JSON.stringify([key ?? null, (slices ?? []).map(String), rebuild]);
  const had = JSON.stringify([run.key ?? null, (run.slices ?? []).map(String), run.rebuild ?? false]);
  // Who asks for nothing in particular takes what is there.
  const isAnything =
    key === undefined && run.slices === undefined && !rebuild && !run.rebuild && slices === undefined;
  return run.fingerprint === fingerprint && (asked === had || isAnything);
}

/** Ends a run that nobody goes on with. */
async function abandon({ store, catalog }: Setting, run: RunRecord): Promise<void> {
  const taken = store.takeOver(run, ["running", "stopped"]);
  if (taken === undefined) return;
  await removeBranches(catalog, taken);
  store.end(taken, "abandoned", { endedAt: Date.now() });
}

function isRunning({ store }: Setting, run: RunRecord) {
  const { host, pid } = store.owner(run.id) ?? {};
  return pipelineRunning(
    run.pipeline,
    `${run.pipeline} is being run already: ${run.id}, by the process ${pid} on ${host}.`,
    "Wait for it. If that process hangs, end it, or take the run from it: slh pipeline run --take-over.",
  );
}

/** Does what a run has left to do, and publishes it. @throws RunFailedError RUN_FAILED; LakehouseError RUN_LOST, ABORTED. */
export async function finishRun(
  setting: Setting,
  run: RunRecord,
  isResumed: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { store, catalog } = setting;
  const ending = new AbortController();
  const stop = () => ending.abort(signal?.reason);
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop, { once: true });
  const heart = setInterval(() => {
    try {
      store.beat(run);
    } catch (error) {
      ending.abort(error);
    }
  }, BEAT_MS);
  heart.unref();
  let job: RunJob = { ...setting, run, branch: runBranch(run) };
  try {
    await tellRun(run, work, (error) => (error instanceof RunFailedError ? "failed" : failureOf(error).code));
  } finally {
    clearInterval(heart);
    signal?.removeEventListener("abort", stop);
    store.release(run.id);
  }

  async function work(): Promise<RunStatus> {
    try {
      if (isResumed) {
        const hash = await publishedIn(job, (await catalog.reference(run.target)).hash);
        if (hash !== undefined) return end(hash, !store.steps(run.id).some(hasFailed));
      }
      let done: ReadonlySet<string> = new Set();
      if (isResumed) ({ job, done } = await recover(job));
      else await catalog.createBranch(job.branch, { from: `@${run.base}` });
      for (let restarts = 0; ; restarts++) {
        const executed = await executeSteps(job, done, nodesOf(job.definition, run), ending.signal);
        if (executed.stoppedBy !== undefined || ending.signal.aborted) return fail(executed);
        try {
          const hash = await publishRun(job);
          return await end(hash, executed.failed === 0);
        } catch (error) {
          if (!commitConflict.is(error) || restarts === RESTARTS) throw error;
          ({ job, done } = await restart(job));
        }
      }
    } catch (error) {
      if (error instanceof RunFailedError) throw error;
      // Its branch is gone where another process has taken the run.
      if (noSuchRef.is(error)) store.beat(run);
      if (runLost.is(error) || runLost.is(ending.signal.reason))
        throw runLost.is(error) ? error : ending.signal.reason;
      if (store.run(run.id).status === "running")
        store.end(run, signal?.aborted ? "stopped" : "failed", {
          endedAt: Date.now(),
          error: failureOf(error),
        });
      throw error;
    }
  }

  async function end(hash: Hash | undefined, isWhole: boolean): Promise<RunStatus> {
    const status = isWhole ? "succeeded" : "partial";
    store.end(run, status, { endedAt: Date.now(), hash });
    await removeBranches(catalog, run);
    return status;
  }

  function fail({ stoppedBy }: Executed): never {
    const { reason } = ending.signal;
    if (stoppedBy === undefined) {
      if (runLost.is(reason)) throw reason;
      store.end(run, "stopped", { endedAt: Date.now(), error: failureOf(reason) });
      throw aborted(ending.signal);
    }
    const { step, error, cause } = stoppedBy;
    store.end(run, "failed", {
      endedAt: Date.now(),
      error: { code: error.code, message: `${step}: ${error.message}` },
    });
    throw new RunFailedError(run, step, error, cause);
  }
}

const hasFailed = ({ status }: StepRecord): boolean => status === "failed" || status === "skipped";

/** Slices are made anew by the steps that have some. */
function nodesOf({ nodes }: PipelineDefinition, { slices }: RunRequest): readonly Node[] {
  return slices === undefined ? nodes : nodes.filter(({ step }) => isSliced(step));
}

/** By the time of its beginning, for people; told apart by what is random. */
function newId(): string {
  const time = new Date().toISOString().replace(/[-:]/g, "").slice(0, 15).replace("T", "-");
  return `${time}-${randomBytes(4).toString("hex")}`;
}
