import * as arrow from "apache-arrow";
import { invalidArgument } from "../../../errors.js";
import type { Schema } from "../../model/types/types.js";
import { describeValue } from "../../model/values/canonical.js";
import { isBatchedRows, ROW_BATCHES } from "../arrow/batched-rows.js";
import { conformBatches } from "../arrow/conform.js";
import { rowBatchesToBatches } from "../arrow/row-batches.js";
import { rowsToBatches } from "../arrow/rows.js";
import type { AppendData } from "./append-data.js";

/**
 * Brings any data that can be appended into Arrow batches of the schema's stored columns. The first item tells rows
 * from batches; those of a query's result are taken in its batches.
 *
 * @throws LakehouseError SCHEMA_MISMATCH naming row, column, expected and found; INVALID_ARGUMENT for no such data.
 */
export async function* conformingBatches<Row>(
  schema: Schema,
  data: AppendData<Row>,
): AsyncGenerator<arrow.RecordBatch> {
  if (data instanceof arrow.Table) {
    yield* conformBatches(schema, data.batches);
    return;
  }
  if (data instanceof arrow.RecordBatch) {
    yield* conformBatches(schema, [data]);
    return;
  }
  if (isBatchedRows(data)) {
    yield* rowBatchesToBatches(schema, await data[ROW_BATCHES]());
    return;
  }
  requireIterable(data);
  // Synchronous data stays so: awaiting each row would cost more than converting it.
  if (Symbol.iterator in data) {
    const items = (data as Iterable<unknown>)[Symbol.iterator]();
    try {
      const first = items.next();
      if (!first.done) yield* batchesOf(schema, first.value, chain(first.value, items));
    } finally {
      items.return?.();
    }
    return;
  }
  const items = (data as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  try {
    const first = await items.next();
    if (!first.done) yield* batchesOf(schema, first.value, chainAsync(first.value, items));
  } finally {
    // A source that is a stream or a query result is to be told that nobody reads on.
    await items.return?.();
  }
}

/** Types do not hold in JavaScript, where one row alone, or a promise of rows, is soon given. */
function requireIterable(data: unknown): void {
  if (typeof data === "object" && data !== null && (Symbol.iterator in data || Symbol.asyncIterator in data))
    return;
  throw invalidArgument(
    "data",
    `Expected rows or Arrow data, found ${describeValue(data)}.`,
    "Give an array or another iterable of rows, an Arrow table or its batches.",
  );
}

function batchesOf(
  schema: Schema,
  first: unknown,
  all: Iterable<unknown> | AsyncIterable<unknown>,
): AsyncGenerator<arrow.RecordBatch> {
  return first instanceof arrow.RecordBatch
    ? conformBatches(schema, all as Iterable<arrow.RecordBatch>)
    : rowsToBatches(schema, all);
}

function* chain(first: unknown, rest: Iterator<unknown>): Generator<unknown> {
  yield first;
  for (let next = rest.next(); !next.done; next = rest.next()) yield next.value;
}

async function* chainAsync(first: unknown, rest: AsyncIterator<unknown>): AsyncGenerator<unknown> {
  yield first;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}
