/**
 * Orchestration: pipelines whose steps are tasks, checks and functions with declared inputs and outputs. The order follows from
 * those; a run does all of it on a branch of its own, which comes to the target in one commit. What is remembered of runs is in
 * a SQLite file beside the catalog; what counts is in the catalog's commits.
 *
 * Folders, each using those before it alone: model, state, run, then watch, backfill, external and export; command stands beside them.
 */
export type { BackfilledSlice, BackfillOptions, BackfillReport } from "./backfill/backfill.js";
export { daysBetween } from "./backfill/days.js";
export { RunFailedError } from "./errors.js";
export type { RunEvent, StepEvent, TaskEvent } from "./metrics.js";
export {
  type Dataset,
  type DatasetKey,
  type Datasets,
  type RowOfDataset,
  type TableNames,
  type TopicDataset,
  topic,
} from "./model/dataset.js";
export {
  definePipeline,
  type Node,
  type PipelineDefinition,
  type PipelineInit,
} from "./model/definition.js";
export type { FailureStrategy, FullPolicy, RetryPolicy, StepPolicy } from "./model/policy.js";
export {
  type CheckStep,
  checkStep,
  type FrontDoor,
  type FunctionStep,
  type Step,
  type StepContext,
  type StepInit,
  type StepLakehouse,
  step,
  type TaskStep,
  taskStep,
} from "./model/step.js";
export {
  type CatchUp,
  onOffsets,
  onSnapshot,
  type PipelineTrigger,
  type Schedule,
  type ScheduleOptions,
  type Sensor,
  schedule,
} from "./model/trigger.js";
export type { ExternalRunOptions, LookOptions, PipelineRunOptions, WatchOptions } from "./options.js";
export type { Orchestration, OrchestrationContext, RunDetails, RunReport } from "./orchestration.js";
export type { Progress } from "./run/context.js";
export type {
  AttemptRecord,
  Failure,
  LogLine,
  RunRecord,
  RunRequest,
  RunStatus,
  StepRecord,
  StepStatus,
  Trigger,
} from "./state/types.js";
export { runTimeline } from "./timeline.js";
export type { WatchEvent } from "./watch/look.js";
