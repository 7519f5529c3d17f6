import { mapConcurrent, READ_CONCURRENCY } from "../../../concurrency.js";
import { checkOptions } from "../../../options.js";
import { isDeletionVector } from "../../files/deletes/deletion-vector.js";
import { PositionDeleteReader } from "../../files/deletes/position-deletes.js";
import { snapshotByRef } from "../../model/metadata/lookup.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import { type ScanTask, TableScan } from "../scan/scan.js";
import { liveFiles } from "../snapshot/live-deletes.js";
import { fileKey, selectFiles } from "../snapshot/selector.js";
import { validateDataFilesExist, validateNoNewVectors } from "../snapshot/validate.js";
import {
  FileChange,
  readRef,
  type SnapshotOptions,
  sinceOf,
  type TableState,
  Written,
} from "./file-change.js";
import { SNAPSHOT } from "./option-names.js";
import { writeRowDeletes } from "./row-deletes.js";

/**
 * Writes the position deletes of a table again, as few files as `write.delete.granularity` allows, in v3 as deletion
 * vectors; deletes of files that are gone go. Deletes that are in one file of their data file alone stay as they are.
 * `undefined` where there is nothing to do.
 */
export async function rewritePositionDeletes(
  state: TableState,
  options: SnapshotOptions,
): Promise<FileChange | undefined> {
  checkOptions("rewritePositionDeletes", options, SNAPSHOT);
  const { store, metadata } = state;
  const ref = readRef(state, options);
  const { tasks } = await new TableScan(store, metadata, { ref }).planAll();
  const all = (await liveFiles(store, metadata, snapshotByRef(metadata, ref), "deletes"))
    .map(({ file }) => file)
    .filter(isPositions);
  const isVectors = metadata.formatVersion >= 3;
  const byFile = new Map<string, ScanTask[]>();
  for (const task of tasks)
    for (const file of task.deleteFiles.filter(isPositions))
      byFile.set(fileKey(file), [...(byFile.get(fileKey(file)) ?? []), task]);
  const isWorth = (task: ScanTask): boolean => task.deleteFiles.filter(isPositions).length > 1 || isVectors;
  const taken = new Set<string>();
  const rewritten = new Set<ScanTask>();
  // A file goes when the deletes of all of its data files are written anew: so with each, those that share a file with it.
  const take = (task: ScanTask): void => {
    if (rewritten.has(task)) return;
    rewritten.add(task);
    for (const file of task.deleteFiles.filter(isPositions)) {
      if (taken.has(fileKey(file))) continue;
      taken.add(fileKey(file));
      for (const other of byFile.get(fileKey(file)) ?? []) take(other);
    }
  };
  for (const task of tasks) if (task.deleteFiles.some(isPositions) && isWorth(task)) take(task);
  const removed = all.filter((file) => taken.has(fileKey(file)) || !byFile.has(fileKey(file)));
  if (removed.length === 0) return undefined;
  const written = new Written(store);
  return written.guard(async () => {
    const reader = new PositionDeleteReader(store);
    const tasks = [...rewritten];
    const positions = await mapConcurrent(tasks, READ_CONCURRENCY, async (task) => {
      const deletes = task.deleteFiles.filter(isPositions);
      return [task, await reader.positions(task.dataFile, deletes)] as const;
    });
    const { added } = await writeRowDeletes(state, new Map(positions), written);
    const paths = new Set([...rewritten].map(({ dataFile }) => dataFile.filePath));
    const since = sinceOf(state, options);
    return new FileChange(
      state,
      {
        operation: "replace",
        addedDeleteFiles: added,
        removedDeleteFiles: selectFiles(removed),
        validate: async (base, parent) => {
          await validateDataFilesExist(since(base, parent), paths);
          await validateNoNewVectors(since(base, parent), paths);
        },
      },
      options,
    );
  });
}

function isPositions(file: DataFile): boolean {
  return file.content === "position-deletes" && !isDeletionVector(file);
}
