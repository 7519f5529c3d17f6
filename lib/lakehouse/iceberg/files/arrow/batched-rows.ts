// By itself, without Arrow: whoever only asks for a query should not have to load it.
import type * as arrow from "apache-arrow";

/**
 * Under this name rows of a query have the Arrow batches that they are made of. Whoever takes rows can take these instead,
 * as long as nobody sees a difference.
 */
export const ROW_BATCHES: unique symbol = Symbol.for("sololakehouse.row-batches");

/** Rows that lie in Arrow batches. */
export interface RowBatches {
  readonly schema: arrow.Schema;
  /** Can be read once. */
  readonly batches: AsyncIterable<arrow.RecordBatch>;
  /** The rows of a batch of the schema, as objects. */
  rows(schema: arrow.Schema, batch: arrow.RecordBatch): Iterable<unknown>;
  /** The values that the rows of a batch have in a column. */
  values(field: arrow.Field, data: arrow.Data): (row: number) => unknown;
}

export interface BatchedRows {
  [ROW_BATCHES](): Promise<RowBatches>;
}

export function isBatchedRows(data: unknown): data is BatchedRows {
  return typeof data === "object" && data !== null && ROW_BATCHES in data;
}
