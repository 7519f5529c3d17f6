/**
 * Experiments: runs with their params, metrics, data, files and models, in MLflow's terms and kept where MLflow finds them: in
 * its own SQLite tables, or on its server. Each is bound to what it was made of, so that it can be made again, and found from
 * the data that it read.
 */
export type { ActiveRun, LoggedModelVersion, ParamValue } from "./active-run.js";
export type {
  ArtifactOwner,
  Experiments,
  ExperimentsContext,
  RunInit,
  RunOutcome,
  RunWork,
} from "./experiments.js";
export type {
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
export { type ModelInit, onnxModel, type TensorSpec } from "./model-file.js";
export type { ComparedMetric, ComparedModel, Reproduction } from "./reproduce.js";
