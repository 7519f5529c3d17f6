import { join } from "node:path";
import { type BranchingCatalog, branchingOf, type Catalog, type RefExpression } from "../catalog/index.js";
import { closed, invalidArgument, throwIfAborted } from "../errors.js";
import type { Table } from "../iceberg/index.js";
import type { Log } from "../log/index.js";
import { checkFlag, checkOptions } from "../options.js";
import type { QueryEngine } from "../query/index.js";
import type { BackfillOptions, BackfillReport } from "./backfill/backfill.js";
import type { PipelineDefinition } from "./model/definition.js";
import {
  BACKFILL_OPTIONS,
  EXTERNAL_OPTIONS,
  type ExternalRunOptions,
  LOOK_OPTIONS,
  type LookOptions,
  type PipelineRunOptions,
  RUN_OPTIONS,
  WATCH_OPTIONS,
  type WatchOptions,
} from "./options.js";
import type { RunStore } from "./state/store.js";
import type { AttemptRecord, LogLine, RunRecord, RunRequest, StepRecord } from "./state/types.js";
import type { WatchEvent, Watching } from "./watch/look.js";

/** What the room needs of an open lakehouse. */
export interface OrchestrationContext {
  readonly profile: { readonly root: string };
  /** Seen on one branch, to which runs publish. */
  readonly catalog: Catalog;
  readonly engine: QueryEngine;
  readonly countRows: (table: Table) => Promise<bigint>;
  /** The lakehouse as its users have it, on a ref. */
  readonly lakehouseOn: (ref: RefExpression) => unknown;
}

/** A run with its steps, in the order in which they were begun. */
export interface RunReport extends RunRecord {
  readonly steps: readonly StepRecord[];
  /** An earlier process had begun it. */
  readonly isResumed: boolean;
}

/** A run with all that is known of it. */
export interface RunDetails extends RunRecord {
  readonly steps: readonly StepRecord[];
  readonly attempts: readonly AttemptRecord[];
  readonly logs: readonly LogLine[];
}

/**
 * `lake.orchestration`: runs pipelines, whose steps are tasks, checks and functions, and remembers what became of them.
 *
 * @example
 * const report = await lake.orchestration.run(flights);
 * for (const { name, status } of report.steps) console.log(name, status);
 */
export class Orchestration {
  readonly #context: OrchestrationContext;
  #store: RunStore | undefined;
  readonly #closing = new AbortController();

  constructor(context: OrchestrationContext) {
    this.#context = context;
  }

  /**
   * Runs a pipeline: every step on a branch of the run, which comes to this lakehouse's branch in one commit when all is done. A
   * run that fails or is killed has changed nothing there. One that a process left when it ended goes on from its last
   * finished step.
   *
   * @returns the report of a run that `succeeded`, or of one that is `partial`: with steps that failed as they may.
   * @throws RunFailedError RUN_FAILED, with the step that failed
   * @throws LakehouseError PIPELINE_RUNNING, RUN_LOST, ABORTED; COMMIT_CONFLICT where others kept changing the same tables;
   *   UNSUPPORTED_FEATURE where the catalog has no branches.
   */
  async run(pipeline: PipelineDefinition, options: PipelineRunOptions = {}): Promise<RunReport> {
    const report = await this.start(
      pipeline,
      {
        trigger: options.slices === undefined ? "manual" : "backfill",
        slices: options.slices,
        rebuild: options.rebuild,
      },
      options,
    );
    return report as RunReport;
  }

  /**
   * Runs a pipeline for a reason.
   *
   * @returns `undefined` where the request has a key that was run already.
   * @internal
   */
  async start(
    pipeline: PipelineDefinition,
    request: RunRequest,
    options: PipelineRunOptions,
  ): Promise<RunReport | undefined> {
    checkOptions("run", options, RUN_OPTIONS);
    throwIfAborted(options.signal);
    const { openRun, finishRun } = await import("./run/run.js");
    const { catalog, setting } = await this.#setting(pipeline, options);
    const opened = await openRun(setting, catalog.ref, request, options.takeOver);
    if (opened === undefined) return undefined;
    await finishRun(setting, opened.run, opened.isResumed, options.signal);
    return this.#report(opened.run.id, opened.isResumed);
  }

  /**
   * Goes on with a run that failed or was stopped, from its last finished step: the last run of the pipeline where no other is
   * named. Throws as `run`.
   */
  async retry(
    pipeline: PipelineDefinition,
    id?: string,
    options: Omit<PipelineRunOptions, "slices" | "rebuild"> = {},
  ): Promise<RunReport> {
    checkOptions("retry", options, RUN_OPTIONS);
    throwIfAborted(options.signal);
    const { finishRun } = await import("./run/run.js");
    const { catalog, setting } = await this.#setting(pipeline, options);
    const { store } = setting;
    const last = store.last(pipeline.name, catalog.ref);
    const run = id === undefined ? last : store.run(id);
    if (run === undefined)
      throw invalidArgument(pipeline.name, `${pipeline.name} has not been run yet.`, "Run it.");
    const refuse = (why: string, remedy: string) => invalidArgument(run.id, why, remedy);
    if (run.pipeline !== pipeline.name)
      throw refuse(`${run.id} is a run of ${run.pipeline}.`, "Name that pipeline.");
    if (run.status !== "failed" && run.status !== "stopped")
      throw refuse(`The run ${run.id} is ${run.status}: there is nothing to retry.`, "Run the pipeline.");
    if (run.id !== last?.id)
      throw refuse(`${run.pipeline} was run again after ${run.id}.`, "Run the pipeline.");
    const missing = store
      .steps(run.id)
      .find(({ name }) => !pipeline.nodes.some(({ step }) => step.name === name));
    if (missing !== undefined)
      throw refuse(
        `The pipeline has no step ${missing.name} any more, of which the run ${run.id} is.`,
        "Run it anew.",
      );
    const taken = store.takeOver(run, ["failed", "stopped"]);
    if (taken === undefined) throw refuse(`Another process goes on with ${run.id}.`, "Wait for it.");
    await finishRun(setting, taken, true, options.signal);
    return this.#report(run.id, true);
  }

  /**
   * Makes slices of a pipeline anew, such as days: so many a run, one run after the other, each published for itself. What a
   * backfill of that name has made is not made again, so that one that was killed, or had failures, is gone on with by asking for
   * the same.
   *
   * @throws LakehouseError INVALID_ARGUMENT, ABORTED, and what `run` throws but RUN_FAILED, which the report has.
   * @example
   * await lake.orchestration.backfill(flights, { slices: daysBetween("2001-03-01", "2001-03-31"), perRun: 7 });
   */
  async backfill(pipeline: PipelineDefinition, options: BackfillOptions): Promise<BackfillReport> {
    checkOptions("backfill", options, BACKFILL_OPTIONS);
    const { backfill } = await import("./backfill/backfill.js");
    const { graceMs, signal } = options;
    const { catalog, setting } = await this.#setting(pipeline, { graceMs });
    return backfill(
      {
        catalog,
        store: setting.store,
        definition: pipeline,
        target: catalog.ref,
        start: (request) => this.start(pipeline, request, { graceMs, signal }),
      },
      options,
    );
  }

  /**
   * Does a step of a run that another orchestrator makes, with its retries, in a process of its own if need be. What it writes is
   * on the run's branch; `publish` brings it to this lakehouse's.
   *
   * @returns the step, which may have `failed`, or been `skipped` since what it follows from has failed.
   * @throws LakehouseError INVALID_ARGUMENT where steps before it are not done, it is at work, or the run has ended; ABORTED
   */
  async runStep(
    pipeline: PipelineDefinition,
    step: string,
    options: ExternalRunOptions,
  ): Promise<StepRecord> {
    checkOptions("runStep", options, EXTERNAL_OPTIONS);
    const { runStep } = await import("./external/external.js");
    const { catalog, setting } = await this.#setting(pipeline, options);
    return runStep(setting, catalog.ref, options.key, step, options.signal ?? new AbortController().signal);
  }

  /**
   * Ends a run that another orchestrator made: what its steps wrote comes to this lakehouse's branch in one commit.
   *
   * @throws LakehouseError NO_SUCH_RUN; INVALID_ARGUMENT where a step is not done; COMMIT_CONFLICT where others have changed the
   *   same tables since the run began, which ends it.
   */
  async publish(pipeline: PipelineDefinition, options: Pick<ExternalRunOptions, "key">): Promise<RunReport> {
    checkOptions("publish", options, { key: true });
    const { publishExternal } = await import("./external/external.js");
    const { catalog, setting } = await this.#setting(pipeline, {});
    const { id } = await publishExternal(setting, catalog.ref, options.key);
    return this.#report(id, false);
  }

  /**
   * Looks once at the triggers of pipelines, and runs what is due. Each time of a schedule, snapshot and state of a topic is
   * run once, however many look.
   *
   * @returns what became of what was due, in the order that it ended.
   * @throws LakehouseError INVALID_ARGUMENT, RUN_STATE_UNAVAILABLE. A run that fails is among what is returned.
   */
  async runDue(
    pipelines: readonly PipelineDefinition[],
    options: LookOptions = {},
  ): Promise<readonly WatchEvent[]> {
    checkOptions("runDue", options, LOOK_OPTIONS);
    checkFlag("runDue", "dryRun", options.dryRun);
    const { lookOnce } = await import("./watch/look.js");
    const events: WatchEvent[] = [];
    const onEvent = (event: WatchEvent) => {
      events.push(event);
      options.onEvent?.(event);
    };
    await Promise.all(
      pipelines.map(async (each) => lookOnce(await this.#watching(each, { ...options, onEvent }), Date.now)),
    );
    return events;
  }

  /**
   * Runs pipelines when their triggers say so, until the signal is aborted: then a run that is at work is stopped, and whoever
   * watches next goes on with it.
   *
   * @example
   * await lake.orchestration.watch([flights], { signal, onEvent: ({ trigger, outcome }) => console.log(trigger, outcome) });
   */
  async watch(pipelines: readonly PipelineDefinition[], options: WatchOptions = {}): Promise<void> {
    checkOptions("watch", options, WATCH_OPTIONS);
    const { everyMs = 5000 } = options;
    if (!(everyMs >= 1))
      throw invalidArgument("watch", `everyMs is ${everyMs}.`, "Give milliseconds, from 1 on.");
    const { watchOne } = await import("./watch/watch.js");
    const failing = new AbortController();
    const signals = [failing.signal, this.#closing.signal, ...(options.signal ? [options.signal] : [])];
    const signal = AbortSignal.any(signals);
    const watched = pipelines.map(async (each) => {
      try {
        await watchOne(await this.#watching(each, { ...options, signal }), everyMs, signal);
      } catch (error) {
        failing.abort(error);
        throw error;
      }
    });
    const [failed] = (await Promise.allSettled(watched)).filter(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
  }

  async #watching(
    definition: PipelineDefinition,
    { onEvent = () => {}, only, dryRun = false, graceMs, onProgress, signal }: LookOptions,
  ): Promise<Watching> {
    if (only !== undefined && !Object.hasOwn(KIND_OF, only))
      throw invalidArgument("only", `${String(only)} are no triggers.`, "Give schedules, or sensors.");
    const { catalog, setting } = await this.#setting(definition, { graceMs, onProgress });
    if (definition.triggers.length === 0)
      throw invalidArgument(
        definition.name,
        `${definition.name} has nothing that begins its runs.`,
        'Give it triggers, as in triggers: [schedule("0 6 * * *")].',
      );
    return {
      catalog,
      log: () => (this.#context.lakehouseOn(catalog.ref) as { readonly log: Log }).log,
      store: setting.store,
      definition,
      target: catalog.ref,
      triggers: definition.triggers.filter(({ kind }) => only === undefined || kind === KIND_OF[only]),
      dryRun,
      seen: new Map(),
      start: (request) => this.start(definition, request, { graceMs, onProgress, signal }),
      onEvent,
      signal,
    };
  }

  /** Runs, newest first: of one pipeline, or of all. */
  async runs(
    options: { readonly pipeline?: string | undefined; readonly limit?: number | undefined } = {},
  ): Promise<readonly RunRecord[]> {
    checkOptions("runs", options, { pipeline: true, limit: true });
    return (await this.#open()).runs(options.pipeline, options.limit ?? 100);
  }

  /**
   * All that is known of a run.
   *
   * @param id as much of it as tells it from others.
   * @throws LakehouseError NO_SUCH_RUN
   */
  async show(id: string): Promise<RunDetails> {
    const store = await this.#open();
    const run = store.run(id);
    return { ...run, steps: store.steps(run.id), attempts: store.attempts(run.id), logs: store.logs(run.id) };
  }

  /** @internal */
  close(): Promise<void> {
    this.#closing.abort(closed("lakehouse"));
    this.#store?.close();
    this.#store = undefined;
    return Promise.resolve();
  }

  async #report(id: string, isResumed: boolean): Promise<RunReport> {
    const store = await this.#open();
    return { ...store.run(id), steps: store.steps(id), isResumed };
  }

  async #setting(
    definition: PipelineDefinition,
    options: Pick<PipelineRunOptions, "graceMs" | "onProgress">,
  ) {
    const { isPipeline } = await import("./model/definition.js");
    if (!isPipeline(definition))
      throw invalidArgument(
        "pipeline",
        "What is to be run is no pipeline.",
        "Give what definePipeline made.",
      );
    const catalog: BranchingCatalog = branchingOf(this.#context.catalog);
    const { engine, countRows, lakehouseOn } = this.#context;
    const { graceMs = 5000, onProgress = () => {} } = options;
    return {
      catalog,
      setting: {
        catalog,
        engine,
        countRows,
        lakehouseOn,
        store: await this.#open(),
        definition,
        graceMs,
        onProgress,
      },
    };
  }

  async #open(): Promise<RunStore> {
    if (this.#closing.signal.aborted) throw closed("lakehouse");
    if (this.#store !== undefined) return this.#store;
    const { RunStore } = await import("./state/store.js");
    this.#store ??= new RunStore(join(this.#context.profile.root, RUNS_FILE));
    return this.#store;
  }
}

const KIND_OF = { schedules: "schedule", sensors: "sensor" } as const;

/** In the lakehouse's folder. */
const RUNS_FILE = "pipelines.db";
