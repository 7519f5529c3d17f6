import type { Hash, RefExpression } from "../../catalog/index.js";
import { throwIfAborted } from "../../errors.js";
import type { Table } from "../../iceberg/index.js";
import { Pipeline } from "../../pipeline/index.js";
import { CheckFailedError, type Contract, Quality } from "../../quality/index.js";
import { type Dataset, datasetKey } from "../model/dataset.js";
import type { CheckStep, FunctionStep, Step, StepContext, StepLakehouse, TaskStep } from "../model/step.js";
import type { RunJob } from "./context.js";

/** A try of a step, and where it is at work. */
export interface Try {
  readonly attempt: number;
  readonly signal: AbortSignal;
  /** The branch that it writes to, or the commit that it reads. */
  readonly ref: RefExpression;
}

/** What a step does. @returns what is kept of it as its result. */
export function perform(job: RunJob, step: Step, one: Try): Promise<unknown> {
  return PERFORM[step.kind](job, step as never, one);
}

const PERFORM: {
  readonly [Kind in Step["kind"]]: (
    job: RunJob,
    step: Extract<Step, { kind: Kind }>,
    one: Try,
  ) => Promise<unknown>;
} = {
  function: runFunction,
  task: runTask,
  check: runCheck,
};

async function runFunction(job: RunJob, step: FunctionStep, { attempt, signal, ref }: Try): Promise<unknown> {
  const { store, run } = job;
  const catalog = job.catalog.on(ref);
  const named = (of: "reads" | "writes", name: string): Dataset => {
    const found = Object.hasOwn(step[of], name) ? step[of][name] : undefined;
    if (found === undefined)
      throw new TypeError(`The step ${step.name} ${of} nothing by the name ${JSON.stringify(name)}.`);
    return found;
  };
  const context: StepContext = {
    get lake() {
      return job.lakehouseOn(ref) as StepLakehouse;
    },
    signal,
    run: run.id,
    attempt,
    slices: run.slices,
    log: (message) => {
      store.log(run.id, step.name, attempt, Date.now(), String(message));
      job.onProgress({
        event: "log",
        run: run.id,
        step: step.name,
        attempt,
        outcome: "running",
        durationMs: 0,
        message: String(message),
      });
    },
    read: async (name) => {
      throwIfAborted(signal);
      const table = await catalog.loadTable(datasetKey(step.name, named("reads", name)).name);
      return table.withEngine(job.engine) as unknown as Table<never>;
    },
    write: async (name, rows, options = {}) => {
      const into = named("writes", name);
      return new Quality({ ...job, catalog }).publish(into as string | Contract, rows as never, {
        signal,
        ...options,
      });
    },
  };
  return step.run(context);
}

async function runTask(job: RunJob, { task }: TaskStep, { signal, ref }: Try): Promise<unknown> {
  const { slices, rebuild } = job.run;
  const { engine, countRows } = job;
  const pipeline = new Pipeline({ engine, countRows, catalog: job.catalog.on(ref) });
  const [done] = await pipeline.run([task], { signal, slices, rebuild });
  return { outcome: done?.outcome, inputs: done?.inputs, slices: done?.slices };
}

/** @throws CheckFailedError CHECK_FAILED */
async function runCheck(job: RunJob, { table, contract }: CheckStep, { signal, ref }: Try): Promise<unknown> {
  const quality = new Quality({ ...job, catalog: job.catalog.on(ref) });
  const report = await quality.check(contract ?? table, { signal });
  if (!report.passed) throw new CheckFailedError(report, job.branch, job.run.target);
  return {
    checks: report.results.length,
    failed: report.results.filter(({ outcome }) => outcome !== "pass").length,
  };
}

/** The snapshots of tables at a commit, by name; of those that are not there `undefined`. */
export async function snapshotsAt(
  { catalog }: RunJob,
  at: Hash,
  tables: readonly string[],
): Promise<Record<string, bigint | undefined>> {
  if (tables.length === 0) return {};
  const { commit } = await catalog.versions.resolve(`@${at}`);
  const found = tables.map(async (name): Promise<[string, bigint | undefined]> => {
    const content = await catalog.versions.content(commit, name.split("."));
    return [
      name,
      content?.type === "ICEBERG_TABLE" && content.snapshotId !== "-1"
        ? BigInt(content.snapshotId)
        : undefined,
    ];
  });
  return Object.fromEntries(await Promise.all(found));
}
