import type { ObjectStore } from "../../../storage/index.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import { AvroFile } from "../avro/container.js";
import { compileProjection } from "../avro/decode.js";
import { type ColumnValues, corruptDeletes, type WantedColumn } from "./parquet-columns.js";

const BATCH_ROWS = 65_536;

/**
 * Reads columns of a delete file in Avro, found by field id, else by name. The file is held in memory: an Avro file is
 * no longer than what a writer held, too.
 *
 * @returns per batch of rows, one array of values for each wanted column, in their order
 * @throws OBJECT_NOT_FOUND; CORRUPT_FILE, also when a column is missing
 */
export async function* readAvroDeleteColumns(
  store: ObjectStore,
  { filePath, recordCount }: Pick<DataFile, "filePath" | "recordCount">,
  wanted: readonly Required<WantedColumn>[],
): AsyncGenerator<ColumnValues[]> {
  const file = new AvroFile(await store.read(filePath), filePath);
  const schema = file.schema();
  if (schema.kind !== "record") throw corruptDeletes(filePath, "it holds no records");
  for (const { id, name } of wanted) {
    if (!schema.fields.some((field) => field.fieldId === id || field.name === name)) {
      throw corruptDeletes(filePath, `it has no column with field id ${id}`);
    }
  }
  let columns = wanted.map((): unknown[] => []);
  let rows = 0n;
  for (const record of file.iterate(compileProjection(schema, wanted))) {
    rows++;
    for (const [i, column] of columns.entries()) column.push((record as readonly unknown[])[i]);
    if (columns[0]?.length !== BATCH_ROWS) continue;
    yield columns;
    columns = wanted.map(() => []);
  }
  yield columns;
  // Avro has no footer: a file that was cut between two blocks shows in its rows alone.
  if (rows < recordCount)
    throw corruptDeletes(filePath, `it has ${rows} deletes, and its manifest says ${recordCount}`);
}
