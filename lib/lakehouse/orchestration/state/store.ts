import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type Database from "better-sqlite3";
import { isLakehouseError } from "../../errors.js";
import { mayBeAlive, type Owner, thisProcess } from "../../process-owner.js";
import { keep, openSqlite } from "../../sqlite.js";
import { noSuchRun, runLost, runStateUnavailable } from "../errors.js";
import { type RunRow, resultJson, runOf, type StepRow, stepOf, toJson } from "./rows.js";
import { prepareFile } from "./schema.js";
import { prepare, type Statements } from "./statements.js";
import type {
  AttemptRecord,
  Failure,
  LogLine,
  RunRecord,
  RunRequest,
  RunStatus,
  StepRecord,
  StepStatus,
} from "./types.js";

/** What a run is begun with. */
export interface NewRun extends RunRequest {
  readonly id: string;
  readonly pipeline: string;
  readonly target: string;
  readonly base: string;
  readonly fingerprint: string;
  readonly steps: readonly string[];
  readonly startedAt: number;
}

/** What became of a step. */
export interface StepEnd extends Pick<StepRecord, "error" | "result" | "inputs" | "outputs"> {
  readonly status: StepStatus;
  /** Of the try. */
  readonly outcome: string;
  readonly endedAt: number;
}

/** Runs that this process has in hand. */
const inHand = new Set<string>();

/**
 * What is remembered of runs: one SQLite file in the lakehouse's folder. Whoever writes for a run says its epoch: once another
 * process has taken it over, nothing more is written for it, and RUN_LOST says so.
 */
export class RunStore {
  readonly #path: string;
  readonly #db: Database.Database;
  readonly #statements: Statements;

  constructor(path: string) {
    this.#path = path;
    try {
      mkdirSync(dirname(path), { recursive: true });
      this.#db = openSqlite(path, { timeout: 10_000 }, (db) => prepareFile(db, path));
      this.#statements = keep(prepare(this.#db));
    } catch (cause) {
      throw isLakehouseError(cause) ? cause : this.#failure(cause);
    }
  }

  close(): void {
    this.#db.close();
  }

  /** Begins a run. `undefined` where the key has one already, or another run of the pipeline is at work. */
  begin(run: NewRun): RunRecord | undefined {
    return this.#write(() => {
      const { changes } = this.#statements.begin.run({
        ...run,
        key: run.key ?? null,
        slices: toJson(run.slices),
        rebuild: run.rebuild ? 1 : 0,
        owner: JSON.stringify(thisProcess()),
      });
      if (changes === 0) return undefined;
      for (const name of run.steps) this.#statements.addStep.run(run.id, name);
      inHand.add(run.id);
      return this.run(run.id);
    });
  }

  /**
   * Takes over a run that nobody is at, or that was to be taken from whoever is.
   *
   * @param statuses those that it may have.
   * @returns it in its new epoch; `undefined` where another was faster, or another run of the pipeline is at work.
   */
  takeOver({ id, epoch }: RunRecord, statuses: readonly RunStatus[]): RunRecord | undefined {
    return this.#write(() => {
      const now = this.run(id);
      if (now.epoch !== epoch || !statuses.includes(now.status)) return undefined;
      const { changes } = this.#statements.takeOver.run({ id, owner: JSON.stringify(thisProcess()) });
      if (changes === 0) return undefined;
      inHand.add(id);
      return this.run(id);
    });
  }

  /** Steps that are not done can be done again. */
  reopenSteps(run: RunRecord): void {
    this.#own(run, () => this.#statements.reopenSteps.run(run.id));
  }

  /** False where the process that has the run is known to have ended. */
  isAtWork({ id }: RunRecord): boolean {
    const owner = this.owner(id);
    if (owner === undefined) return false;
    const own = thisProcess();
    if (owner.host === own.host && owner.pid === own.pid && owner.started === own.started)
      return inHand.has(id);
    return mayBeAlive(owner);
  }

  owner(id: string): Owner | undefined {
    const text = this.#read(() => this.#statements.owner.get(id)) as string | undefined;
    return text === undefined ? undefined : (JSON.parse(text) as Owner);
  }

  /** A number that grows while its process is at work. */
  beatOf(id: string): number {
    return this.#read(() => this.#statements.beatOf.get(id)) as number;
  }

  /** Says that this process is at work. @throws LakehouseError RUN_LOST */
  beat(run: RunRecord): void {
    this.#own(run, () => this.#statements.beat.run(run.id));
  }

  end(
    run: RunRecord,
    status: RunStatus,
    more: {
      readonly endedAt: number;
      readonly hash?: string | undefined;
      readonly error?: Failure | undefined;
    },
  ): void {
    try {
      this.#own(run, () =>
        this.#statements.end.run({
          id: run.id,
          status,
          endedAt: more.endedAt,
          hash: more.hash ?? null,
          error: toJson(more.error),
        }),
      );
    } finally {
      inHand.delete(run.id);
    }
  }

  /** Lets go of a run that was lost, or that this process cannot end. */
  release(id: string): void {
    inHand.delete(id);
  }

  /** The target has moved, and the run begins anew from there. */
  restart(run: RunRecord, base: string): void {
    this.#own(run, () => {
      this.#statements.rebase.run(base, run.id);
      this.#statements.clearSteps.run(run.id);
    });
  }

  startAttempt(run: RunRecord, step: string, startedAt: number): number {
    return this.#own(run, () => {
      const attempt = (this.#statements.attemptsOf.get(run.id, step) as number) + 1;
      this.#statements.startStep.run({ run: run.id, step, attempt, startedAt });
      this.#statements.addAttempt.run({ run: run.id, step, attempt, startedAt });
      return attempt;
    });
  }

  endAttempt(run: RunRecord, step: string, attempt: number, endedAt: number, outcome: string): void {
    this.#own(run, () => this.#statements.endAttempt.run({ run: run.id, step, attempt, endedAt, outcome }));
  }

  /** Ends a step with its last try. */
  endStep(run: RunRecord, step: string, attempt: number, end: StepEnd): void {
    const { status, outcome, endedAt, error, result, inputs, outputs } = end;
    this.#own(run, () => {
      this.#statements.endAttempt.run({ run: run.id, step, attempt, endedAt, outcome });
      this.#statements.endStep.run({
        run: run.id,
        step,
        status,
        endedAt,
        error: toJson(error),
        result: resultJson(result),
        inputs: toJson(inputs),
        outputs: toJson(outputs),
      });
    });
  }

  /** Says of a step what it is without a try: left out, or found done on the run's branch, or not there. */
  settle(run: RunRecord, step: string, status: StepStatus, at: number): void {
    this.#own(run, () => this.#statements.settle.run({ run: run.id, step, status, at }));
  }

  log(run: string, step: string, attempt: number, at: number, message: string): void {
    this.#read(() => this.#statements.addLog.run(run, step, attempt, at, message));
  }

  /** @throws LakehouseError NO_SUCH_RUN. An id may be cut short, as commits' hashes are. */
  run(id: string): RunRecord {
    const rows = this.#read(() =>
      this.#statements.runs.all({ id: id.replace(/[%_\\]/g, "\\$&"), pipeline: null, limit: 2 }),
    ) as RunRow[];
    const [row, second] = rows;
    const exact = rows.find((each) => each.id === id) ?? (second === undefined ? row : undefined);
    if (exact !== undefined) return runOf(exact);
    throw noSuchRun(
      id,
      second === undefined ? `There is no run ${id}.` : `Several runs begin with ${id}.`,
      second === undefined ? "slh pipeline list shows those that there are." : "Write more of its id.",
    );
  }

  /** Newest first. */
  runs(pipeline: string | undefined, limit: number): RunRecord[] {
    const rows = this.#read(() => this.#statements.runs.all({ id: "", pipeline: pipeline ?? null, limit }));
    return (rows as RunRow[]).map(runOf);
  }

  /** The last run of a pipeline to a branch that no orchestrator beside this one runs. */
  last(pipeline: string, target: string): RunRecord | undefined {
    const row = this.#read(() => this.#statements.last.get(pipeline, target)) as RunRow | undefined;
    return row && runOf(row);
  }

  byKey(pipeline: string, target: string, key: string): RunRecord | undefined {
    const row = this.#read(() => this.#statements.byKey.get(pipeline, target, key)) as RunRow | undefined;
    return row && runOf(row);
  }

  /** Runs whose keys begin so, oldest first. */
  withKey(pipeline: string, target: string, prefix: string): RunRecord[] {
    const rows = this.#read(() => this.#statements.withKey.all({ pipeline, target, prefix }));
    return (rows as RunRow[]).map(runOf);
  }

  /** Runs of another orchestrator that have not ended. */
  external(pipeline: string, target: string): RunRecord[] {
    return (this.#read(() => this.#statements.external.all(pipeline, target)) as RunRow[]).map(runOf);
  }

  /** Says that this process does a step: of several that would, one does. False where another is at it. */
  claim(run: string, step: string): boolean {
    return this.#write(() => {
      const owner = this.#statements.claimOf.get(run, step) as string | undefined;
      if (owner !== undefined && mayBeAlive(JSON.parse(owner) as Owner)) return false;
      this.#statements.claim.run(run, step, JSON.stringify(thisProcess()));
      return true;
    });
  }

  unclaim(run: string, step: string): void {
    this.#write(() => this.#statements.unclaim.run(run, step));
  }

  steps(id: string): StepRecord[] {
    return (this.#read(() => this.#statements.steps.all(id)) as StepRow[]).map(stepOf);
  }

  attempts(id: string): AttemptRecord[] {
    const rows = this.#read(() => this.#statements.attempts.all(id)) as (Omit<
      AttemptRecord,
      "endedAt" | "outcome"
    > & { endedAt: number | null; outcome: string | null })[];
    return rows.map((row) => ({
      ...row,
      endedAt: row.endedAt ?? undefined,
      outcome: row.outcome ?? undefined,
    }));
  }

  logs(id: string, step?: string): LogLine[] {
    return this.#read(() => this.#statements.logs.all({ run: id, step: step ?? null })) as LogLine[];
  }

  cursor(pipeline: string, name: string): string | undefined {
    return this.#read(() => this.#statements.cursor.get(pipeline, name)) as string | undefined;
  }

  /** Where a trigger is looked from on, unless another process has said so. */
  beginCursor(pipeline: string, name: string, value: string): void {
    this.#write(() => this.#statements.beginCursor.run(pipeline, name, value));
  }

  setCursor(pipeline: string, name: string, value: string): void {
    this.#write(() => this.#statements.setCursor.run(pipeline, name, value));
  }

  /** Writes for a run that is this process's. */
  #own<T>(run: RunRecord, work: () => T): T {
    return this.#write(() => {
      const epoch = this.#statements.epochOf.get(run.id) as number | undefined;
      if (epoch !== run.epoch)
        throw runLost(
          run.id,
          `Another process has taken over the run ${run.id}: it was taken for dead, or was told to.`,
          "What this one still did counts for nothing. slh pipeline show says how the run went on.",
        );
      return work();
    });
  }

  #write<T>(work: () => T): T {
    return this.#read(() => {
      this.#statements.beginTransaction.run();
      try {
        const result = work();
        this.#statements.commit.run();
        return result;
      } catch (error) {
        if (this.#db.inTransaction) this.#statements.rollback.run();
        throw error;
      }
    });
  }

  #read<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw isLakehouseError(error) ? error : this.#failure(error);
    }
  }

  #failure(cause: unknown) {
    return runStateUnavailable(
      this.#path,
      `What is known of runs (${this.#path}) cannot be used: ${(cause as Error).message}.`,
      "Look whether its disk is full or failing. The file can be moved away: tables do not depend on it, only the history of runs does.",
      cause,
    );
  }
}
