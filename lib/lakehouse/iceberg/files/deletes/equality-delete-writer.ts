import type { RecordBatch } from "apache-arrow";
import { openParquetWriter, type ParquetWriter } from "../../../parquet/index.js";
import type { ObjectStore } from "../../../storage/index.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import type { PartitionTuple, SpecId } from "../../model/partitioning/types.js";
import type { FieldId, Schema } from "../../model/types/types.js";
import { schemaToArrow } from "../arrow/schema.js";
import { dataFileOf } from "../data/data-file.js";
import type { MetricsMode } from "../data/metrics.js";
import { equalityDeleteSchema } from "./equality-schema.js";

/** Whole bounds: they tell which data files the deletes cannot touch. */
const FULL: MetricsMode = { mode: "full" };

/** Which rows an equality delete file is about. */
export interface EqualityDeleteTarget {
  /** The table's schema. */
  readonly schema: Schema;
  /** The delete columns. */
  readonly equalityIds: readonly FieldId[];
  /** An unpartitioned spec makes the deletes global; any other holds them to its partition. */
  readonly specId: SpecId;
  readonly partition: PartitionTuple;
}

/**
 * Writes an equality delete file (spec, "Equality Delete Files") with the delete columns alone.
 *
 * @param batches rows in the Arrow form of `equalityDeleteSchema(schema, equalityIds)`
 * @returns the manifest entry's file; `undefined`, and no file, when there are no rows
 * @throws INVALID_ARGUMENT for columns that cannot be delete columns; SCHEMA_MISMATCH for batches of another schema
 */
export async function writeEqualityDeletes(
  store: ObjectStore,
  uri: string,
  batches: AsyncIterable<RecordBatch> | Iterable<RecordBatch>,
  { schema, equalityIds, specId, partition }: EqualityDeleteTarget,
): Promise<DataFile | undefined> {
  const columns = equalityDeleteSchema(schema, equalityIds);
  let writer: ParquetWriter | undefined;
  try {
    for await (const batch of batches) {
      if (batch.numRows === 0) continue;
      writer ??= await openParquetWriter(store, uri, schemaToArrow(columns));
      await writer.write(batch);
    }
    if (writer === undefined) return undefined;
    const written = await writer.close();
    const metrics = new Map(equalityIds.map((id) => [id, FULL]));
    const file = dataFileOf(written, columns, metrics, specId, partition, undefined);
    return { ...file, content: "equality-deletes", equalityIds };
  } catch (error) {
    await writer?.abort();
    throw error;
  }
}
