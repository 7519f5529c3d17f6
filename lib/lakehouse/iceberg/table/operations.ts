import { type AppendData, conformingBatches } from "../data/input.js";
import { writeDataFiles } from "../data/writer.js";
import { isGlobal, partitionKey } from "../deletes/delete-rules.js";
import type { DataFile } from "../manifest/types.js";
import { currentSchema } from "../metadata/lookup.js";
import type { SequenceNumber } from "../metadata/types.js";
import { deleteScope } from "../scan/delete-scope.js";
import type { SnapshotChange } from "../snapshot/producer.js";
import { type FileSelector, selectAll, selectFiles, selectPartitions } from "../snapshot/selector.js";
import {
  validateNoNewDataFiles,
  validateNoNewDeleteFiles,
  validateNoNewDeletesFor,
} from "../snapshot/validate.js";
import {
  FileChange,
  isolationOf,
  type OverwriteOptions,
  type SnapshotOptions,
  sinceOf,
  type TableState,
} from "./file-change.js";

export interface AppendOptions extends SnapshotOptions {
  /** True writes a manifest of its own and merges none: the quickest commit, at the price of more manifests to read. */
  readonly fast?: boolean | undefined;
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

/** Replaces the partitions that the new rows are in, and leaves the others alone (dynamic partition overwrite). */
export async function overwritePartitions<Row>(
  state: TableState,
  data: AppendData<Row>,
  options: OverwriteOptions,
): Promise<FileChange | undefined> {
  const { metadata } = state;
  const added = await writeRows(state, data);
  if (added.length === 0) return undefined;
  const keys = new Set(added.map((file) => partitionKey(file.specId, file.partition)));
  const inPartitions = (file: DataFile): boolean => keys.has(partitionKey(file.specId, file.partition));
  const specIds = new Set(added.map((file) => file.specId));
  // Of deletes without a partition, rows of other specs may still have need.
  const scope = deleteScope(metadata);
  const sinceNow = sinceOf(state, options);
  const isolation = isolationOf(metadata, "delete", options);
  const change: SnapshotChange = {
    operation: "overwrite",
    addedDataFiles: added,
    removedDataFiles: selectPartitions(keys, specIds),
    removedDeleteFiles: except(selectPartitions(keys, specIds), (file) => isGlobal(file, scope)),
    summary: { "replace-partitions": "true" },
    validate: async (base, parent) => {
      if (isolation !== "serializable") return;
      const since = sinceNow(base, parent);
      await validateNoNewDataFiles(since, inPartitions);
      await validateNoNewDeleteFiles(since, inPartitions);
    },
  };
  return new FileChange(state, change, options);
}

function except(selector: FileSelector, kept: (file: DataFile) => boolean): FileSelector {
  return { ...selector, selects: (entry) => selector.selects(entry) && !kept(entry.dataFile) };
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
  options: Pick<OverwriteOptions, "validateFrom"> & SnapshotOptions,
): FileChange {
  const since = sinceOf(state, options);
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
          since(base, parent),
          files.removedDataFiles,
          files.dataSequenceNumber !== undefined,
        ),
    },
    options,
  );
}
