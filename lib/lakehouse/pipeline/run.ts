import { randomUUID } from "node:crypto";
import { branchingOf, type Catalog, type Hash } from "../catalog/index.js";
import { invalidArgument } from "../errors.js";
import { noSuchTable, type SnapshotId, type Table } from "../iceberg/index.js";
import { type CheckReport, Quality } from "../quality/index.js";
import type { PipelineContext, RunOptions } from "./pipeline.js";
import { lost, newsOf, type Positions, positionsOf } from "./position.js";
import type { SliceValue, Task } from "./task.js";
import { type Inputs, type Job, writeTask } from "./write.js";

/** What a task took in of a table: what came behind `from`, or all where there is none, up to `to`. */
export interface InputRange {
  readonly table: string;
  readonly from?: SnapshotId | undefined;
  readonly to?: SnapshotId | undefined;
}

/** What became of a task. */
export interface TaskRun {
  readonly task: string;
  /** Names the run among all there are: a UUID. */
  readonly id: string;
  /** When it began, ISO 8601. */
  readonly at: string;
  /** `unchanged`: its inputs are as they were. */
  readonly outcome: "written" | "unchanged";
  /** By their names in the query. */
  readonly inputs: Readonly<Record<string, InputRange>>;
  /** Slices that were made anew; all of them where that is not said. */
  readonly slices?: readonly SliceValue[] | undefined;
  /** The commit on the branch that brought it. */
  readonly hash?: Hash | undefined;
  /** What the table's checks found. */
  readonly report?: CheckReport | undefined;
}

/** Runs a task: what it writes lands on a branch, is checked there, and comes to the lakehouse's own in one step. */
export async function runTask(
  context: PipelineContext,
  task: Task,
  { rebuild = false, slices: asked, now, record, signal, engine: spark }: RunOptions,
): Promise<TaskRun> {
  requireSlices(task, asked);
  const run = { task: task.name, id: randomUUID(), at: new Date().toISOString() };
  const slices = asked?.length === 0 ? undefined : asked;
  if (!rebuild && slices === undefined) {
    const range = await upToDate(context.catalog, task);
    if (range !== undefined) return { ...run, outcome: "unchanged", inputs: range };
  }
  let inputs: Inputs = {};
  let made: readonly SliceValue[] | undefined;
  const publication = await new Quality(context).publish(
    task.into,
    async ({ table, branch }) => {
      const catalog = branchingOf(context.catalog).on(branch);
      const there = rebuild ? undefined : await positionsOf(table, task);
      if (!rebuild && there === undefined && (await context.countRows(table)) > 0n)
        throw lost(
          task.name,
          `${task.name} has rows, and nothing says of which rows of its inputs they are.`,
        );
      inputs = await inputsOf(catalog, task, there);
      const reads = await load(catalog, task.reads);
      const job: Job = { engine: context.engine, task, table, branch, inputs, reads };
      const what = there === undefined ? "all" : "changes";
      if (spark === undefined) made = await writeTask(job, what, slices);
      else {
        const { writeOnSpark } = await import("./spark/write.js");
        made = await writeOnSpark({ ...job, spark, catalog, signal }, what, slices);
      }
    },
    { now, record, signal, message: `Run ${task.name}` },
  );
  const { hash, report } = publication;
  const range = Object.entries(inputs).map(([name, { table, from }]): [string, InputRange] => [
    name,
    { table: table.name, from, to: table.currentSnapshot?.snapshotId },
  ]);
  return {
    ...run,
    outcome: publication.outcome === "published" ? "written" : "unchanged",
    inputs: Object.fromEntries(range),
    slices: made,
    hash,
    report,
  };
}

function requireSlices({ name, write }: Task, slices: readonly SliceValue[] | undefined): void {
  if (slices === undefined) return;
  if (!Array.isArray(slices) || !slices.every((each) => ["string", "number", "bigint"].includes(typeof each)))
    throw invalidArgument("slices", "Slices are an array of their values.", 'Give ["2001-03-04"].');
  if (write.slice !== undefined) return;
  throw invalidArgument(
    name,
    `${name} has no column by which a part of it could be made anew.`,
    "Say which one it is by `slice` of its task, or run the task without slices.",
  );
}

/** What the task has taken in, where that is all there is. */
async function upToDate(
  catalog: Catalog,
  task: Task,
): Promise<Readonly<Record<string, InputRange>> | undefined> {
  let table: Table;
  try {
    table = await catalog.loadTable(task.name);
  } catch (error) {
    if (noSuchTable.is(error)) return undefined;
    throw error;
  }
  const there = await positionsOf(table, task);
  const range: Record<string, InputRange> = {};
  for (const [name, input] of Object.entries(await load(catalog, task.changes))) {
    const to = input.currentSnapshot?.snapshotId;
    const at = there?.[name];
    if (there !== undefined && (at?.uuid !== input.metadata.tableUuid || at.snapshotId !== to))
      return undefined;
    if (there === undefined && to !== undefined) return undefined;
    range[name] = { table: input.name, from: to, to };
  }
  return Object.keys(there ?? range).every((name) => Object.hasOwn(range, name)) ? range : undefined;
}

/** The inputs as they are, and where the task has come to in each. */
async function inputsOf(catalog: Catalog, task: Task, there: Positions | undefined): Promise<Inputs> {
  const inputs: Record<string, Inputs[string]> = {};
  const tables = await load(catalog, task.changes);
  const other = Object.keys(there ?? {}).find((name) => !Object.hasOwn(tables, name));
  if (other !== undefined) throw lost(task.name, `${task.name} was made of ${other} as well until now.`);
  for (const [name, table] of Object.entries(tables)) {
    const position = there?.[name];
    if (there !== undefined && position === undefined)
      throw lost(task.name, `${task.name} was made without ${name} until now.`);
    const news = position === undefined ? { table, snapshots: [] } : await newsOf(table, position, task);
    inputs[name] = { ...news, from: position?.snapshotId };
  }
  return inputs;
}

async function load(
  catalog: Catalog,
  names: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, Table>>> {
  const tables = await Promise.all(
    Object.entries(names).map(async ([name, table]) => [name, await catalog.loadTable(table)] as const),
  );
  return Object.fromEntries(tables);
}
