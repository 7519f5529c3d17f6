import { isBranchingCatalog } from "../catalog/index.js";
import { type Abortable, isLakehouseError } from "../errors.js";
import { notReproducible } from "./errors.js";
import type { ExperimentsContext, RunWork } from "./experiments.js";
import { TAGS } from "./facts.js";
import { pinnedBy, startRun } from "./lifecycle.js";
import type { Run } from "./model.js";
import type { TrackingStore } from "./store.js";

/** A metric of a run and of the one that makes it again. None where one of them lacks it. */
export interface ComparedMetric {
  readonly key: string;
  readonly was: number | undefined;
  readonly is: number | undefined;
  readonly same: boolean;
}

/** A model, by the hash of its files. */
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
  const metrics = compareMetrics(of, run);
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

function compareMetrics(of: Run, run: Run): ComparedMetric[] {
  const keys = new Set([...Object.keys(of.metrics), ...Object.keys(run.metrics)]);
  return [...keys]
    .filter((key) => !key.startsWith("system/"))
    .sort()
    .map((key) => {
      const [was, is] = [of.metrics[key]?.value, run.metrics[key]?.value];
      return { key, was, is, same: was !== undefined && Object.is(was, is) };
    });
}

async function compareModels(store: TrackingStore, of: Run, run: Run): Promise<ComparedModel[]> {
  const hashes = async ({ models }: Run) => {
    const found = await Promise.all(models.map((id) => store.model(id)));
    return new Map(found.map(({ name, tags }) => [name, tags[TAGS.model]]));
  };
  const [before, after] = await Promise.all([hashes(of), hashes(run)]);
  return [...new Set([...before.keys(), ...after.keys()])].sort().map((name) => {
    const [was, is] = [before.get(name), after.get(name)];
    return { name, was, is, same: was !== undefined && was === is };
  });
}

function codeOf({ tags }: Run): string | undefined {
  const commit = tags[TAGS.code];
  return commit === undefined ? undefined : `${commit}${tags[TAGS.dirty] === "true" ? "+" : ""}`;
}
