import * as arrow from "apache-arrow";
import { refuseUnsigned, requireAligned } from "../../../parquet/index.js";
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
  target: arrow.Schema = schemaToArrow(storedSchema(schema)),
): (batch: arrow.RecordBatch, firstRow?: number) => arrow.RecordBatch {
  const type = new arrow.Struct(target.fields);
  const parts = partsOf(schema.fields, from.fields, "");
  return (batch, firstRow = 0) => {
    const children = convertParts(parts, batch.data, (row) => firstRow + row);
    const data = makeData({ type, length: batch.numRows, nullCount: 0, children });
    return new arrow.RecordBatch(target, data as arrow.Data<arrow.Struct>);
  };
}

/** `batchConformer` over a stream. Its batches may be of several files: each has its own columns, in its own order. */
export async function* conformBatches(
  schema: Schema,
  batches: Iterable<arrow.RecordBatch> | AsyncIterable<arrow.RecordBatch>,
): AsyncGenerator<arrow.RecordBatch> {
  const target = schemaToArrow(storedSchema(schema));
  let last: { readonly from: arrow.Schema; readonly conform: ReturnType<typeof batchConformer> } | undefined;
  let firstRow = 0;
  for await (const batch of batches) {
    const { schema: from } = batch;
    if (last === undefined || !hasSameColumns(last.from, from))
      last = { from, conform: batchConformer(schema, from, target) };
    // Arrow makes a batch without columns' data of a table that has no rows.
    if (batch.numRows === 0) continue;
    requireAligned(batch);
    refuseUnsigned(batch);
    yield last.conform(batch, firstRow);
    firstRow += batch.numRows;
  }
}

/** True where it is sure: the batches of a stream have schemas of their own, with the stream's types. */
function hasSameColumns(one: arrow.Schema, other: arrow.Schema): boolean {
  return (
    one.fields.length === other.fields.length &&
    one.fields.every(({ name, type }, i) => name === other.fields[i]?.name && type === other.fields[i]?.type)
  );
}
