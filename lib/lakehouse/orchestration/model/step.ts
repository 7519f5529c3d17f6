import { invalidArgument } from "../../errors.js";
import type { Source, Table } from "../../iceberg/index.js";
import { checkObject } from "../../options.js";
import type { SliceValue, Task } from "../../pipeline/index.js";
import type { Contract, Publication, PublishOptions, WriteRows } from "../../quality/index.js";
import type { Dataset, Datasets, RowOfDataset, TableNames } from "./dataset.js";
import type { StepPolicy } from "./policy.js";

/** What the front door says of a lakehouse: it fills this in (`lakehouse.ts`), since no room knows it. */
// biome-ignore lint/suspicious/noEmptyInterface: it is filled in by declaration merging
export interface FrontDoor {}

/** The lakehouse that a step's function is given: `Lakehouse`, for whoever imports `sololakehouse`. */
export type StepLakehouse = FrontDoor extends { readonly lakehouse: infer Lake } ? Lake : unknown;

/** What a step's function is given. */
export interface StepContext<Reads extends Datasets = Datasets, Writes extends Datasets = Datasets> {
  /**
   * The lakehouse as this run has it. What is written comes to the run's branch when the step is done, and to the target
   * when the run is: a step that fails has written nothing. One that declares no tables in `writes` only reads.
   */
  readonly lake: StepLakehouse;
  /** Aborted when the step's time is over, or the run ends: pass it on, as in `lake.sql(query, { signal })`. */
  readonly signal: AbortSignal;
  /** The run's id. */
  readonly run: string;
  /** From 1. */
  readonly attempt: number;
  /** What a backfill makes anew; undefined for a run of all that has changed. */
  readonly slices: readonly SliceValue[] | undefined;
  /** Kept with the run: `slh pipeline show` has it. */
  readonly log: (message: string) => void;
  /** An input as a table, by the step's name of it. */
  readonly read: <Name extends TableNames<Reads>>(name: Name) => Promise<Table<RowOfDataset<Reads[Name]>>>;
  /** Writes rows to an output through the checks of its contract, by the step's name of it: see `lake.quality.publish`. */
  readonly write: <Name extends TableNames<Writes>>(
    name: Name,
    rows: Source<RowOfDataset<Writes[Name]>> | WriteRows<RowOfDataset<Writes[Name]>>,
    options?: PublishOptions,
  ) => Promise<Publication>;
}

export interface StepInit<Reads extends Datasets, Writes extends Datasets> extends StepPolicy {
  readonly name: string;
  /** What it reads, by the names that its function has for them: it runs after what writes them. */
  readonly reads?: Reads | undefined;
  /** What it writes. Tables that are not among them it cannot write. */
  readonly writes?: Writes | undefined;
  /** Whether it can make slices anew: it takes part in backfills, and looks at `slices`. */
  readonly sliced?: boolean | undefined;
  /** What it answers with is kept with the run, as JSON. */
  readonly run: (context: StepContext<Reads, Writes>) => unknown;
}

interface StepBase {
  readonly name: string;
  readonly reads: Datasets;
  readonly writes: Datasets;
  readonly policy: StepPolicy;
}

/** A function. */
export interface FunctionStep extends StepBase {
  readonly kind: "function";
  readonly sliced: boolean;
  readonly run: (context: StepContext) => unknown;
}

/** A table that is made of others by SQL. */
export interface TaskStep extends StepBase {
  readonly kind: "task";
  readonly task: Task;
}

/** Checks of a table as it is on the run's branch. */
export interface CheckStep extends StepBase {
  readonly kind: "check";
  readonly table: string;
  readonly contract: Contract | undefined;
}

export type Step = FunctionStep | TaskStep | CheckStep;

/**
 * A step of a pipeline that is a function.
 *
 * @throws LakehouseError INVALID_ARGUMENT
 * @example
 * const ingest = step({
 *   name: "ingest",
 *   writes: { events: bronzeEvents },
 *   retries: 3,
 *   timeoutMs: 60_000,
 *   run: async ({ write, run }) => write("events", { csv: "events.csv" }, { token: run }),
 * });
 */
export function step<
  const Reads extends Datasets = Record<never, never>,
  const Writes extends Datasets = Record<never, never>,
>(init: StepInit<Reads, Writes>): FunctionStep {
  checkObject("step", "parts", init);
  const { name, reads = {}, writes = {}, sliced = false, run, ...policy } = init;
  if (typeof run !== "function")
    throw invalidArgument(String(name), `The step ${String(name)} has no function.`, "Give it as `run`.");
  return { kind: "function", name, reads, writes, sliced, policy, run: run as FunctionStep["run"] };
}

/**
 * A task as a step: its table is the step's name and its output.
 *
 * @example taskStep(daily, { retries: 2, onFailure: "skip" })
 */
export function taskStep(task: Task, policy: StepPolicy = {}): TaskStep {
  checkObject("taskStep", "task", task);
  const { name, into, changes, reads } = task;
  return {
    kind: "task",
    name,
    reads: { ...changes, ...reads },
    writes: { [name]: into as Dataset },
    policy,
    task,
  };
}

/**
 * Checks of a whole table as a step: those of its contract, or those that it carries. Where one blocks, the run ends and
 * publishes nothing.
 *
 * @example checkStep(silverFlights)
 */
export function checkStep<Row>(
  table: string | Contract<Row>,
  policy: Omit<StepPolicy, "onFailure"> = {},
): CheckStep {
  const name = typeof table === "string" ? table : table.name;
  const contract = typeof table === "string" ? undefined : (table as unknown as Contract);
  return {
    kind: "check",
    name: `check ${name}`,
    reads: { table },
    writes: {},
    policy: { ...policy, onFailure: "stop" },
    table: name,
    contract,
  };
}

/** Whether a backfill of slices has something to do in it. */
export function isSliced(each: Step): boolean {
  if (each.kind === "task") return each.task.write.slice !== undefined;
  return each.kind === "check" || each.sliced;
}
