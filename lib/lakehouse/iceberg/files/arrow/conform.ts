import * as arrow from "apache-arrow";
import type { Schema } from "../../model/types/types.js";
import { convertParts, partsOf } from "./convert.js";
import { makeData } from "./leaf-writer.js";
import { schemaToArrow, storedSchema } from "./schema.js";

/**
 * Brings Arrow batches into the stored columns of a schema, matched by name: casts that lose nothing are made (int to long,
 * float to double, coarser to finer time units, dictionaries and large or view layouts to plain ones), missing columns take
 * their write default or null. Throws `SCHEMA_MISMATCH` for anything else: a type that does not fit, a value that a
 * cast would change, a null in a required column, a column that the schema does not have.
 */
export function batchConformer(
  schema: Schema,
  from: arrow.Schema,
): (batch: arrow.RecordBatch) => arrow.RecordBatch {
  const target = schemaToArrow(storedSchema(schema));
  const type = new arrow.Struct(target.fields);
  const parts = partsOf(schema.fields, from.fields, "");
  let firstRow = 0;
  return (batch) => {
    const before = firstRow;
    const children = convertParts(parts, batch.data, (row) => before + row);
    firstRow += batch.numRows;
    const data = makeData({ type, length: batch.numRows, nullCount: 0, children });
    return new arrow.RecordBatch(target, data as arrow.Data<arrow.Struct>);
  };
}

/** `batchConformer` over a stream, for one whose batches share a schema. */
export async function* conformBatches(
  schema: Schema,
  batches: Iterable<arrow.RecordBatch> | AsyncIterable<arrow.RecordBatch>,
): AsyncGenerator<arrow.RecordBatch> {
  let conform: ((batch: arrow.RecordBatch) => arrow.RecordBatch) | undefined;
  for await (const batch of batches) {
    conform ??= batchConformer(schema, batch.schema);
    // Arrow makes a batch without columns' data of a table that has no rows.
    if (batch.numRows > 0) yield conform(batch);
  }
}
