import { setTimeout as sleep } from "node:timers/promises";
import type { ContentKey, Hash } from "../../catalog/index.js";
import { aborted, isLakehouseError, throwIfAborted } from "../../errors.js";
import { commitConflict } from "../../iceberg/index.js";
import { publishedBy } from "../../quality/index.js";
import { stepTimeout, undeclaredWrite } from "../errors.js";
import type { Node } from "../model/definition.js";
import type { StepRecord } from "../state/types.js";
import { commitsSince, removeBranch, stepBranch } from "./branches.js";
import type { RunJob } from "./context.js";
import { perform, snapshotsAt } from "./perform.js";

/** The property of a commit on a run's branch that says which step it is of. */
export const STEP = "pipeline.step";
/** How often a step is done again because its run's branch took in what does not go with it, as a namespace of both. */
const TRIES = 10;

export interface Done extends Pick<StepRecord, "result" | "inputs" | "outputs"> {
  readonly status: "succeeded" | "unchanged";
}

/**
 * Does a step once. What it writes lands on a branch of its own, and comes to the run's by one commit that names the step: all
 * of it, or nothing.
 */
export async function attemptStep(
  job: RunJob,
  node: Node,
  attempt: number,
  signal: AbortSignal,
): Promise<Done> {
  const tables = node.writes.filter(({ kind }) => kind === "table").map(({ name }) => name);
  for (let tries = 1; ; tries++) {
    throwIfAborted(signal);
    const { hash: at } = await job.catalog.reference(job.branch);
    const inputs = await snapshotsAt(
      job,
      at,
      node.reads.filter(({ kind }) => kind === "table").map(({ name }) => name),
    );
    if (tables.length === 0) {
      const result = await inTime(job, node, signal, (own) =>
        perform(job, node.step, { attempt, signal: own, ref: `@${at}` }),
      );
      return { status: "succeeded", result, inputs, outputs: {} };
    }
    try {
      return { ...(await write(job, node, attempt, signal, at, tables)), inputs };
    } catch (error) {
      if (!commitConflict.is(error) || tries === TRIES) throw error;
    }
  }
}

async function write(
  job: RunJob,
  node: Node,
  attempt: number,
  signal: AbortSignal,
  at: Hash,
  tables: readonly string[],
): Promise<Omit<Done, "inputs">> {
  const { catalog, run } = job;
  const { name } = node.step;
  const branch = stepBranch(run);
  await catalog.createBranch(branch, { from: `@${at}` });
  try {
    const result = await inTime(job, node, signal, (own) =>
      perform(job, node.step, { attempt, signal: own, ref: branch }),
    );
    throwIfAborted(signal);
    const { hash } = await catalog.reference(branch);
    if (hash === at) return { status: "unchanged", result, outputs: {} };
    const changed = await catalog.diff(`@${at}`, `@${hash}`);
    const written = changed.filter(({ from, to }) => (to ?? from)?.type !== "NAMESPACE");
    requireDeclared(
      name,
      tables,
      written.map(({ key }) => key),
    );
    const merged = await catalog.merge(`@${hash}`, {
      into: job.branch,
      message: `${name} of ${run.pipeline}`,
      properties: {
        ...publishedBy(await commitsSince(catalog, hash, at)),
        [STEP]: name,
        "pipeline.run": run.id,
      },
    });
    const outputs = await snapshotsAt(
      job,
      merged.after,
      written.map(({ key }) => key.join(".")),
    );
    return { status: merged.applied ? "succeeded" : "unchanged", result, outputs };
  } finally {
    await removeBranch(catalog, branch);
  }
}

function requireDeclared(step: string, tables: readonly string[], written: readonly ContentKey[]): void {
  // Quarantined rows lie beside their table.
  const declared = new Set(tables.flatMap((name) => [name, `${name}_rejected`]));
  const other = written.map((key) => key.join(".")).find((name) => !declared.has(name));
  if (other === undefined) return;
  throw undeclaredWrite(
    other,
    `The step ${step} wrote ${other}, which is not among what it says that it writes: what reads it might have gone before.`,
    "Name it in `writes` of the step. Nothing of this try was kept.",
  );
}

/**
 * Runs a step with a signal that is aborted when its time is over or the run ends. One that then does not end is left behind:
 * its branch is gone, so that nothing of it comes of what it still writes there.
 */
async function inTime<T>(
  { graceMs }: RunJob,
  { step, policy: { timeoutMs } }: Node,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const own = new AbortController();
  const tooLong = () =>
    stepTimeout(
      step.name,
      `${step.name} was not done within ${timeoutMs} ms.`,
      "Give it more by `timeoutMs`, or look at its log for what it waited for.",
    );
  const stop = () => own.abort(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => own.abort(tooLong()), timeoutMs);
  const done = new AbortController();
  const leftBehind = new Promise<never>((_, reject) => {
    own.signal.addEventListener("abort", () => {
      sleep(graceMs, undefined, { signal: done.signal }).then(
        () => reject(reasonOf(own.signal)),
        () => {},
      );
    });
  });
  try {
    if (signal.aborted) stop();
    const working = (async () => work(own.signal))();
    working.catch(() => {});
    const result = await Promise.race([working, leftBehind]);
    // One that was done just then may have been cut short: half of a result is none.
    if (own.signal.aborted) throw reasonOf(own.signal);
    return result;
  } catch (error) {
    throw own.signal.aborted ? reasonOf(own.signal) : error;
  } finally {
    done.abort();
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

const reasonOf = (signal: AbortSignal): unknown =>
  isLakehouseError(signal.reason) ? signal.reason : aborted(signal);
