import type { Catalog } from "../catalog/index.js";
import { type Abortable, invalidArgument } from "../errors.js";
import type { Table } from "../iceberg/index.js";
import { checkObject, checkOptions, checkText, type OptionNames } from "../options.js";
import type { QueryEngine } from "../query/index.js";
import type { ActiveRun, ParamValue } from "./active-run.js";
import { checkAlias, checkPath } from "./limits.js";
import type { ArtifactInfo, Experiment, LoggedModel, Metric, ModelVersion, Run } from "./model.js";
import type { Reproduction } from "./reproduce.js";
import type { TrackingStore } from "./store.js";

/** What the room needs of an open lakehouse. */
export interface ExperimentsContext {
  readonly profile: { readonly experiments: string };
  /** Seen on one branch. */
  readonly catalog: Catalog;
  readonly engine: QueryEngine;
  readonly countRows: (table: Table) => Promise<bigint>;
}

/** What a run is to be. */
export interface RunInit extends Abortable {
  /** It is made where there is none. */
  readonly experiment: string;
  readonly name?: string | undefined;
  /** What it is made with. They do not change; `logParams` adds others. */
  readonly params?: Readonly<Record<string, ParamValue>> | undefined;
  readonly tags?: Readonly<Record<string, ParamValue>> | undefined;
  /** The function that makes it, as `<path of a module>#<export>`: what `slh reproduce` calls. */
  readonly task?: string | undefined;
  /** Goes on with this run, which was killed or has ended. What it reads is what it read before. */
  readonly resume?: string | undefined;
  /**
   * Whether the catalog keeps what the run reads, by a tag `runs/<id>` on its commit: branches may go then, and garbage be
   * collected. True where not given.
   */
  readonly keep?: boolean | undefined;
}

const RUN_INIT: OptionNames<RunInit> = {
  experiment: true,
  name: true,
  params: true,
  tags: true,
  task: true,
  resume: true,
  keep: true,
  signal: true,
};

/** What a run is made by. */
export type RunWork<Result = unknown> = (run: ActiveRun) => Promise<Result>;

/** A run that has ended, and what its function answered. */
export interface RunOutcome<Result> {
  readonly run: Run;
  readonly result: Result;
}

/** Whose artifacts: a run's by its id, or a model's by its own. */
export type ArtifactOwner = { readonly run: string } | { readonly model: string };

/**
 * `lake.experiments`: runs, with what they were made of and what came of it, in MLflow's terms. They are kept in MLflow's
 * own SQLite tables, in `experiments/mlflow.db` of the lakehouse's folder with the artifacts beside it, or on the MLflow
 * server that `SLH_EXPERIMENTS` or the config file names.
 *
 * @example
 * const { run } = await lake.experiments.run({ experiment: "delays", params: { trees: 100 } }, async (run) => {
 *   const features = await run.table("gold.flight_features");
 *   await run.logMetrics({ auc: train(await run.read(features).rows()) });
 * });
 */
export class Experiments {
  readonly #context: ExperimentsContext;
  #store: TrackingStore | undefined;

  constructor(context: ExperimentsContext) {
    this.#context = context;
  }

  /** Where runs are kept: `sqlite:<path>`, or a server's address. */
  get uri(): string {
    return this.#context.profile.experiments;
  }

  /**
   * Runs a function as a run: it ends as `FINISHED`, as `FAILED` where the function throws, and as `KILLED` where its signal
   * is aborted; what was thrown is thrown on. Of a run whose process is killed nobody can say so at once: it stays
   * `RUNNING` until the next run of the experiment on this machine finds its process gone, and calls it `KILLED`.
   *
   * It is bound to the catalog's commit, to the snapshots of the tables that it asks for, to the commit of the code in the
   * working directory, and to the contracts of its tables.
   *
   * @throws LakehouseError INVALID_ARGUMENT for what MLflow does not take; NO_SUCH_EXPERIMENT_RUN, RUN_ACTIVE for one to be resumed;
   *   TRACKING_UNAVAILABLE; and what the function throws.
   */
  async run<Result>(init: RunInit, work: RunWork<Result>): Promise<RunOutcome<Result>> {
    checkOptions("run", init, RUN_INIT);
    if (typeof work !== "function")
      throw invalidArgument("run", "What the run does is no function.", "Give async (run) => { … }.");
    const { startRun } = await import("./lifecycle.js");
    return startRun(this.#context, await this.#open(), init, work);
  }

  /**
   * Makes a run again: the same function with the params of the run, on what the run read, as a new run of the experiment.
   * Then it compares metrics and the hashes of models. Metrics below `system/`, such as times, are not compared.
   *
   * @throws LakehouseError NO_SUCH_EXPERIMENT_RUN; NOT_REPRODUCIBLE where the run has no commit, or what it read is gone.
   */
  async reproduce(runId: string, work: RunWork, options: Abortable = {}): Promise<Reproduction> {
    checkText("reproduce", "run", runId);
    if (typeof work !== "function")
      throw invalidArgument(
        "reproduce",
        "What the run does is no function.",
        "Give the function that made it.",
      );
    checkOptions("reproduce", options, { signal: true });
    const { reproduce } = await import("./reproduce.js");
    return reproduce(this.#context, await this.#open(), runId, work, options);
  }

  /** All experiments, by their age. */
  async list(): Promise<readonly Experiment[]> {
    return (await this.#reading())?.experiments() ?? [];
  }

  /** The runs of an experiment, newest first. None of one that nobody has made. */
  async runs(
    experiment: string,
    options: { readonly limit?: number | undefined } = {},
  ): Promise<readonly Run[]> {
    checkText("runs", "experiment", experiment);
    checkOptions("runs", options, { limit: true });
    const { limit = 100 } = options;
    if (!Number.isSafeInteger(limit) || limit < 1)
      throw invalidArgument("limit", "The limit of runs is a whole number from 1.");
    const store = await this.#reading();
    const found = await store?.experiment(experiment);
    return found === undefined ? [] : ((await store?.runs({ experimentId: found.id, limit })) ?? []);
  }

  /** @throws LakehouseError NO_SUCH_EXPERIMENT_RUN */
  async get(runId: string): Promise<Run> {
    checkText("get", "run", runId);
    return (await this.#open()).run(runId);
  }

  /** The runs that read a table at a snapshot, its current one where none is said, newest first: from data to models. */
  async runsOf(table: Table, snapshotId = table.currentSnapshot?.snapshotId): Promise<readonly Run[]> {
    checkObject("runsOf", "facts", table);
    const digest = snapshotId === undefined ? "empty" : String(snapshotId);
    return (await this.#reading())?.runsOf({ name: table.name, digest }) ?? [];
  }

  /** All values of a metric, by step and time. */
  async history(runId: string, key: string): Promise<readonly Metric[]> {
    checkText("history", "run", runId);
    checkText("history", "key", key);
    return (await this.#open()).history(runId, key);
  }

  /** The files of a run or model, by path. */
  async artifacts(owner: ArtifactOwner): Promise<readonly ArtifactInfo[]> {
    return (await this.#open()).files(owner);
  }

  /** @throws LakehouseError OBJECT_NOT_FOUND */
  async artifact(owner: ArtifactOwner, path: string): Promise<Uint8Array> {
    checkPath(path);
    return (await this.#open()).file(owner, path);
  }

  /** @throws LakehouseError OBJECT_NOT_FOUND */
  async model(modelId: string): Promise<LoggedModel> {
    checkText("model", "id", modelId);
    return (await this.#open()).model(modelId);
  }

  /**
   * The files of a model by their paths, without its `MLmodel`, if they are those that its run logged: what a program does that
   * is going to predict by them.
   *
   * @throws LakehouseError OBJECT_NOT_FOUND; CORRUPT_FILE for files that are others than the run logged; UNSUPPORTED_FEATURE for a
   *   model without a hash of its files, such as MLflow's client logs.
   */
  async modelFiles(modelId: string): Promise<Readonly<Record<string, Uint8Array>>> {
    checkText("modelFiles", "id", modelId);
    const { checkedFiles } = await import("./model-file.js");
    return checkedFiles(await this.#open(), modelId);
  }

  /** Versions of a registered model, oldest first. */
  async modelVersions(name: string): Promise<readonly ModelVersion[]> {
    checkText("modelVersions", "name", name);
    return (await this.#reading())?.modelVersions(name) ?? [];
  }

  /** Points an alias of a registered model to one of its versions. */
  async setAlias(name: string, alias: string, version: number): Promise<void> {
    checkText("setAlias", "name", name);
    checkAlias(alias);
    await (await this.#open()).setAlias(name, alias, version);
  }

  /** Lets go of what the catalog keeps for a run: its branches and garbage collection decide from then on. */
  async release(runId: string): Promise<void> {
    checkText("release", "run", runId);
    const { releaseRun } = await import("./lifecycle.js");
    await releaseRun(this.#context, runId);
  }

  async close(): Promise<void> {
    this.#store?.close();
    this.#store = undefined;
  }

  async #open(): Promise<TrackingStore> {
    const { openTrackingStore } = await import("./open.js");
    this.#store ??= openTrackingStore(this.uri);
    return this.#store;
  }

  /** What there is to read; nothing is made for that. */
  async #reading(): Promise<TrackingStore | undefined> {
    const { isUnused } = await import("./open.js");
    return isUnused(this.uri) ? undefined : this.#open();
  }
}
