import type { RecordBatch } from "apache-arrow";
import { rowsToBatches, type Schema, validateRow } from "../../iceberg/index.js";
import { schemaMismatch } from "../../parquet/index.js";
import { BadValue } from "../schemas/schema.js";
import type { BadRecord, RecordDecoder } from "./decode.js";
import type { JudgeRows } from "./options.js";
import type { Chunk } from "./topic-source.js";

/**
 * Records as rows of a table, whose schemas the decoder was asked for.
 *
 * @param bad gets those that become no row.
 * @param judge looks at those that could.
 */
export async function rowBatches(
  decoder: RecordDecoder,
  schema: Schema,
  { partition, records }: Chunk,
  bad: BadRecord[],
  judge?: JudgeRows,
): Promise<RecordBatch[]> {
  const rows = decoder.decode(partition, records);
  const good = rows.filter((row): row is Record<string, unknown> => !(row instanceof BadValue));
  const reasons = new Map<number, string>();
  for (const [i, row] of rows.entries()) if (row instanceof BadValue) reasons.set(i, row.reason);
  let batches: RecordBatch[];
  try {
    batches = await collect(rowsToBatches(schema, good));
  } catch (error) {
    if (!schemaMismatch.is(error)) throw error;
    // One does not fit: which ones is looked for only then.
    const fitting = rows.filter((row, i): row is Record<string, unknown> => {
      const reason = row instanceof BadValue ? row.reason : misfit(schema, row);
      if (reason !== undefined) reasons.set(i, reason);
      return reason === undefined;
    });
    batches = await collect(rowsToBatches(schema, fitting));
  }
  if (judge !== undefined) {
    const places = [...rows.keys()].filter((i) => !reasons.has(i));
    const judged = places.map((i) => rows[i] as Record<string, unknown>);
    const refused = await judge(schema, judged);
    for (const [n, reason] of refused) reasons.set(places[n] as number, reason);
    if (refused.size > 0)
      batches = await collect(
        rowsToBatches(
          schema,
          judged.filter((_, n) => !refused.has(n)),
        ),
      );
  }
  for (const [i, reason] of reasons)
    bad.push({ partition, record: records[i] as (typeof records)[number], reason });
  return batches;
}

async function collect(items: AsyncIterable<RecordBatch>): Promise<RecordBatch[]> {
  const all: RecordBatch[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function misfit(schema: Schema, row: Record<string, unknown>): string | undefined {
  try {
    validateRow(schema, row);
    return undefined;
  } catch (error) {
    if (schemaMismatch.is(error)) return error.message;
    throw error;
  }
}
