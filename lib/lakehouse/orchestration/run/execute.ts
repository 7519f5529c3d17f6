import { setTimeout as sleep } from "node:timers/promises";
import { isLakehouseError } from "../../errors.js";
import { runLost, runStateUnavailable } from "../errors.js";
import { followersOf, type Node } from "../model/definition.js";
import { backoffMs } from "../model/policy.js";
import type { Failure, StepStatus } from "../state/types.js";
import { attemptStep } from "./attempt.js";
import type { RunJob } from "./context.js";
import { failureOf, mayPass } from "./failure.js";
import { StepTeller } from "./tell.js";

/** What all steps came to. */
export interface Executed {
  /** That of the step whose failure ended the run. */
  readonly stoppedBy: { readonly step: string; readonly error: Failure; readonly cause: unknown } | undefined;
  /** Steps that failed as they may. */
  readonly failed: number;
}

/**
 * Runs the steps of a graph that are not done yet: each when those before it are, so many at a time as the pipeline and its pools
 * allow. It answers once nothing is at work any more.
 *
 * @param done names of steps that an earlier process of this run has done.
 * @param signal ends the run.
 */
export function executeSteps(
  job: RunJob,
  done: ReadonlySet<string>,
  nodes: readonly Node[],
  signal: AbortSignal,
): Promise<Executed> {
  return new Execution(job, done, nodes, signal).run();
}

class Execution {
  readonly #job: RunJob;
  readonly #ending = new AbortController();
  readonly #followers: ReadonlyMap<string, readonly Node[]>;
  readonly #waiting = new Map<string, number>();
  readonly #leftOut = new Set<string>();
  readonly #atWork = new Map<string, number>();
  #ready: Node[] = [];
  #running = 0;
  #failed = 0;
  #stoppedBy: Executed["stoppedBy"];
  #broken: unknown;
  #finish: () => void = () => {};

  constructor(job: RunJob, done: ReadonlySet<string>, nodes: readonly Node[], signal: AbortSignal) {
    this.#job = job;
    const left = nodes.filter(({ step }) => !done.has(step.name));
    const names = new Set(left.map(({ step }) => step.name));
    this.#followers = followersOf(left);
    for (const node of left) {
      const before = node.upstream.filter((each) => names.has(each)).length;
      this.#waiting.set(node.step.name, before);
      if (before === 0) this.#ready.push(node);
    }
    const stop = () => this.#ending.abort(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  }

  async run(): Promise<Executed> {
    await new Promise<void>((resolve) => {
      this.#finish = resolve;
      this.#pump();
    });
    if (this.#broken !== undefined) throw this.#broken;
    return { stoppedBy: this.#stoppedBy, failed: this.#failed };
  }

  /** Begins what may begin. */
  #pump(): void {
    const { concurrency, pools } = this.#job.definition;
    const later: Node[] = [];
    for (let i = 0; i < this.#ready.length; i++) {
      const node = this.#ready[i] as Node;
      const { pool } = node.policy;
      const isFull = pool !== undefined && (this.#atWork.get(pool) ?? 0) >= (pools[pool] ?? 1);
      if (this.#ending.signal.aborted) {
        this.#settle(node, "stopped");
      } else if (this.#leftOut.has(node.step.name)) {
        this.#settle(node, "skipped");
      } else if (this.#running >= concurrency) {
        later.push(...this.#ready.slice(i));
        break;
      } else if (isFull) {
        later.push(node);
      } else {
        this.#start(node);
      }
    }
    this.#ready = later;
    if (this.#running === 0 && later.length === 0) this.#finish();
  }

  #start(node: Node): void {
    const { pool } = node.policy;
    this.#running++;
    if (pool !== undefined) this.#atWork.set(pool, (this.#atWork.get(pool) ?? 0) + 1);
    const teller = new StepTeller(this.#job, node.step.name);
    teller
      .step(() => this.#perform(node, teller))
      .catch((error: unknown) => {
        // What is remembered of the run cannot be written, or is another's by now.
        this.#broken ??= error;
        this.#ending.abort(error);
      })
      .finally(() => {
        this.#running--;
        if (pool !== undefined) this.#atWork.set(pool, (this.#atWork.get(pool) ?? 1) - 1);
        this.#pump();
      });
  }

  /** A step with its retries. @returns what became of it. */
  async #perform(node: Node, teller: StepTeller): Promise<string> {
    const { store, run } = this.#job;
    const { step, policy } = node;
    const { signal } = this.#ending;
    for (let tries = 1; ; tries++) {
      const attempt = store.startAttempt(run, step.name, Date.now());
      const told = teller.try(attempt);
      try {
        const { status, ...done } = await told.within(() => attemptStep(this.#job, node, attempt, signal));
        store.endStep(run, step.name, attempt, {
          ...done,
          status,
          outcome: status,
          endedAt: Date.now(),
          error: undefined,
        });
        told.end("end", status);
        this.#follow(node, false);
        return status;
      } catch (cause) {
        if (runLost.is(cause) || runStateUnavailable.is(cause)) {
          told.lost(cause);
          throw cause;
        }
        const error = failureOf(cause);
        const again = !signal.aborted && tries <= policy.retries.times && mayPass(cause);
        if (again) {
          const wait = backoffMs(policy.retries, tries);
          store.endAttempt(run, step.name, attempt, Date.now(), error.code);
          store.log(
            run.id,
            step.name,
            attempt,
            Date.now(),
            `failed, tried again in ${Math.round(wait)} ms: ${error.code}: ${error.message}`,
          );
          told.end("retry", error.code, error.message);
          await sleep(wait, undefined, { signal }).catch(() => {});
          if (!signal.aborted) continue;
        }
        const isStopped = signal.aborted;
        const outcome = isStopped ? "stopped" : error.code;
        store.endStep(run, step.name, attempt, {
          status: isStopped ? "stopped" : "failed",
          outcome,
          endedAt: Date.now(),
          error,
          result: undefined,
          inputs: {},
          outputs: {},
        });
        if (!(isLakehouseError(cause) || !(cause instanceof Error)) && cause.stack !== undefined)
          store.log(run.id, step.name, attempt, Date.now(), cause.stack);
        told.end("end", outcome, error.message);
        if (!isStopped) this.#fail(node, error, cause);
        else this.#follow(node, false);
        return outcome;
      }
    }
  }

  #fail(node: Node, error: Failure, cause: unknown): void {
    const { onFailure } = node.policy;
    if (onFailure === "stop") {
      this.#stoppedBy ??= { step: node.step.name, error, cause };
      this.#ending.abort(cause);
    } else {
      this.#failed++;
    }
    this.#follow(node, onFailure === "skip");
  }

  /** What waits for a step waits no longer. */
  #follow(node: Node, leaveOut: boolean): void {
    for (const next of this.#followers.get(node.step.name) ?? []) {
      const { name } = next.step;
      if (leaveOut) this.#leftOut.add(name);
      const left = (this.#waiting.get(name) ?? 1) - 1;
      this.#waiting.set(name, left);
      if (left === 0) this.#ready.push(next);
    }
  }

  /** A step that is not tried. */
  #settle(node: Node, status: Extract<StepStatus, "skipped" | "stopped">): void {
    const { store, run } = this.#job;
    try {
      store.settle(run, node.step.name, status, Date.now());
    } catch (error) {
      this.#broken ??= error;
      this.#ending.abort(error);
    }
    new StepTeller(this.#job, node.step.name).settled(status);
    this.#follow(node, status === "skipped");
  }
}
