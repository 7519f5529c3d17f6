import type * as arrow from "apache-arrow";

/** Rows of the schema's type, or Arrow data with its columns. The rows of a query's result are taken in its Arrow batches. */
export type AppendData<Row> =
  | arrow.Table
  | arrow.RecordBatch
  | Iterable<Row>
  | AsyncIterable<Row>
  | Iterable<arrow.RecordBatch>
  | AsyncIterable<arrow.RecordBatch>;

/** True for data that can be read again from its beginning: neither a generator nor a stream. */
export function isRereadable<Row>(data: AppendData<Row>): boolean {
  if (typeof data !== "object" || data === null || !(Symbol.iterator in data)) return false;
  return !(Symbol.asyncIterator in data) && data[Symbol.iterator]() !== (data as unknown);
}
