import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { alwaysTrue, type ScanTask, type Table, writeDataFiles } from "../../iceberg/index.js";
import { fileUri, LocalStore } from "../../storage/index.js";
import type { Use } from "../result/use.js";
import type { UncommittedRows } from "./query-engine.js";

/**
 * Rows that a table will have, as data files that are gone with the query: they are read as committed ones are, and no
 * delete reaches them.
 *
 * @param scratch a folder of this process.
 */
export async function uncommittedTasks(
  { metadata }: Pick<Table, "metadata">,
  { schema, batches }: UncommittedRows,
  scratch: string,
  use: Use,
): Promise<ScanTask[]> {
  const folder = join(scratch, randomUUID());
  use.onRelease(() => void rm(folder, { recursive: true, force: true }));
  const spec = { specId: Math.max(...metadata.partitionSpecs.map(({ specId }) => specId)) + 1, fields: [] };
  const { currentSchemaId } = metadata;
  const others = metadata.schemas.filter(({ schemaId }) => schemaId !== currentSchemaId);
  const files = await writeDataFiles(
    new LocalStore(folder),
    {
      ...metadata,
      location: fileUri(folder),
      properties: { "write.parquet.compression-codec": "uncompressed" },
      schemas: [...others, { ...schema, schemaId: currentSchemaId }],
      partitionSpecs: [spec],
      defaultSpecId: spec.specId,
      sortOrders: [{ orderId: 0, fields: [] }],
      defaultSortOrderId: 0,
    },
    batches,
  );
  const sequenceNumber = metadata.lastSequenceNumber + 1n;
  return files.map((dataFile) => ({
    dataFile,
    deleteFiles: [],
    residual: alwaysTrue,
    spec,
    sequenceNumber,
  }));
}
