import { randomUUID } from "node:crypto";
import {
  type DataFile,
  equalityDeleteSchema,
  fieldByName,
  PositionBitmap,
  readDeletionVector,
  rowsToBatches,
  type ScanTask,
  selectFiles,
  type Table,
  writeDeletionVectors,
  writeEqualityDeletes,
  writePositionDeletes,
} from "../../lib/lakehouse/iceberg/index.js";
import { readParquet } from "../../lib/lakehouse/parquet/index.js";

/** Deletes rows by id, merge-on-read: with position deletes, or in v3 with deletion vectors. */
export async function deleteOnRead(table: Table, ids: readonly number[]): Promise<Table> {
  const { tasks } = await table.scan().planAll();
  const hits: { task: ScanTask; positions: PositionBitmap }[] = [];
  for (const task of tasks) {
    const { columns } = await readParquet(table.store, task.dataFile.filePath, { columns: ["id"] });
    const found = (columns[0]?.values ?? []).flatMap((id, at) => (ids.includes(Number(id)) ? [at] : []));
    if (found.length > 0) hits.push({ task, positions: PositionBitmap.from(found) });
  }
  const uri = (extension: string) => `${table.location}/data/${randomUUID()}-deletes.${extension}`;
  if (table.metadata.formatVersion >= 3) {
    const before = hits.flatMap(({ task }) => task.deleteFiles);
    for (const { task, positions } of hits) {
      for (const file of task.deleteFiles) positions.addAll(await readDeletionVector(table.store, file));
    }
    const deletes = hits.map(({ task, positions }) => ({ dataFile: task.dataFile, positions }));
    return table.commitFiles({
      operation: "delete",
      addedDeleteFiles: await writeDeletionVectors(table.store, uri("puffin"), deletes),
      removedDeleteFiles: before.length === 0 ? undefined : selectFiles(before),
    });
  }
  const files: DataFile[] = [];
  for (const { task, positions } of hits) {
    const byFile = new Map([[task.dataFile.filePath, positions]]);
    const file = await writePositionDeletes(table.store, uri("parquet"), byFile, task.dataFile);
    if (file) files.push(file);
  }
  return table.commitFiles({ operation: "delete", addedDeleteFiles: files });
}

/** Deletes the rows that equal one of those given in their columns, wherever they are: what a stream would write. */
export async function deleteByEquality(
  table: Table,
  rows: readonly Readonly<Record<string, unknown>>[],
  columns: readonly string[],
): Promise<Table> {
  const equalityIds = columns.map((name) => fieldByName(table.schema, name)?.id ?? 0);
  const batches = rowsToBatches(equalityDeleteSchema(table.schema, equalityIds), rows);
  const file = await writeEqualityDeletes(
    table.store,
    `${table.location}/data/${randomUUID()}-equality-deletes.parquet`,
    batches,
    { schema: table.schema, equalityIds, specId: table.spec.specId, partition: [] },
  );
  return table.commitFiles({ operation: "delete", addedDeleteFiles: file === undefined ? [] : [file] });
}
