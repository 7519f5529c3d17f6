import type * as arrow from "apache-arrow";
import { invalidArgument } from "../../../errors.js";
import { checkOptions } from "../../../options.js";
import { conformBatches } from "../../files/arrow/conform.js";
import { storedSchema } from "../../files/arrow/schema.js";
import type { AppendData } from "../../files/data/append-data.js";
import { conformingBatches } from "../../files/data/input.js";
import { writeDataFiles } from "../../files/data/writer.js";
import { asDeletedRows } from "../../files/deletes/delete-rules.js";
import type { PositionBitmap } from "../../files/deletes/position-bitmap.js";
import { specsById } from "../../files/manifest/specs.js";
import type { Expression } from "../../model/expressions/types.js";
import { currentSchema } from "../../model/metadata/lookup.js";
import type { TableMetadata } from "../../model/metadata/types.js";
import type { Schema } from "../../model/types/types.js";
import { fileFilter } from "../scan/file-filter.js";
import { type ScanTask, TableScan } from "../scan/scan.js";
import type { SnapshotChange } from "../snapshot/producer.js";
import { selectFiles } from "../snapshot/selector.js";
import {
  validateDataFilesExist,
  validateNoNewDataFiles,
  validateNoNewDeleteFiles,
  validateNoNewDeletesFor,
  validateNoNewVectors,
} from "../snapshot/validate.js";
import {
  FileChange,
  isolationOf,
  modeOf,
  type OverwriteOptions,
  readRef,
  sinceOf,
  type TableState,
  type WriteMode,
  Written,
} from "./file-change.js";
import { ROW_CHANGE } from "./option-names.js";
import { writeRowDeletes } from "./row-deletes.js";
import { type Assignments, requireEngine } from "./row-engine.js";
import { lineageSchema, requireSameIds } from "./stored-rows.js";

export interface RowChangeOptions extends OverwriteOptions {
  /**
   * Default: the table property for the operation, such as `write.delete.mode`; else copy-on-write, and for a merge or
   * upsert the one that costs less: merge-on-read where a small part of many rows changes.
   */
  readonly mode?: WriteMode | undefined;
}

type Batches = AsyncIterable<arrow.RecordBatch>;

/** Rows that leave a table, and rows that come. */
export interface RowChange {
  /** Whose mode and isolation level hold. */
  readonly command: "delete" | "update" | "merge";
  /** Covers all rows that the change depends on: what others do to these meanwhile may be a conflict. */
  readonly covers: Expression;
  /** Files of which all rows leave. */
  readonly whole: readonly ScanTask[];
  /** Files of which some rows leave, with their positions. */
  readonly partly: ReadonlyMap<ScanTask, PositionBitmap>;
  /** The rows of some of these files that stay. With lineage. */
  remaining(tasks: readonly ScanTask[]): AsyncIterable<arrow.RecordBatch>;
  /** Rows in place of those that leave. With lineage. */
  readonly changed?: AsyncIterable<arrow.RecordBatch> | undefined;
  /** Rows that were not there before. */
  readonly added?: AsyncIterable<arrow.RecordBatch> | undefined;
}

/** Deletes the rows for which `where` is true. `undefined` when there are none. */
export function deleteRows(
  state: TableState,
  where: Expression,
  options: RowChangeOptions,
): Promise<FileChange | undefined> {
  checkOptions("deleteRows", options, ROW_CHANGE);
  return replaceRows(state, where, undefined, options);
}

/** An overwrite without a filter would take out all rows. */
export function checkOverwrite(options: OverwriteOptions & { readonly where: Expression }): void {
  checkOptions("overwrite", options ?? {}, { ...ROW_CHANGE, where: true });
  if (options?.where !== undefined) return;
  throw invalidArgument("where", "An overwrite needs a filter: which rows to replace.", "Give it as where.");
}

/** Takes out the rows for which `where` is true and adds the rows of `data`. */
export async function replaceRows<Row>(
  state: TableState,
  where: Expression,
  data: AppendData<Row> | undefined,
  options: RowChangeOptions,
): Promise<FileChange | undefined> {
  const found = await findRows(state, where, options);
  const added = data && conformingBatches(currentSchema(state.metadata), data);
  const remaining = (tasks: readonly ScanTask[]): Batches =>
    engineOf(state).remainingRows(requestOf(state, tasks, where, options));
  return changeRows(state, { command: "delete", covers: where, ...found, remaining, added }, options);
}

/** Gives the rows for which `where` is true new values. `undefined` when there are none. */
export async function updateRows<Row>(
  state: TableState,
  where: Expression,
  set: Assignments<Row>,
  options: RowChangeOptions,
): Promise<FileChange | undefined> {
  checkOptions("updateRows", options, ROW_CHANGE);
  const engine = engineOf(state);
  const { whole, partly } = await findRows(state, where, options);
  if (whole.length + partly.size === 0) return undefined;
  const request = requestOf(state, [...whole, ...partly.keys()], where, options);
  const changed = engine.changedRows({ ...request, set: set as Assignments<Record<string, unknown>> });
  const remaining = (tasks: readonly ScanTask[]): Batches =>
    engine.remainingRows(requestOf(state, tasks, where, options));
  const change: RowChange = { command: "update", covers: where, whole, partly, remaining, changed };
  return changeRows(state, change, options);
}

export function engineOf({ engine, metadata }: TableState): ReturnType<typeof requireEngine> {
  return requireEngine(engine, metadata.location);
}

function requestOf(
  { store, metadata }: TableState,
  tasks: readonly ScanTask[],
  where: Expression,
  { caseSensitive }: OverwriteOptions,
) {
  return { store, metadata, tasks, where, caseSensitive, schema: storedSchema(currentSchema(metadata)) };
}

/**
 * Finds the rows for which `where` is true. Files whose metrics prove that all of their rows match are not read; the
 * others are, and those that have no match after all are left alone.
 */
async function findRows(
  state: TableState,
  where: Expression,
  options: OverwriteOptions,
): Promise<Pick<RowChange, "whole" | "partly">> {
  const { store, metadata } = state;
  const caseSensitive = options.caseSensitive ?? true;
  const ref = readRef(state, options);
  const { tasks } = await new TableScan(store, metadata, { ref, filter: where, caseSensitive }).planAll();
  const filter = fileFilter(where, currentSchema(metadata), specsById(metadata), caseSensitive);
  const whole = tasks.filter((task) => filter.matchesWholly(task.dataFile));
  const proven = new Set(whole);
  const open = tasks.filter((task) => !proven.has(task));
  if (open.length === 0) return { whole, partly: new Map() };
  const found = await engineOf(state).matchingPositions(requestOf(state, open, where, options));
  const partly = new Map<ScanTask, PositionBitmap>();
  for (const [task, positions] of found) {
    if (BigInt(positions.cardinality) === task.dataFile.recordCount) whole.push(task);
    else partly.set(task, positions);
  }
  return { whole, partly };
}

/** Writes what a change of rows needs, by its mode. `undefined` when it changes nothing. */
export async function changeRows(
  state: TableState,
  change: RowChange,
  options: RowChangeOptions,
): Promise<FileChange | undefined> {
  const { store, metadata } = state;
  const mode = modeOf(metadata, change.command, options.mode ?? cheaperMode(metadata, change));
  const { whole, partly, changed, added } = change;
  const written = new Written(store);
  return written.guard(async () => {
    const rewrites = mode === "copy-on-write" ? [...partly.keys()] : [];
    const moves = rewrites.length > 0 || changed !== undefined;
    const schema = moves ? lineageSchema(metadata) : undefined;
    const write = async (rows: Batches, stored?: Schema) =>
      written.keep(
        await writeDataFiles(store, metadata, rows, {
          signal: options.signal,
          ...(stored && { schema: stored }),
        }),
      );
    const moved = concat(
      rewrites.length === 0 ? undefined : change.remaining(rewrites),
      changed && schema && conformBatches(schema, changed),
    );
    const files = [
      ...(added === undefined ? [] : await write(added)),
      ...(moved === undefined ? [] : await write(moved, schema)),
    ];
    const deletes = await writeRowDeletes(state, mode === "merge-on-read" ? partly : new Map(), written);
    const dropped = [...whole, ...rewrites];
    if (files.length + deletes.added.length + dropped.length === 0) return undefined;
    const removed = dropped.map((task) => task.dataFile);
    const snapshot: SnapshotChange = {
      operation: (gone) => {
        if (gone.length + deletes.added.length === 0) return "append";
        return files.length === 0 ? "delete" : "overwrite";
      },
      addedDataFiles: files,
      addedDeleteFiles: deletes.added,
      removedDataFiles: removed.length === 0 ? undefined : selectFiles(removed),
      removedDeleteFiles: deletes.removed.length === 0 ? undefined : selectFiles(deletes.removed),
      validate: validation(state, change, mode, options),
    };
    return new FileChange(state, snapshot, options);
  });
}

/** Files with fewer rows than these together are written again quicker than deletes pay off for readers. */
const MANY_ROWS = 250_000;
/** One row in so many, at most, is changed where marking it as deleted beats writing its file again. */
const FEW = 5;

/**
 * The mode of a merge for which nobody set one. Keys that lie scattered touch all files, and copy-on-write would write
 * again every row of them for a few. By the rows alone: both modes write the changed ones, and readers pay some for what
 * is marked as deleted, until the files are rewritten.
 */
function cheaperMode(metadata: TableMetadata, { command, partly }: RowChange): WriteMode | undefined {
  if (command !== "merge" || metadata.formatVersion < 2) return undefined;
  if (metadata.properties["write.merge.mode"] !== undefined) return undefined;
  let [rows, changed] = [0n, 0n];
  for (const [{ dataFile }, positions] of partly) {
    rows += dataFile.recordCount;
    changed += BigInt(positions.cardinality);
  }
  return rows >= MANY_ROWS && changed * BigInt(FEW) <= rows ? "merge-on-read" : undefined;
}

/**
 * What others may not have done meanwhile. As in the Java implementation: with serializable isolation, added rows that the change covers;
 * for an update, deleted any of these; in every case, removed or rewritten a file that the change deletes from, or
 * deleted from a file that it takes out.
 */
function validation(
  state: TableState,
  { command, covers, whole, partly, changed }: RowChange,
  mode: WriteMode,
  options: RowChangeOptions,
): SnapshotChange["validate"] {
  const isolation = isolationOf(state.metadata, command, options);
  const since = sinceOf(state, options);
  const onRead = mode === "merge-on-read";
  const dropped = [...whole, ...(onRead ? [] : partly.keys())].map((task) => task.dataFile);
  const marked = new Set(onRead ? [...partly.keys()].map((task) => task.dataFile.filePath) : []);
  return async (base, parent) => {
    const at = since(base, parent);
    // The schema may have changed since: the filter is bound to the one that holds now.
    const now = fileFilter(covers, currentSchema(base), specsById(base), options.caseSensitive ?? true);
    if (isolation === "serializable") await validateNoNewDataFiles(at, (file) => now.mayMatchFile(file));
    if (onRead ? command !== "delete" : isolation === "serializable") {
      await validateNoNewDeleteFiles(at, (file) => now.mayMatchFile(asDeletedRows(file)));
    }
    await validateNoNewDeletesFor(at, dropped);
    await validateDataFilesExist(at, marked);
    await validateNoNewVectors(at, marked);
    if (changed !== undefined || !onRead)
      await requireSameIds([...whole, ...partly.keys()], state, base, parent);
  };
}

function concat(...parts: readonly (Batches | undefined)[]): Batches | undefined {
  const given = parts.filter((part) => part !== undefined);
  if (given.length === 0) return undefined;
  return (async function* () {
    for (const part of given) yield* part;
  })();
}
