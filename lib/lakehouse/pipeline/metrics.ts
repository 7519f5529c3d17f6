import { eventChannel, metric } from "../observability/index.js";

/** A run of tasks, one after the other. */
export interface PipelineRun {
  readonly tasks: number;
  /** Tasks that wrote something. */
  readonly written: number;
  /** `ok`, or the code of the error that ended it. */
  readonly outcome: string;
  readonly milliseconds: number;
}

export const pipelineRuns = eventChannel<PipelineRun>("pipeline.run", { level: "info" });

/** A task that was run. */
export interface PipelineTask {
  /** The table that it makes. */
  readonly task: string;
  /** Whether there was something to do. */
  readonly result: "written" | "unchanged" | undefined;
  /** The commit that brought it. */
  readonly hash: string | undefined;
  /** `ok`, or the code of the error. */
  readonly outcome: string;
  readonly milliseconds: number;
}

export const pipelineTasks = eventChannel<PipelineTask>("pipeline.task", { level: "info" });

const isFailure = (outcome: string): boolean => outcome !== "ok" && outcome !== "ABORTED";

export const metrics = [
  metric(
    pipelineRuns,
    {
      name: "pipeline.run.duration",
      kind: "histogram",
      unit: "ms",
      help: "Runs of tasks, by how long they took.",
    },
    { value: ({ milliseconds }) => milliseconds, labels: ({ outcome }) => ({ outcome }) },
  ),
  metric(
    pipelineRuns,
    {
      name: "pipeline.run.failures",
      kind: "counter",
      unit: "1",
      help: "Runs of tasks that one of them ended.",
    },
    { value: ({ outcome }) => (isFailure(outcome) ? 1 : undefined) },
  ),
  metric(
    pipelineTasks,
    {
      name: "pipeline.task.duration",
      kind: "histogram",
      unit: "ms",
      help: "Tasks that were run, by whether they wrote something and how long they took.",
    },
    {
      value: ({ milliseconds }) => milliseconds,
      labels: ({ result = "none", outcome }) => ({ result, outcome }),
    },
  ),
  metric(
    pipelineTasks,
    { name: "pipeline.task.failures", kind: "counter", unit: "1", help: "Tasks that failed." },
    { value: ({ outcome }) => (isFailure(outcome) ? 1 : undefined) },
  ),
];
