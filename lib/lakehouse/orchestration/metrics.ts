import { eventChannel, metric } from "../observability/index.js";

/** What happens to a try of a task, which is a step of a run. */
export interface TaskEvent {
  /** `start` of a try; `retry`: it failed and is tried again; `end`: it is not tried again, or was not tried at all. */
  readonly phase: "start" | "retry" | "end";
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

export const taskEvents = eventChannel<TaskEvent>("orchestration.try", { level: "info" });

/** What became of a step, with all of its tries in this run. */
export interface StepEvent {
  readonly pipeline: string;
  readonly run: string;
  readonly step: string;
  /** As of the last try. */
  readonly outcome: string;
  /** From the first try to the end of the last, with the rests between them; 0 for one that was not tried. */
  readonly durationMs: number;
}

export const stepEvents = eventChannel<StepEvent>("orchestration.step", { level: "info" });

/** What became of a run. */
export interface RunEvent {
  readonly phase: "start" | "end";
  readonly pipeline: string;
  readonly run: string;
  /** `running` at the start, then the run's status, or the code of the error that ended it. */
  readonly outcome: string;
  readonly durationMs: number;
}

export const runEvents = eventChannel<RunEvent>("orchestration.run", { level: "info" });

const labels = ({ pipeline, outcome }: { readonly pipeline: string; readonly outcome: string }) => ({
  pipeline,
  outcome,
});

/** Stopped is what somebody asked for, and skipped what the failure of another step left out. */
const isFailure = (outcome: string): boolean =>
  !["running", "succeeded", "unchanged", "partial", "skipped", "stopped", "ABORTED"].includes(outcome);

export const metrics = [
  metric(
    stepEvents,
    {
      name: "orchestration.step.duration",
      kind: "histogram",
      unit: "ms",
      help: "Steps of runs that have ended, with all of their tries, by how long they took.",
    },
    { value: ({ durationMs }) => durationMs, labels },
  ),
  metric(
    stepEvents,
    {
      name: "orchestration.step.failures",
      kind: "counter",
      unit: "1",
      help: "Steps of runs that failed, after all of their tries.",
    },
    { value: ({ outcome }) => (isFailure(outcome) ? 1 : undefined) },
  ),
  metric(
    taskEvents,
    {
      name: "orchestration.try.duration",
      kind: "histogram",
      unit: "ms",
      help: "Tries of steps that have ended, by how long they took.",
    },
    {
      value: ({ phase, attempt, durationMs }) =>
        phase === "start" || attempt === 0 ? undefined : durationMs,
      labels,
    },
  ),
  metric(
    taskEvents,
    {
      name: "orchestration.retries",
      kind: "counter",
      unit: "1",
      help: "Tries of steps that failed and were made again.",
    },
    { value: ({ phase }) => (phase === "retry" ? 1 : undefined) },
  ),
  metric(
    runEvents,
    {
      name: "orchestration.run.duration",
      kind: "histogram",
      unit: "ms",
      help: "Runs that have ended, by how long they took in this process.",
    },
    { value: ({ phase, durationMs }) => (phase === "end" ? durationMs : undefined), labels },
  ),
  metric(
    runEvents,
    {
      name: "orchestration.run.failures",
      kind: "counter",
      unit: "1",
      help: "Runs that an error ended in this process.",
    },
    { value: ({ phase, outcome }) => (phase === "end" && isFailure(outcome) ? 1 : undefined) },
  ),
];
