import type * as arrow from "apache-arrow";
import { LakehouseError } from "../../errors.js";
import type { ObjectStore } from "../../storage/index.js";
import { storedSchema } from "../arrow/index.js";
import { type AppendData, conformingBatches } from "../data/input.js";
import { writeDataFiles } from "../data/writer.js";
import { partitionKey } from "../deletes/delete-rules.js";
import type { Expression } from "../expressions/types.js";
import { specsById } from "../manifest/specs.js";
import type { DataFile } from "../manifest/types.js";
import { currentSchema, snapshotByRef } from "../metadata/lookup.js";
import { MAIN_BRANCH } from "../metadata/parse.js";
import type { SequenceNumber, SnapshotId, TableMetadata } from "../metadata/types.js";
import { LAST_UPDATED_SEQUENCE_NUMBER, ROW_ID } from "../row-lineage.js";
import { fileFilter } from "../scan/file-filter.js";
import { type ScanTask, TableScan } from "../scan/scan.js";
import type { Schema } from "../schema/types.js";
import type { PendingUpdate } from "../snapshot/pending.js";
import { type SnapshotChange, SnapshotProducer } from "../snapshot/producer.js";
import { selectAll, selectFiles, selectPartitions } from "../snapshot/selector.js";
import {
  type IsolationLevel,
  validateNoNewDataFiles,
  validateNoNewDeleteFiles,
  validateNoNewDeletesFor,
} from "../snapshot/validate.js";
import { textProperty } from "./properties.js";

/** What an operation works on: one version of a table. */
export interface TableState {
  readonly store: ObjectStore;
  readonly metadata: TableMetadata;
  /** Reads rows back, for operations that keep a part of a file. */
  readonly engine?: RowEngine | undefined;
  /** Where this version is one in the middle of a transaction: where that began, and the snapshots that it has made. */
  readonly transaction?: { readonly start: TableMetadata; readonly own: ReadonlySet<SnapshotId> } | undefined;
}

/** Reads rows of data files. This room writes them only; a query engine is handed in from above. */
export interface RowEngine {
  /**
   * The rows of the tasks that stay when those for which `where` is true go: a row for which it is null stays. Deletes
   * are applied. The batches have the Arrow form of `schema`, which is the table's; in v3 the row lineage columns
   * follow, as readers see them.
   */
  remainingRows(request: RemainingRows): AsyncIterable<arrow.RecordBatch>;
}

export interface RemainingRows {
  readonly store: ObjectStore;
  readonly metadata: TableMetadata;
  readonly tasks: readonly ScanTask[];
  readonly where: Expression;
  readonly schema: Schema;
}

export interface SnapshotOptions {
  /** The branch to commit to. Default `main`. It is made where it does not exist. */
  readonly branch?: string | undefined;
  /** More keys for the snapshot's summary. */
  readonly summary?: Readonly<Record<string, string>> | undefined;
  /** Write-audit-publish: the snapshot is added under this `wap.id`, and no branch moves until it is cherry-picked. */
  readonly wapId?: string | undefined;
}

export interface AppendOptions extends SnapshotOptions {
  /** True writes a manifest of its own and merges none: the quickest commit, at the price of more manifests to read. */
  readonly fast?: boolean | undefined;
}

export interface OverwriteOptions extends SnapshotOptions {
  /** Default: the table property `write.delete.isolation-level`, and without it `serializable`. */
  readonly isolation?: IsolationLevel | undefined;
  /** Commits after this snapshot are checked for conflicts. Default: the snapshot that the operation starts on. */
  readonly validateFrom?: SnapshotId | undefined;
  readonly caseSensitive?: boolean | undefined;
}

/** A snapshot to be committed, and the new files that are deleted when it is known not to be. */
export class FileChange implements PendingUpdate {
  readonly #store: ObjectStore;
  readonly #files: readonly DataFile[];
  readonly #producer: SnapshotProducer;

  constructor(state: TableState, change: SnapshotChange, options: SnapshotOptions) {
    const { branch, summary, wapId } = options;
    this.#store = state.store;
    this.#files = [...(change.addedDataFiles ?? []), ...(change.addedDeleteFiles ?? [])];
    this.#producer = new SnapshotProducer(state.store, state.metadata, {
      ...change,
      branch,
      stage: wapId !== undefined,
      summary: { ...change.summary, ...summary, ...(wapId === undefined ? {} : { "wap.id": wapId }) },
    });
  }

  get snapshotId(): SnapshotId {
    return this.#producer.snapshotId;
  }

  propose(base: TableMetadata): ReturnType<SnapshotProducer["propose"]> {
    return this.#producer.propose(base);
  }

  async settle(committed: TableMetadata | undefined): Promise<void> {
    await this.#producer.settle(committed);
    const kept = committed?.snapshots.some((snapshot) => snapshot.snapshotId === this.snapshotId);
    if (!kept) await this.#store.delete([...new Set(this.#files.map((file) => file.filePath))]);
  }
}

/** Adds rows. `undefined` when there are none. */
export async function append<Row>(
  state: TableState,
  data: AppendData<Row>,
  options: AppendOptions,
): Promise<FileChange | undefined> {
  const files = await writeRows(state, data);
  if (files.length === 0) return undefined;
  return new FileChange(state, { operation: "append", addedDataFiles: files, merge: !options.fast }, options);
}

function writeRows<Row>(state: TableState, data: AppendData<Row>): Promise<DataFile[]> {
  return writeDataFiles(state.store, state.metadata, conformingBatches(currentSchema(state.metadata), data));
}

/**
 * Takes out the rows for which `where` is true and adds the rows of `data`: copy-on-write. A file whose metrics prove
 * that all of its rows match goes whole; one that may match in part is read and written again without them.
 */
export async function overwrite<Row>(
  state: TableState,
  where: Expression,
  data: AppendData<Row> | undefined,
  options: OverwriteOptions,
): Promise<FileChange | undefined> {
  const { store, metadata } = state;
  const branch = options.branch ?? MAIN_BRANCH;
  const caseSensitive = options.caseSensitive ?? true;
  const ref = Object.hasOwn(metadata.refs, branch) ? branch : MAIN_BRANCH;
  const { tasks } = await new TableScan(store, metadata, { ref, filter: where, caseSensitive }).planAll();
  const filter = fileFilter(where, currentSchema(metadata), specsById(metadata), caseSensitive);
  const partly = tasks.filter((task) => !filter.matchesWholly(task.dataFile));
  const rewritten = partly.length === 0 ? [] : await rewrite(state, partly, where);
  const added = await writeAfter(state, rewritten, data);
  const removed = tasks.map((task) => task.dataFile);
  if (removed.length === 0 && added.length === 0) return undefined;
  const start = options.validateFrom ?? startOf(state, ref);
  const own = state.transaction?.own;
  const isolation = options.isolation ?? isolationOf(metadata);
  const change: SnapshotChange = {
    operation: (gone) =>
      gone.length === 0 ? "append" : added.length + rewritten.length === 0 ? "delete" : "overwrite",
    addedDataFiles: [...added, ...rewritten],
    removedDataFiles: removed.length === 0 ? undefined : selectFiles(removed),
    validate: async (base, parent) => {
      const since = { store, base, parent, start, own };
      // The schema may have changed since: the filter is bound to the one that holds now.
      const now = fileFilter(where, currentSchema(base), specsById(base), caseSensitive);
      if (isolation === "serializable") {
        await validateNoNewDataFiles(since, (file) => now.mayMatchFile(file));
        await validateNoNewDeleteFiles(since, (file) => now.mayMatchFile(file));
      }
      await validateNoNewDeletesFor(since, removed);
    },
  };
  return new FileChange(state, change, options);
}

/** The snapshot from which on other commits can be in conflict with an operation that begins now. */
function startOf({ metadata, transaction }: TableState, ref: string): SnapshotId | undefined {
  const start = transaction?.start ?? metadata;
  return Object.hasOwn(start.refs, ref) || ref === MAIN_BRANCH
    ? snapshotByRef(start, ref)?.snapshotId
    : start.currentSnapshotId;
}

/** Writes the new rows; when that fails, the files that were rewritten before go too. */
async function writeAfter<Row>(
  state: TableState,
  rewritten: readonly DataFile[],
  data: AppendData<Row> | undefined,
): Promise<readonly DataFile[]> {
  if (data === undefined) return [];
  try {
    return await writeRows(state, data);
  } catch (error) {
    await state.store.delete(rewritten.map((file) => file.filePath)).catch(() => {}); // the first failure is the one to report
    throw error;
  }
}

async function rewrite(
  state: TableState,
  tasks: readonly ScanTask[],
  where: Expression,
): Promise<DataFile[]> {
  const { engine, store, metadata } = state;
  if (engine === undefined) {
    throw new LakehouseError({
      code: "UNSUPPORTED_FEATURE",
      subject: tasks[0]?.dataFile.filePath ?? "",
      message: `The filter matches ${tasks.length} files in part, and there is no engine to rewrite them.`,
      remedy: "Filter by whole partitions, or open the table through the lakehouse, which brings an engine.",
    });
  }
  const table = storedSchema(currentSchema(metadata));
  const schema =
    metadata.formatVersion < 3
      ? table
      : { ...table, fields: [...table.fields, ROW_ID, LAST_UPDATED_SEQUENCE_NUMBER] };
  const rows = engine.remainingRows({ store, metadata, tasks, where, schema: table });
  return writeDataFiles(store, metadata, rows, { schema });
}

function isolationOf(metadata: TableMetadata): IsolationLevel {
  const text = textProperty(metadata, "write.delete.isolation-level").toLowerCase();
  if (text === "serializable" || text === "snapshot") return text;
  throw new LakehouseError({
    code: "INVALID_METADATA",
    subject: "write.delete.isolation-level",
    message: `Table property write.delete.isolation-level must be serializable or snapshot; it is ${JSON.stringify(text)}.`,
  });
}

/** Replaces the partitions that the new rows are in, and leaves the others alone (dynamic partition overwrite). */
export async function overwritePartitions<Row>(
  state: TableState,
  data: AppendData<Row>,
  options: OverwriteOptions,
): Promise<FileChange | undefined> {
  const { store, metadata } = state;
  const added = await writeRows(state, data);
  if (added.length === 0) return undefined;
  const keys = new Set(added.map((file) => partitionKey(file.specId, file.partition)));
  const inPartitions = (file: DataFile): boolean => keys.has(partitionKey(file.specId, file.partition));
  const specIds = new Set(added.map((file) => file.specId));
  const branch = options.branch ?? MAIN_BRANCH;
  const ref = Object.hasOwn(metadata.refs, branch) ? branch : MAIN_BRANCH;
  const start = options.validateFrom ?? startOf(state, ref);
  const own = state.transaction?.own;
  const isolation = options.isolation ?? isolationOf(metadata);
  const change: SnapshotChange = {
    operation: "overwrite",
    addedDataFiles: added,
    removedDataFiles: selectPartitions(keys, specIds),
    removedDeleteFiles: selectPartitions(keys, specIds),
    summary: { "replace-partitions": "true" },
    validate: async (base, parent) => {
      if (isolation !== "serializable") return;
      const since = { store, base, parent, start, own };
      await validateNoNewDataFiles(since, inPartitions);
      await validateNoNewDeleteFiles(since, inPartitions);
    },
  };
  return new FileChange(state, change, options);
}

/** Takes every file out of the branch, whatever others added meanwhile. */
export function truncate(state: TableState, options: SnapshotOptions): FileChange {
  return new FileChange(
    state,
    { operation: "delete", removedDataFiles: selectAll, removedDeleteFiles: selectAll },
    options,
  );
}

export interface RewriteFiles {
  /** Data files whose rows the added ones hold now. */
  readonly removedDataFiles: readonly DataFile[];
  readonly addedDataFiles: readonly DataFile[];
  readonly removedDeleteFiles?: readonly DataFile[] | undefined;
  readonly addedDeleteFiles?: readonly DataFile[] | undefined;
  /**
   * Data sequence number of the added files. Give that of the snapshot which was read: then equality deletes that came
   * in meanwhile go on to apply, and are no conflict.
   */
  readonly dataSequenceNumber?: SequenceNumber | undefined;
}

/** Replaces files without changing the table's rows: compaction. */
export function rewriteFiles(
  state: TableState,
  files: RewriteFiles,
  options: SnapshotOptions & { readonly validateFrom?: SnapshotId | undefined },
): FileChange {
  const { store } = state;
  const start = options.validateFrom ?? startOf(state, MAIN_BRANCH);
  const removedDeletes = files.removedDeleteFiles ?? [];
  return new FileChange(
    state,
    {
      operation: "replace",
      addedDataFiles: files.addedDataFiles,
      addedDeleteFiles: files.addedDeleteFiles ?? [],
      dataSequenceNumber: files.dataSequenceNumber,
      removedDataFiles: files.removedDataFiles.length === 0 ? undefined : selectFiles(files.removedDataFiles),
      removedDeleteFiles: removedDeletes.length === 0 ? undefined : selectFiles(removedDeletes),
      validate: (base, parent) =>
        validateNoNewDeletesFor(
          { store, base, parent, start, own: state.transaction?.own },
          files.removedDataFiles,
          files.dataSequenceNumber !== undefined,
        ),
    },
    options,
  );
}
