import type { Catalog } from "../../catalog/index.js";
import type { SnapshotId, Table } from "../../iceberg/index.js";
import { requireAppends } from "../position.js";
import type { SliceValue, Task } from "../task.js";
import { type Input, isNothing, type Job, sayPosition, slicesToMake, summaryOf } from "../write.js";
import { CATALOG } from "./options.js";
import { sparkQuery } from "./portable.js";
import type { Spark } from "./spark.js";

/** A job for Spark. */
export interface SparkJob extends Job {
  readonly spark: Spark;
  /** Seen on the branch that is written. */
  readonly catalog: Catalog;
  readonly signal?: AbortSignal | undefined;
}

/** Rows of some slices, their values as text. */
interface Slices {
  readonly column: string;
  readonly values: readonly string[];
}

/** What a query reads by a name. */
interface View {
  readonly table: readonly string[];
  /** Iceberg's for reads. */
  readonly options: Readonly<Record<string, string>>;
  readonly slices: Slices | null;
  readonly empty: boolean;
}

/**
 * As `writeTask`, by Spark: what has changed is found here; its rows are read, made and written there, on the same branch.
 *
 * @throws LakehouseError SPARK_FAILED, UNSUPPORTED_FEATURE, and as `writeTask`
 */
export async function writeOnSpark(
  job: SparkJob,
  what: "all" | "changes",
  asked: readonly SliceValue[] | undefined,
): Promise<readonly SliceValue[] | undefined> {
  if (isNothing(job)) return undefined;
  const { inputs, reads } = job;
  const read = [
    ...Object.entries(inputs).map(([name, { table }]) => [name, table] as const),
    ...Object.entries(reads),
  ];
  const query = await sparkQuery(job.task, new Map(read.map(([name, { schema }]) => [name, schema])));
  const past = new Map(Object.values(inputs).map(({ table }) => [table.name, table.metadata.snapshots]));
  const made = await job.spark.past.during(job.branch, past, async () => {
    if (what === "all") return writeAll(job, query);
    const { write } = job.task;
    return write.kind === "replace"
      ? writeSlices(job, query, write, asked ?? [])
      : writeRows(job, query, asked);
  });
  const table = await job.catalog.loadTable(job.task.name);
  const transaction = table.begin();
  await sayPosition(job, transaction);
  await transaction.commit();
  return made;
}

async function writeAll(job: SparkJob, query: string): Promise<undefined> {
  if (job.table.currentSnapshot !== undefined) await remove(job, null);
  await add(job, query, { viewOf: whole, summary: summaryOf(job) });
}

async function writeSlices(
  job: SparkJob,
  query: string,
  write: Extract<Task["write"], { kind: "replace" }>,
  asked: readonly SliceValue[],
): Promise<readonly SliceValue[]> {
  const { made, read } = await slicesToMake(job, write, asked);
  if (made.length === 0) return made;
  const slices = slicesOf(write.slice, made);
  await remove(job, slices);
  const viewOf = (input: Input) => ({ ...whole(input), slices: slicesOf(write.slice, read) });
  await add(job, query, { slices, viewOf, summary: summaryOf(job) });
  return made;
}

async function writeRows(
  job: SparkJob,
  query: string,
  asked: readonly SliceValue[] | undefined,
): Promise<readonly SliceValue[] | undefined> {
  const { task, inputs } = job;
  for (const { table, snapshots } of Object.values(inputs)) requireAppends(table, snapshots, task);
  if (asked !== undefined && task.write.slice !== undefined) {
    const slices = slicesOf(task.write.slice, asked);
    await remove(job, slices);
    // As far as the table has come, so that what comes then is not there already; which this snapshot does not say.
    await add(job, query, { slices, viewOf: ({ from }) => viewAt(from), summary: {} });
  }
  if (Object.values(inputs).some(({ snapshots }) => snapshots.length > 0))
    await add(job, query, { viewOf: since, summary: summaryOf(job) });
  return asked;
}

function remove({ spark, signal, ...job }: SparkJob, slices: Slices | null): Promise<unknown> {
  return spark.call("remove", { table: nameOf(job, job.table), slices }, signal);
}

interface Addition {
  /** Of the query's rows those of these slices alone. */
  readonly slices?: Slices | undefined;
  readonly viewOf: (input: Input) => Partial<View>;
  readonly summary: Readonly<Record<string, string>>;
}

function add(job: SparkJob, query: string, { slices = undefined, viewOf, summary }: Addition) {
  const { spark, task, table, inputs, reads, signal } = job;
  const view = (name: string, of: Table, how: Partial<View>) => ({
    name,
    table: nameOf(job, of),
    options: {},
    slices: null,
    empty: false,
    ...how,
  });
  const views = [
    ...Object.entries(inputs).map(([name, input]) => view(name, input.table, viewOf(input))),
    ...Object.entries(reads).map(([name, of]) => view(name, of, viewAt(of.currentSnapshot?.snapshotId))),
  ];
  const { write, into } = task;
  const upsert = write.kind === "upsert" ? { keys: into.keys, newest: write.newest ?? null } : null;
  const target = nameOf(job, table);
  return spark.call(
    "write",
    { table: target, inputs: views, query, slices: slices ?? null, upsert, summary },
    signal,
  );
}

const whole = ({ table }: Input) => viewAt(table.currentSnapshot?.snapshotId);

/** A table as of a snapshot; with no rows where there is none. */
function viewAt(snapshotId: SnapshotId | undefined): Partial<View> {
  return snapshotId === undefined ? { empty: true } : { options: { "snapshot-id": String(snapshotId) } };
}

/** The rows that were added since. */
function since(input: Input): Partial<View> {
  const { table, from, snapshots } = input;
  if (from === undefined) return whole(input);
  if (snapshots.length === 0) return { empty: true };
  const to = table.currentSnapshot?.snapshotId;
  return { options: { "start-snapshot-id": String(from), "end-snapshot-id": String(to) } };
}

/** On the branch that is written, as `table@branch`. */
function nameOf({ branch }: Pick<Job, "branch">, { name }: Pick<Table, "name">): readonly string[] {
  const parts = name.split(".");
  return [CATALOG, ...parts.slice(0, -1), `${parts.at(-1)}@${branch}`];
}

function slicesOf(column: string, values: readonly SliceValue[]): Slices {
  return { column, values: values.map(String) };
}
