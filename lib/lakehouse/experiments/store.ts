import type {
  ArtifactInfo,
  Dataset,
  DatasetInput,
  Experiment,
  LoggedModel,
  Metric,
  ModelVersion,
  Run,
  RunStatus,
} from "./model.js";

export interface NewRun {
  readonly experimentId: string;
  readonly name: string;
  readonly user: string;
  readonly startedAt: Date;
  readonly tags: Readonly<Record<string, string>>;
}

/** What is logged at once: all of it, or nothing. A server takes 100 params and 800 metrics at once, and more one after the other. */
export interface Batch {
  readonly metrics?: readonly Metric[] | undefined;
  readonly params?: Readonly<Record<string, string>> | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** The metrics are of this model, too. */
  readonly model?: string | undefined;
}

export interface RunsRequest {
  readonly experimentId: string;
  /** As many as these, newest first. */
  readonly limit: number;
}

export interface NewModel {
  readonly run: Run;
  readonly name: string;
  readonly params: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

/** Whose files. */
export type Owner = { readonly run: string } | { readonly model: string };

/**
 * Where runs are kept. There are two: MLflow's SQLite tables with the files beside them, and MLflow's server over REST. What
 * comes here was checked (`limits.ts`), and one test suite holds both to the same answers.
 *
 * Throws `NO_SUCH_EXPERIMENT_RUN`, `OBJECT_NOT_FOUND` (files and models), `PARAM_EXISTS`, `TRACKING_UNAVAILABLE`.
 */
export interface TrackingStore {
  /** For messages. */
  readonly uri: string;

  experiments(): Promise<readonly Experiment[]>;
  experiment(name: string): Promise<Experiment | undefined>;
  /** The one there is, where another was faster. */
  createExperiment(name: string): Promise<Experiment>;

  createRun(run: NewRun): Promise<string>;
  /** `endedAt` is none of a run that goes on. */
  updateRun(runId: string, status: RunStatus, endedAt: Date | undefined): Promise<void>;
  log(runId: string, batch: Batch): Promise<void>;
  logInputs(runId: string, inputs: readonly DatasetInput[]): Promise<void>;
  run(runId: string): Promise<Run>;
  runs(request: RunsRequest): Promise<readonly Run[]>;
  /** Of all experiments: those that have a dataset of this name and digest, newest first. */
  runsOf(dataset: Pick<Dataset, "name" | "digest">): Promise<readonly Run[]>;
  /** All values of a metric, by step and time. */
  history(runId: string, key: string): Promise<readonly Metric[]>;

  putFile(owner: Owner, path: string, content: Uint8Array): Promise<void>;
  file(owner: Owner, path: string): Promise<Uint8Array>;
  /** All files, by path. */
  files(owner: Owner): Promise<readonly ArtifactInfo[]>;

  /** PENDING until `endModel`. The run lists it as one that it made. */
  createModel(model: NewModel): Promise<LoggedModel>;
  endModel(modelId: string, status: "READY" | "FAILED"): Promise<void>;
  model(modelId: string): Promise<LoggedModel>;
  /** Makes a version of a registered model, and the registered model where there is none. */
  registerModel(name: string, model: LoggedModel): Promise<ModelVersion>;
  setAlias(name: string, alias: string, version: number): Promise<void>;
  /** Oldest first; none of a name that nobody registered. */
  modelVersions(name: string): Promise<readonly ModelVersion[]>;

  close(): void;
}
