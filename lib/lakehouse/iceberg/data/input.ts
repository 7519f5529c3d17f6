import * as arrow from "apache-arrow";
import { LakehouseError } from "../../errors.js";
import type { Schema } from "../schema/types.js";

/** Rows of the schema's type, or Arrow data with its columns. */
export type AppendData<Row> =
  | arrow.Table
  | arrow.RecordBatch
  | Iterable<Row>
  | AsyncIterable<Row>
  | Iterable<arrow.RecordBatch>
  | AsyncIterable<arrow.RecordBatch>;

/** Brings any data that can be appended into Arrow batches of the schema. */
export async function* conformingBatches<Row>(
  schema: Schema,
  data: AppendData<Row>,
): AsyncGenerator<arrow.RecordBatch> {
  if (data instanceof arrow.Table) yield* data.batches;
  else if (data instanceof arrow.RecordBatch) yield data;
  else {
    for await (const item of data as AsyncIterable<unknown>) {
      if (!(item instanceof arrow.RecordBatch)) {
        throw new LakehouseError({
          code: "SCHEMA_MISMATCH",
          subject: schema.fields[0]?.name ?? "schema",
          message: "Expected Arrow record batches.",
        });
      }
      yield item;
    }
  }
}
