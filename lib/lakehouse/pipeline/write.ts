import type { RecordBatch } from "apache-arrow";
import {
  conformingBatches,
  fieldByName,
  isIn,
  type NestedField,
  type Snapshot,
  type SnapshotId,
  type Table,
  type Transaction,
  withMainAt,
} from "../iceberg/index.js";
import { identifier, type NamedRows, type QueryEngine } from "../query/index.js";
import { positionSummary, positionsOf, requireAppends } from "./position.js";
import type { ReplaceWrite, SliceValue, Task } from "./task.js";

/** An input as it is now. */
export interface Input {
  readonly table: Table;
  /** What the task has taken in of it ends there; it has nothing of it where there is none. */
  readonly from: SnapshotId | undefined;
  /** Those that came since. */
  readonly snapshots: readonly Snapshot[];
}

/** By their names in the query. */
export type Inputs = Readonly<Record<string, Input>>;

/** What there is to write, on which branch. */
export interface Job {
  readonly engine: QueryEngine;
  readonly task: Task;
  readonly table: Table;
  readonly branch: string;
  readonly inputs: Inputs;
  readonly reads: Readonly<Record<string, Table>>;
}

type Rows = Readonly<Record<string, NamedRows>>;

/** A name in our queries that no name in a user's has. */
const SLICES = "(slices)";
const CHANGES = "(changes)";

/**
 * Writes what the inputs have to the task's table, in one commit with how far that was.
 *
 * @param what `all` in place of what the table has; or what has changed.
 * @param slices to make anew beside that.
 * @returns the slices that were made anew, where it was not all or row by row.
 */
export async function writeTask(
  job: Job,
  what: "all" | "changes",
  slices: readonly SliceValue[] | undefined,
): Promise<readonly SliceValue[] | undefined> {
  const { task, table } = job;
  if (isNothing(job)) return undefined;
  const transaction = table.begin();
  try {
    const made =
      what === "all"
        ? await writeAll(job, transaction)
        : task.write.kind === "replace"
          ? await writeSlices(job, transaction, task.write, slices ?? [])
          : await writeRows(job, transaction, slices);
    await sayPosition(job, transaction);
    await transaction.commit();
    return made;
  } catch (error) {
    await transaction.rollback();
    throw error;
  }
}

/** Inputs that have no snapshot have nothing to take in, and a table that has none nothing to let go of. */
export function isNothing({ table, inputs }: Job): boolean {
  return [table, ...Object.values(inputs).map((input) => input.table)].every(
    ({ currentSnapshot }) => currentSnapshot === undefined,
  );
}

/** Says how far the table has come where no snapshot that has rows does: none came, or all were there. */
export async function sayPosition(job: Job, transaction: Transaction): Promise<void> {
  const summary = summaryOf(job);
  const said = await positionsOf(transaction.table as Table, job.task);
  if (said === undefined || positionSummary(job.task, said)[keyOf(summary)] !== summary[keyOf(summary)])
    await transaction.commitFiles({ operation: "append" }, { summary });
}

const keyOf = (summary: Readonly<Record<string, string>>) => Object.keys(summary)[0] as string;

export function summaryOf({ task, inputs }: Job): Record<string, string> {
  const positions = Object.entries(inputs).map(([name, { table }]) => [
    name,
    { uuid: table.metadata.tableUuid, snapshotId: table.currentSnapshot?.snapshotId },
  ]);
  return positionSummary(task, Object.fromEntries(positions));
}

async function writeAll(job: Job, transaction: Transaction): Promise<undefined> {
  if (job.table.currentSnapshot !== undefined) await transaction.truncate();
  await addRows(
    job,
    transaction,
    read(
      job,
      job.task.sql,
      inputRows(job, ({ table }) => ({ table })),
    ),
  );
}

/** Row by row: what came is added, or put in its key's place. */
async function writeRows(
  job: Job,
  transaction: Transaction,
  slices: readonly SliceValue[] | undefined,
): Promise<readonly SliceValue[] | undefined> {
  const { task, inputs } = job;
  for (const { table, snapshots } of Object.values(inputs)) requireAppends(table, snapshots, task);
  const { slice } = task.write;
  if (slices !== undefined && slice !== undefined) {
    // As far as the table has come, so that what comes then is not there already.
    const rows = inputRows(job, ({ table, from }) => ({
      table: table.view(withMainAt(table.metadata, from), undefined),
    }));
    await transaction.deleteRows(isIn(slice, slices));
    const given = { ...rows, [SLICES]: await slicesRows(job, slice, slices) };
    await addRows(job, transaction, read(job, ofSlices(task, slice), given));
  }
  if (Object.values(inputs).some(({ snapshots }) => snapshots.length > 0)) {
    const rows = inputRows(job, ({ table, from }) =>
      from === undefined ? { table } : { table, since: from },
    );
    await addRows(job, transaction, read(job, task.sql, rows));
  }
  return slices;
}

/** Adds rows as the task writes them, with how far it has come. */
async function addRows(job: Job, transaction: Transaction, rows: AsyncIterable<RecordBatch>): Promise<void> {
  const { write, into } = job.task;
  const summary = summaryOf(job);
  if (write.kind !== "upsert") return transaction.append(rows, { summary });
  const on = into.keys as never;
  await transaction.upsert(rows, { on, newest: write.newest as never, nullKeys: "refuse", summary });
}

/** Slice by slice: those of which a row came or went are made anew, and those that look back to them. */
async function writeSlices(
  job: Job,
  transaction: Transaction,
  write: ReplaceWrite,
  asked: readonly SliceValue[],
): Promise<readonly SliceValue[]> {
  const { slice } = write;
  const { made, read: wanted } = await slicesToMake(job, write, asked);
  if (made.length === 0) return made;
  const filter = isIn(slice, wanted);
  const rows = {
    ...inputRows(job, ({ table }) => ({ table, filter })),
    [SLICES]: await slicesRows(job, slice, made),
  };
  const data = read(job, ofSlices(job.task, slice), rows);
  await transaction.overwrite(data, { where: isIn(slice, made), summary: summaryOf(job) });
  return made;
}

/**
 * The slices of which a row came or went, those that look back to them, and those asked for; and the slices of the inputs
 * that they are made of.
 */
export async function slicesToMake(
  job: Job,
  { slice, lookback = 0 }: ReplaceWrite,
  asked: readonly SliceValue[],
): Promise<{ readonly made: readonly SliceValue[]; readonly read: readonly SliceValue[] }> {
  const distinct = (values: readonly SliceValue[]) => [
    ...new Map(values.map((value) => [String(value), value])).values(),
  ];
  const changed = await changedSlices(job, slice);
  const made = distinct([...asked, ...changed.flatMap((value) => days(value, 0, lookback))]);
  return { made, read: distinct(made.flatMap((value) => days(value, -lookback, 0))) };
}

async function changedSlices({ engine, inputs }: Job, slice: string): Promise<SliceValue[]> {
  const column = identifier(slice).text;
  const found: SliceValue[] = [];
  for (const { table, from } of Object.values(inputs)) {
    const rows: NamedRows = from === undefined ? { table } : { table, changesSince: from };
    const query = `SELECT DISTINCT ${column} AS slice FROM "${CHANGES}" WHERE ${column} IS NOT NULL ORDER BY 1`;
    const result = await engine.sql(query, { rows: { [CHANGES]: rows } });
    found.push(...(await result.rows()).map((row) => row.slice as SliceValue));
  }
  return found;
}

const DAY_MS = 86_400_000;

/** The value, or the days around it, first and last included. */
function days(value: SliceValue, first: number, last: number): readonly SliceValue[] {
  if (first === last) return [value];
  const start = Date.parse(`${value}T00:00:00Z`);
  return Array.from({ length: last - first + 1 }, (_, i) =>
    new Date(start + (first + i) * DAY_MS).toISOString().slice(0, 10),
  );
}

/** The rows of the query that are of the slices. */
function ofSlices({ sql }: Task, slice: string): string {
  const column = identifier(slice).text;
  return `SELECT * FROM (\n${sql}\n) WHERE ${column} IN (SELECT ${column} FROM "${SLICES}")`;
}

async function slicesRows({ table }: Job, slice: string, values: readonly SliceValue[]): Promise<NamedRows> {
  const field = fieldByName(table.schema, slice) as NestedField;
  const schema = { schemaId: 0, fields: [field], identifierFieldIds: [] };
  const batches: RecordBatch[] = [];
  const rows = values.map((value) => ({ [slice]: value }));
  for await (const batch of conformingBatches(schema, rows)) batches.push(batch);
  return { schema, batches };
}

function inputRows({ inputs, reads }: Job, rowsOf: (input: Input) => NamedRows): Rows {
  const changed = Object.entries(inputs).map(([name, input]) => [name, rowsOf(input)]);
  const whole = Object.entries(reads).map(([name, table]) => [name, { table }]);
  return Object.fromEntries([...changed, ...whole]);
}

/** The rows of a query as those of the task's table. */
function read({ engine, table, branch }: Job, sql: string, rows: Rows): AsyncIterable<RecordBatch> {
  const { store, schema } = table;
  return engine.readSource({ store, source: { sql }, ref: branch, schema, rows });
}
