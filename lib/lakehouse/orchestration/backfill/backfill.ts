import { setTimeout as sleep } from "node:timers/promises";
import type { BranchingCatalog } from "../../catalog/index.js";
import { type Abortable, invalidArgument, throwIfAborted } from "../../errors.js";
import { digestOf } from "../../keys.js";
import type { SliceValue } from "../../pipeline/index.js";
import { pipelineRunning, RunFailedError } from "../errors.js";
import type { PipelineDefinition } from "../model/definition.js";
import { isSliced } from "../model/step.js";
import { isOnBranch } from "../run/branches.js";
import type { RunStore } from "../state/store.js";
import type { Failure, RunRecord, RunRequest } from "../state/types.js";

export interface BackfillOptions extends Abortable {
  /** What is made anew, as days: `daysBetween("2001-03-01", "2001-03-31")`. */
  readonly slices: readonly SliceValue[];
  /**
   * Letters, digits, `-`, `_` and `.`: what the backfill of a name has made, it does not make again. The pipeline's fingerprint where
   * not given, so that other steps make everything anew.
   */
  readonly name?: string | undefined;
  /** How many slices a run makes: 1 where not given. */
  readonly perRun?: number | undefined;
  /** Milliseconds that a step has to end after it was aborted: 5,000 where not given. */
  readonly graceMs?: number | undefined;
  /** Called with each slice when it is settled. */
  readonly onSlice?: ((slice: BackfilledSlice) => void) | undefined;
}

/** What became of a slice. */
export interface BackfilledSlice {
  readonly slice: SliceValue;
  /** `made` now; `had`: made before; `partial`: with steps that failed as they may; `failed`: nothing of it was published. */
  readonly outcome: "made" | "had" | "partial" | "failed";
  readonly run: string | undefined;
  readonly error: Failure | undefined;
}

/** What became of a backfill: slices in the order that they were asked for. */
export interface BackfillReport {
  readonly pipeline: string;
  readonly name: string;
  readonly slices: readonly BackfilledSlice[];
}

/** What a backfill is made with. */
export interface Backfilling {
  readonly catalog: BranchingCatalog;
  readonly store: RunStore;
  readonly definition: PipelineDefinition;
  readonly target: string;
  readonly start: (request: RunRequest) => Promise<RunRecord | undefined>;
}

/** How long a backfill waits before it looks whether another run has ended. */
const WAIT_MS = 250;

/**
 * Makes slices anew, so many a run, one run after the other: two that write the same tables could not be published beside each
 * other. What was made is told by the runs that are remembered and are on their branch still, so that whoever is killed or told to end
 * goes on with the rest.
 */
export async function backfill(
  { catalog, store, definition, target, start }: Backfilling,
  { slices, name = short(definition.fingerprint), perRun = 1, onSlice, signal }: BackfillOptions,
): Promise<BackfillReport> {
  check(definition, slices, name, perRun);
  const asked = new Map(slices.map((slice) => [String(slice), slice]));
  const settled = new Map<string, BackfilledSlice>();
  const settle = (text: string, outcome: BackfilledSlice["outcome"], run?: string, error?: Failure) => {
    const one = { slice: asked.get(text) as SliceValue, outcome, run, error };
    settled.set(text, one);
    onSlice?.(one);
  };
  for (;;) {
    throwIfAborted(signal);
    const runs = store.withKey(definition.name, target, `backfill ${name} `);
    for (const { id, status, hash, base, slices: made = [] } of runs) {
      const had = made.map(String).filter((text) => asked.has(text) && !settled.has(text));
      // One that found nothing to change has no commit: then what it found has to be there still.
      if (status !== "succeeded" || had.length === 0 || !(await isOnBranch(catalog, target, hash ?? base)))
        continue;
      for (const text of had) settle(text, "had", id);
    }
    const missing = [...asked.keys()].filter((text) => !settled.has(text));
    if (missing.length === 0) break;
    const group = missing.slice(0, perRun);
    const of = group.length === 1 ? group[0] : short(digestOf(group));
    const base = `backfill ${name} ${of} #`;
    // One that was left in the middle has the key that it is gone on with.
    const tries = runs.filter(({ key, status }) => key?.startsWith(base) && ENDED.has(status)).length;
    const key = base + (tries + 1);
    try {
      const made = group.map((text) => asked.get(text) as SliceValue);
      const report = await start({ trigger: "backfill", key, slices: made });
      if (report === undefined) await wait();
      else
        for (const text of group) settle(text, report.status === "succeeded" ? "made" : "partial", report.id);
    } catch (error) {
      if (pipelineRunning.is(error)) await wait();
      else if (error instanceof RunFailedError)
        for (const text of group) settle(text, "failed", error.run, said(error));
      else throw error;
    }
  }
  const inOrder = [...asked.keys()].map((text) => settled.get(text) as BackfilledSlice);
  return { pipeline: definition.name, name, slices: inOrder };

  async function wait(): Promise<void> {
    await sleep(WAIT_MS, undefined, { signal }).catch(() => {});
  }
}

/** A digest in what names may have. */
const short = (digest: string): string => Buffer.from(digest, "base64").toString("hex").slice(0, 12);

/** Without the remedy, which is to ask for the backfill again. */
const said = ({ step, failure }: RunFailedError): Failure => ({
  code: failure.code,
  message: `${step}: ${failure.message}`,
});

const ENDED: ReadonlySet<RunRecord["status"]> = new Set(["succeeded", "partial", "failed"]);

function check(
  { name: pipeline, nodes }: PipelineDefinition,
  slices: readonly SliceValue[],
  name: string,
  perRun: number,
): void {
  if (!Array.isArray(slices) || slices.length === 0)
    throw invalidArgument(
      pipeline,
      `The backfill of ${pipeline} has no slices.`,
      'Give some, as in ["2001-03-04"].',
    );
  if (!/^[\w.-]{1,100}$/.test(name))
    throw invalidArgument(
      String(name),
      `${JSON.stringify(name)} cannot be the name of a backfill.`,
      "Use up to 100 letters, digits, hyphens, underscores and dots.",
    );
  if (!Number.isSafeInteger(perRun) || perRun < 1)
    throw invalidArgument(pipeline, `${perRun} slices a run make none.`, "Give a whole number from 1 on.");
  if (!nodes.some(({ step }) => step.kind !== "check" && isSliced(step)))
    throw invalidArgument(
      pipeline,
      `No step of ${pipeline} can make slices anew.`,
      'Give tasks a column by `slice`, as in upsert({ slice: "day" }), and functions `sliced: true`.',
    );
}
