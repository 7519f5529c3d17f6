import { isBranchingCatalog } from "../catalog/index.js";
import { type Abortable, isLakehouseError } from "../errors.js";
import { notReproducible } from "./errors.js";
import type { ExperimentsContext, RunWork } from "./experiments.js";
import { TAGS } from "./facts.js";
import { pinnedBy, startRun } from "./lifecycle.js";
import type { Metric, Run } from "./model.js";
import type { TrackingStore } from "./store.js";

/**
 * A metric of a run and of the one that makes it again, by all of its values: the last ones, or the first that differ. None where
 * one of the runs lacks it.
 */
export interface ComparedMetric {
  readonly key: string;
  /** That of the values. */
  readonly step: number;
  readonly was: number | undefined;
  readonly is: number | undefined;
  readonly same: boolean;
}

/** A model, by the hash of its files. Of several of one name, those of one hash are compared with each other. */
export interface ComparedModel {
  readonly name: string;
  readonly was: string | undefined;
  readonly is: string | undefined;
  readonly same: boolean;
}

/** What came of making a run again. */
export interface Reproduction {
  readonly of: Run;
  readonly run: Run;
  /** All metrics and models are the same, and there is at least one. */
  readonly same: boolean;
  readonly metrics: readonly ComparedMetric[];
  readonly models: readonly ComparedModel[];
  /** The code of then and of now: commits, with a `+` where files differed from them. */
  readonly code: { readonly was: string | undefined; readonly is: string | undefined };
}

export async function reproduce(
  context: ExperimentsContext,
  store: TrackingStore,
  runId: string,
  work: RunWork,
  { signal }: Abortable,
): Promise<Reproduction> {
  const of = await store.run(runId);
  if (of.status === "RUNNING")
    throw notReproducible(runId, `The run ${runId} has not ended.`, "Wait for it, or name another.");
  const pinned = { ...pinnedBy(of), reproduces: runId };
  await requirePlace(context, of);
  const experiment = (await store.experiments()).find(({ id }) => id === of.experimentId);
  const task = of.tags[TAGS.task];
  const { run } = await startRun(
    context,
    store,
    {
      experiment: experiment?.name as string,
      name: `${of.name} again`.slice(-250),
      params: of.params,
      task,
      signal,
    },
    work,
    pinned,
  );
  const metrics = await compareMetrics(store, of, run);
  const models = await compareModels(store, of, run);
  const all = [...metrics, ...models];
  const code = { was: codeOf(of), is: codeOf(run) };
  return { of, run, same: all.length > 0 && all.every(({ same }) => same), metrics, models, code };
}

/** @throws LakehouseError NOT_REPRODUCIBLE where nothing leads to what the run read. */
async function requirePlace({ catalog }: ExperimentsContext, { id, tags }: Run): Promise<void> {
  const commit = tags[TAGS.commit];
  if (!isBranchingCatalog(catalog)) return;
  if (commit === undefined)
    throw notReproducible(
      id,
      `The run ${id} does not say from which commit it read.`,
      "Train anew, by lake.experiments.run.",
    );
  try {
    await catalog.commitAt(`@${commit}`);
  } catch (error) {
    if (!isLakehouseError(error) || !/^(NO_SUCH_REF|NO_SUCH_COMMIT|INVALID_ARGUMENT)$/.test(error.code))
      throw error;
    throw notReproducible(
      id,
      `The commit ${commit}, from which the run ${id} read, is gone: it was released, and garbage was collected.`,
      "Restore it from a backup, or train anew on what there is.",
      error,
    );
  }
}

async function compareMetrics(store: TrackingStore, of: Run, run: Run): Promise<ComparedMetric[]> {
  const keys = new Set([...Object.keys(of.metrics), ...Object.keys(run.metrics)]);
  const compared = [...keys]
    .filter((key) => !key.startsWith("system/"))
    .sort()
    .map(async (key) => {
      const [was, is] = await Promise.all([valuesOf(store, of, key), valuesOf(store, run, key)]);
      const length = Math.max(was.length, is.length);
      const isSame = (i: number) => was[i]?.step === is[i]?.step && Object.is(was[i]?.value, is[i]?.value);
      const differs = Array.from({ length }, (_, i) => i).find((i) => !isSame(i));
      return differs === undefined
        ? compare(key, was.at(-1), is.at(-1))
        : compare(key, was[differs], is[differs]);
    });
  return Promise.all(compared);
}

type Value = Pick<Metric, "step" | "value">;

/**
 * The values of a metric by step, and those of one step by themselves: the times at which they were logged are others. A value
 * that a step has twice is there once, as MLflow keeps it once where both are of one millisecond.
 */
async function valuesOf(store: TrackingStore, { id, metrics }: Run, key: string): Promise<readonly Value[]> {
  if (!Object.hasOwn(metrics, key)) return [];
  const all = [...(await store.history(id, key))].sort((a, b) => a.step - b.step || a.value - b.value || 0);
  return all.filter(
    ({ step, value }, i) => step !== all[i - 1]?.step || !Object.is(value, all[i - 1]?.value),
  );
}

/** Two values at one place. Where their steps differ, the earlier one stands alone. */
function compare(key: string, was: Value | undefined, is: Value | undefined): ComparedMetric {
  const step = Math.min(was?.step ?? Number.POSITIVE_INFINITY, is?.step ?? Number.POSITIVE_INFINITY);
  const [before, after] = [was, is].map((each) => (each?.step === step ? each.value : undefined));
  return { key, step, was: before, is: after, same: before !== undefined && Object.is(before, after) };
}

async function compareModels(store: TrackingStore, of: Run, run: Run): Promise<ComparedModel[]> {
  const hashes = async ({ models }: Run) => {
    const found = new Map<string, (string | undefined)[]>();
    for (const { name, tags } of await Promise.all(models.map((id) => store.model(id))))
      found.set(name, [...(found.get(name) ?? []), tags[TAGS.model]]);
    return found;
  };
  const [before, after] = await Promise.all([hashes(of), hashes(run)]);
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((name) => {
    const [was, is] = [before.get(name) ?? [], [...(after.get(name) ?? [])]];
    const same: ComparedModel[] = [];
    const others = was.filter((hash) => {
      const at = hash === undefined ? -1 : is.indexOf(hash);
      if (at < 0) return true;
      is.splice(at, 1);
      same.push({ name, was: hash, is: hash, same: true });
      return false;
    });
    const differing = Array.from({ length: Math.max(others.length, is.length) }, (_, i) => ({
      name,
      was: others[i],
      is: is[i],
      same: false,
    }));
    return [...same, ...differing];
  });
}

function codeOf({ tags }: Run): string | undefined {
  const commit = tags[TAGS.code];
  return commit === undefined ? undefined : `${commit}${tags[TAGS.dirty] === "true" ? "+" : ""}`;
}
