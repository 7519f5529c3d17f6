import {
  CARRIED,
  carriedUnder,
  pastOf,
  positionLost,
  type Snapshot,
  type SnapshotId,
  type Table,
} from "../iceberg/index.js";
import { notAppendOnly } from "./errors.js";
import type { Task } from "./task.js";

/** Up to which snapshot of which table an input has been taken in. */
export interface Position {
  /** A table that is made anew under its name has another. */
  readonly uuid: string;
  /** None of a table that had no snapshot yet. */
  readonly snapshotId?: SnapshotId | undefined;
}

/** By the inputs' names in the query. */
export type Positions = Readonly<Record<string, Position>>;

/**
 * The key of a snapshot's summary that says how far a task has come. It is carried from snapshot to snapshot: so it outlives
 * the one that set it, a rollback takes it back with the rows, and of two runs that both went on from it one is refused.
 */
const keyOf = ({ name }: Task) => `${CARRIED}pipeline.${name}`;

export function positionSummary(task: Task, positions: Positions): Record<string, string> {
  const plain = Object.entries(positions).map(([name, { uuid, snapshotId }]) => [
    name,
    { uuid, ...(snapshotId !== undefined && { snapshot: String(snapshotId) }) },
  ]);
  return { [keyOf(task)]: JSON.stringify(Object.fromEntries(plain)) };
}

/** How far the task's table has come; `undefined` where none of its snapshots says. */
export async function positionsOf(table: Table, task: Task): Promise<Positions | undefined> {
  const { text } = await carriedUnder(table, keyOf(task));
  return text === undefined ? undefined : parsed(text, table.name);
}

function parsed(text: string, table: string): Positions {
  try {
    const given = JSON.parse(text) as Record<string, { readonly uuid: unknown; readonly snapshot?: unknown }>;
    const entries = Object.entries(given).map(([name, { uuid, snapshot }]): [string, Position] => [
      name,
      { uuid: String(uuid), ...(snapshot !== undefined && { snapshotId: BigInt(snapshot as string) }) },
    ]);
    return Object.fromEntries(entries);
  } catch {
    throw lost(table, `A snapshot of ${table} says ${JSON.stringify(text)} of how far it has come.`);
  }
}

/** What came to an input since a position. */
export interface News {
  /** The input, with all of these snapshots: of some the table itself may have let go. */
  readonly table: Table;
  /** Newest first. */
  readonly snapshots: readonly Snapshot[];
}

/** @throws LakehouseError POSITION_LOST where it cannot be told. */
export async function newsOf(input: Table, { uuid, snapshotId }: Position, task: Task): Promise<News> {
  const { metadata } = input;
  if (uuid !== metadata.tableUuid)
    throw lost(task.name, `${input.name} is another table than the one that ${task.name} was made of.`);
  const snapshots: Snapshot[] = [];
  for await (const snapshot of pastOf(input)) {
    if (snapshot.snapshotId === snapshotId)
      return { table: withSnapshots(input, [...snapshots, snapshot]), snapshots };
    snapshots.push(snapshot);
  }
  if (snapshotId === undefined && snapshots.at(-1)?.parentSnapshotId === undefined)
    return { table: withSnapshots(input, snapshots), snapshots };
  throw lost(
    task.name,
    `${task.name} has taken in ${input.name} up to the snapshot ${snapshotId ?? "before its first"}, which does not lead to what ${input.name} is now: it was rolled back, or nothing is left of it.`,
  );
}

function withSnapshots(table: Table, snapshots: readonly Snapshot[]): Table {
  const { metadata } = table;
  const there = new Set(metadata.snapshots.map(({ snapshotId }) => snapshotId));
  const gone = snapshots.filter(({ snapshotId }) => !there.has(snapshotId));
  if (gone.length === 0) return table;
  return table.view({ ...metadata, snapshots: [...gone, ...metadata.snapshots] }, undefined);
}

/** @throws LakehouseError NOT_APPEND_ONLY for snapshots that did more than add rows. A compaction changes none. */
export function requireAppends(input: Table, snapshots: readonly Snapshot[], task: Task): void {
  const other = snapshots.find(
    ({ summary }) => summary?.operation !== "append" && summary?.operation !== "replace",
  );
  if (other === undefined) return;
  throw notAppendOnly(
    input.name,
    `${task.name} takes in rows that are added to ${input.name}, and the snapshot ${other.snapshotId} there is of the kind "${other.summary?.operation}": rows were changed or deleted.`,
    REBUILD,
  );
}

export function lost(table: string, why: string) {
  return positionLost(table, why, REBUILD);
}

const REBUILD =
  "Make the table anew of all that its inputs have now: lake.pipeline.run([task], { rebuild: true }).";
