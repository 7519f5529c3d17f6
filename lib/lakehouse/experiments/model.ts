/** What there is to say of experiments, in MLflow's terms. */

/** Where a run is. `KILLED` is for one that was stopped from outside. */
export type RunStatus = "RUNNING" | "FINISHED" | "FAILED" | "KILLED";

/** Runs that belong together. */
export interface Experiment {
  readonly id: string;
  readonly name: string;
}

/** A value that was measured. */
export interface Metric {
  readonly key: string;
  /** Any number. MLflow keeps an infinite one as the largest that there is, so that one comes back as infinite, too. */
  readonly value: number;
  /** A whole number, such as of an epoch or a round. */
  readonly step: number;
  readonly at: Date;
}

/** Data that went into a run. Name and digest together tell it from other data. */
export interface Dataset {
  readonly name: string;
  /** At most 36 characters; of a table, the id of its snapshot. */
  readonly digest: string;
  /** What kind of place `source` is, such as `iceberg` or `http`. */
  readonly sourceType: string;
  /** Where it is, as JSON. */
  readonly source: string;
  /** As JSON. */
  readonly schema?: string | undefined;
  /** Facts of it, such as its number of rows, as JSON. */
  readonly profile?: string | undefined;
}

/** A dataset in a run. MLflow's own tag `mlflow.data.context` says what for, such as `training`. */
export interface DatasetInput extends Dataset {
  readonly tags: Readonly<Record<string, string>>;
}

/** A run, with the last value of each metric. */
export interface Run {
  readonly id: string;
  readonly experimentId: string;
  readonly name: string;
  readonly status: RunStatus;
  readonly startedAt: Date;
  /** None of a run that has not ended. */
  readonly endedAt: Date | undefined;
  readonly params: Readonly<Record<string, string>>;
  /** By their keys: the one with the highest step. */
  readonly metrics: Readonly<Record<string, Metric>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly inputs: readonly DatasetInput[];
  /** Ids of the models that it made. */
  readonly models: readonly string[];
}

/** A model that a run made: a folder of files with an `MLmodel` in it. */
export interface LoggedModel {
  /** `m-` and 32 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly runId: string;
  readonly experimentId: string;
  readonly status: "PENDING" | "READY" | "FAILED";
  readonly params: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

/** A model in the registry. */
export interface ModelVersion {
  readonly name: string;
  readonly version: number;
  readonly modelId: string | undefined;
  readonly runId: string | undefined;
  readonly aliases: readonly string[];
}

/** A file of a run or a model. */
export interface ArtifactInfo {
  /** Below the run's folder, with `/`. */
  readonly path: string;
  /** In bytes. */
  readonly size: number;
}
