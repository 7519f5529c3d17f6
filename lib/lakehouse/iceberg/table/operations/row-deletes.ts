import { mapConcurrent } from "../../../concurrency.js";
import type { ObjectStore } from "../../../storage/index.js";
import { partitionKey, referencedDataFile } from "../../files/deletes/delete-rules.js";
import { isDeletionVector } from "../../files/deletes/deletion-vector.js";
import { writeDeletionVectors } from "../../files/deletes/deletion-vector-writer.js";
import type { PositionBitmap } from "../../files/deletes/position-bitmap.js";
import { writePositionDeletes } from "../../files/deletes/position-delete-writer.js";
import { PositionDeleteReader, type PositionsByFile } from "../../files/deletes/position-deletes.js";
import { type ResolvedSpec, specOf, specsById } from "../../files/manifest/specs.js";
import { dataFileLocation } from "../../files/metadata/locations.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import type { TableMetadata } from "../../model/metadata/types.js";
import type { ScanTask } from "../scan/scan.js";
import { oneOf, type TableState, type Written } from "./file-change.js";

/** Delete files to add to a table, and those whose deletes they take over. */
export interface RowDeletes {
  readonly added: readonly DataFile[];
  readonly removed: readonly DataFile[];
}

const PARALLEL_FILES = 8;

/**
 * Writes deletes of rows for merge-on-read: deletion vectors in v3; position delete files in v2, one a data file, or
 * one a partition as `write.delete.granularity` says.
 *
 * A data file has one deletion vector at most (spec, "Deletion Vectors"), so a vector holds what the file's deletes
 * held before, and takes their place. Position delete files of one data file are joined in the same way, so that
 * they do not pile up.
 *
 * @param rows positions by task; all rows of the task that are live.
 */
export async function writeRowDeletes(
  state: TableState,
  rows: ReadonlyMap<ScanTask, PositionBitmap>,
  written: Written,
): Promise<RowDeletes> {
  if (rows.size === 0) return { added: [], removed: [] };
  const { store, metadata } = state;
  const vectors = metadata.formatVersion >= 3;
  const perFile = vectors || oneOf(metadata, "write.delete.granularity", ["file", "partition"]) === "file";
  const reader = new PositionDeleteReader(store);
  const tasks = [...rows];
  const merged = await mapConcurrent(tasks, PARALLEL_FILES, async ([task, positions]) => {
    const { dataFile, deleteFiles } = task;
    const superseded = vectors
      ? deleteFiles.filter((file) => file.content === "position-deletes")
      : deleteFiles.filter((file) => perFile && isOnlyAbout(file, dataFile));
    const all = await reader.positions(dataFile, superseded);
    all.addAll(positions);
    // What holds deletes of other data files stays: a reader passes it over where there is a vector.
    return { dataFile, positions: all, removed: superseded.filter((file) => isOnlyAbout(file, dataFile)) };
  });
  const removed = merged.flatMap((each) => each.removed);
  if (vectors) {
    const uri = dataFileLocation(metadata, NO_PARTITIONS, [], `${written.operationId}-deletes.puffin`);
    return { added: written.keep(await writeDeletionVectors(store, uri, merged)), removed };
  }
  const groups = new Map<string, { first: DataFile; positions: Map<string, PositionBitmap> }>();
  for (const { dataFile, positions } of merged) {
    const key = perFile ? dataFile.filePath : partitionKey(dataFile.specId, dataFile.partition);
    const group = groups.get(key) ?? { first: dataFile, positions: new Map() };
    group.positions.set(dataFile.filePath, positions);
    groups.set(key, group);
  }
  const added = await mapConcurrent([...groups.values()], PARALLEL_FILES, async ({ first, positions }, i) => {
    const file = await writePositions(store, metadata, first, positions, `${written.operationId}-${i + 1}`);
    return written.keep(file === undefined ? [] : [file]);
  });
  return { added: added.flat(), removed };
}

function isOnlyAbout(deletes: DataFile, dataFile: DataFile): boolean {
  if (deletes.content !== "position-deletes") return false;
  return isDeletionVector(deletes) || referencedDataFile(deletes) === dataFile.filePath;
}

function writePositions(
  store: ObjectStore,
  metadata: TableMetadata,
  { specId, partition, filePath }: DataFile,
  positions: PositionsByFile,
  name: string,
): Promise<DataFile | undefined> {
  const spec = specOf(specsById(metadata), specId, filePath);
  const uri = dataFileLocation(metadata, spec, partition, `${name}-deletes.parquet`);
  return writePositionDeletes(store, uri, positions, { specId, partition });
}

/** One Puffin file holds vectors of all partitions, so it lies in none. */
const NO_PARTITIONS: ResolvedSpec = {
  spec: { specId: 0, fields: [] },
  types: [],
  struct: { type: "struct", fields: [] },
};
