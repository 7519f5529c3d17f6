import { type EventChannel, isWatched, outcomeOf, Watch } from "../../observability/index.js";
import {
  type RunEvent,
  runEvents,
  type StepEvent,
  stepEvents,
  type TaskEvent,
  taskEvents,
} from "../metrics.js";
import type { RunRecord, StepStatus } from "../state/types.js";
import type { Progress, RunJob } from "./context.js";

/** What a span calls well ended. */
const GOOD: ReadonlySet<string> = new Set(["succeeded", "unchanged", "partial"]);
const ofSpan = (outcome: string): string => (GOOD.has(outcome) ? "ok" : outcome);

function watchOf<Event extends object>(channel: EventChannel<Event>): Watch<Event> | undefined {
  return isWatched(channel) ? new Watch(channel) : undefined;
}

/**
 * Does a run, and tells of it: its steps, and all that is done for it in this process, are part of its span.
 *
 * @param outcomeOfFailure what is told of an error that ends it.
 */
export async function tellRun(
  { id, pipeline }: Pick<RunRecord, "id" | "pipeline">,
  work: () => Promise<string>,
  outcomeOfFailure: (error: unknown) => string,
): Promise<void> {
  const watch = watchOf(runEvents);
  if (watch === undefined) {
    await work();
    return;
  }
  const event = (phase: RunEvent["phase"], outcome: string, durationMs: number): RunEvent => ({
    phase,
    pipeline,
    run: id,
    outcome,
    durationMs,
  });
  const end = (outcome: string) =>
    watch.end(ofSpan(outcome), (durationMs) => event("end", outcome, durationMs));
  await watch.within(async () => {
    if (runEvents.hasSubscribers) runEvents.publish(event("start", "running", 0));
    try {
      end(await work());
    } catch (error) {
      end(outcomeOfFailure(error));
      throw error;
    }
  });
}

/** What is told of a step: events of it and of its tries, which are spans within that of its run; and progress. */
export class StepTeller {
  readonly #job: RunJob;
  readonly #step: string;

  constructor(job: RunJob, step: string) {
    this.#job = job;
    this.#step = step;
  }

  /** Does a step with all of its tries. @param work answers with the last one's outcome. */
  async step(work: () => Promise<string>): Promise<void> {
    const watch = watchOf(stepEvents);
    if (watch === undefined) {
      await work();
      return;
    }
    await watch.within(async () => {
      try {
        const outcome = await work();
        watch.end(ofSpan(outcome), (durationMs) => this.#stepEvent(outcome, durationMs));
      } catch (error) {
        // Nothing became of it that is remembered: the run has been lost.
        watch.end(outcomeOf(error), () => undefined);
        throw error;
      }
    });
  }

  /** Begins a try. */
  try(attempt: number): TryTeller {
    return new TryTeller(this.#job, this.#step, attempt);
  }

  /** A step that is not tried. */
  settled(outcome: Extract<StepStatus, "skipped" | "stopped">): void {
    if (stepEvents.hasSubscribers) stepEvents.publish(this.#stepEvent(outcome, 0));
    const told = { event: "end", attempt: 0, outcome, durationMs: 0 } as const;
    if (taskEvents.hasSubscribers) taskEvents.publish(taskEvent(this.#job, this.#step, told));
    this.#job.onProgress({ ...told, run: this.#job.run.id, step: this.#step });
  }

  #stepEvent(outcome: string, durationMs: number): StepEvent {
    const { definition, run } = this.#job;
    return { pipeline: definition.name, run: run.id, step: this.#step, outcome, durationMs };
  }
}

/** What progress says of a try; a log is not among it. */
type Told = Pick<Progress, "attempt" | "outcome" | "durationMs"> & { readonly event: TaskEvent["phase"] };

/** What is told of a try of a step. */
class TryTeller {
  readonly #job: RunJob;
  readonly #step: string;
  readonly #attempt: number;
  readonly #watch = watchOf(taskEvents);
  readonly #began = performance.now();

  constructor(job: RunJob, step: string, attempt: number) {
    this.#job = job;
    this.#step = step;
    this.#attempt = attempt;
    const told = { event: "start", attempt, outcome: "running", durationMs: 0 } as const;
    this.within(() => {
      if (taskEvents.hasSubscribers) taskEvents.publish(taskEvent(job, step, told));
    });
    job.onProgress({ ...told, run: job.run.id, step });
  }

  within<Result>(work: () => Result): Result {
    return this.#watch === undefined ? work() : this.#watch.within(work);
  }

  end(event: "retry" | "end", outcome: string, message?: string): void {
    const told = { event, attempt: this.#attempt, outcome, durationMs: performance.now() - this.#began };
    this.#watch?.end(ofSpan(outcome), () => taskEvent(this.#job, this.#step, told));
    this.#job.onProgress({ ...told, run: this.#job.run.id, step: this.#step, message });
  }

  /** Nothing became of it that is remembered. */
  lost(error: unknown): void {
    this.#watch?.end(outcomeOf(error), () => undefined);
  }
}

function taskEvent(
  { definition, run }: RunJob,
  task: string,
  { event, attempt, outcome, durationMs }: Told,
): TaskEvent {
  return { phase: event, pipeline: definition.name, run: run.id, task, attempt, outcome, durationMs };
}
