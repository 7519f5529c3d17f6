import { eventChannel, metric } from "../observability/index.js";

/** What happens to a task, which is a step of a run. */
export interface TaskEvent {
  /** `start` of a try; `retry`: it failed and is tried again; `end`: it is not tried again, or was not tried at all. */
  readonly event: "start" | "retry" | "end";
  readonly pipeline: string;
  /** The run's id. */
  readonly run: string;
  /** The step's name. */
  readonly task: string;
  /** From 1; 0 for one that was not tried. */
  readonly attempt: number;
  /** `running` at the start; then `succeeded`, `unchanged`, `skipped`, `stopped`, or the code of the error. */
  readonly outcome: string;
  /** Of this try; 0 at its start. */
  readonly durationMs: number;
}

export const taskEvents = eventChannel<TaskEvent>("pipeline.tasks");

/** What became of a run. */
export interface RunEvent {
  readonly event: "start" | "end";
  readonly pipeline: string;
  readonly run: string;
  /** `running` at the start, then the run's status. */
  readonly outcome: string;
  readonly durationMs: number;
}

export const runEvents = eventChannel<RunEvent>("pipeline.runs");

const labels = ({ pipeline, outcome }: { readonly pipeline: string; readonly outcome: string }) => ({
  pipeline,
  outcome,
});

export const metrics = [
  metric(
    taskEvents,
    {
      name: "pipeline.tasks",
      kind: "histogram",
      unit: "ms",
      help: "Tries of tasks that have ended, by how long they took.",
    },
    { value: ({ event, durationMs }) => (event === "start" ? undefined : durationMs), labels },
  ),
  metric(
    taskEvents,
    { name: "pipeline.retries", kind: "counter", unit: "1", help: "Tries that failed and were made again." },
    { value: ({ event }) => (event === "retry" ? 1 : undefined), labels: ({ pipeline }) => ({ pipeline }) },
  ),
  metric(
    runEvents,
    {
      name: "pipeline.runs",
      kind: "histogram",
      unit: "ms",
      help: "Runs that have ended, by how long they took.",
    },
    { value: ({ event, durationMs }) => (event === "end" ? durationMs : undefined), labels },
  ),
];
