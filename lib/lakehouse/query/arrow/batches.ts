import type { DuckDBResult } from "@duckdb/node-api";
import duckdb from "@duckdb/node-bindings";
import * as arrow from "apache-arrow";
import { BatchSchema } from "../../parquet/index.js";
import { arrowField, gathererFor } from "./types.js";

/** Rows of a result batch, at least, except for the last: DuckDB's own chunks have 2,048 at most. */
export const BATCH_ROWS = 65_536;

/** The first batches are smaller, so that whoever shows the first rows has them soon. */
const FIRST_BATCH_ROWS = 8_192;

export interface BatchReader {
  readonly schema: arrow.Schema;
  /** Can be iterated once. */
  readonly batches: AsyncGenerator<arrow.RecordBatch, void, undefined>;
}

/**
 * Turns a streaming DuckDB result into Arrow batches, column by column, without a JavaScript value per cell.
 *
 * @param verify called at the end of the stream, before the last batch is given: it throws when the end came too early.
 */
export function readBatches(result: DuckDBResult, verify: () => Promise<void>): BatchReader {
  const types = result.columnTypes();
  const gatherers = types.map((type) => gathererFor(type));
  const names = result.deduplicatedColumnNames();
  const fields = gatherers.map((gatherer, i) => {
    const type = types[i];
    const name = names[i] ?? `column${i}`;
    return type ? arrowField(name, type, gatherer) : new arrow.Field(name, gatherer.type, true);
  });
  const schema = new BatchSchema(fields);
  const struct = new arrow.Struct(fields);

  const finish = (length: number) => {
    const children = gatherers.map((gatherer) => gatherer.finish());
    return new arrow.RecordBatch(schema, arrow.makeData({ type: struct, length, nullCount: 0, children }));
  };

  async function* batches(): AsyncGenerator<arrow.RecordBatch, void, undefined> {
    let rows = 0;
    let target = FIRST_BATCH_ROWS;
    for (;;) {
      const chunk = await result.fetchChunk();
      const count = chunk?.rowCount ?? 0;
      if (!chunk || count === 0) break;
      gatherers.forEach((gatherer, i) => {
        gatherer.append(duckdb.data_chunk_get_vector(chunk.chunk, i), 0, count);
      });
      rows += count;
      if (rows < target) continue;
      yield finish(rows);
      rows = 0;
      target = BATCH_ROWS;
    }
    await verify();
    if (rows > 0) yield finish(rows);
  }

  return { schema, batches: batches() };
}
