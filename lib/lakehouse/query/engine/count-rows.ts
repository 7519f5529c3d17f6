import { type Abortable, closed, throwIfAborted } from "../../errors.js";
import { knownRows, POSITION, type Table } from "../../iceberg/index.js";
import type { QueryEngine } from "./query-engine.js";

/**
 * The rows that a reader of a table finds: deletes are applied. Metadata tells them for most tables; files of which
 * nobody knows how many rows are deleted are read, as after another engine's equality deletes.
 */
export async function countRows(
  engine: QueryEngine,
  table: Table,
  { signal }: Abortable = {},
): Promise<bigint> {
  if (engine.isClosed) throw closed("lakehouse");
  throwIfAborted(signal);
  const { rows, open } = await knownRows(table.store, table.metadata);
  if (open.length === 0) return rows;
  const scan = table.scan({ select: [POSITION.name] });
  const read = await engine.scan(table, scan, { tasks: open, signal });
  let counted = rows;
  for await (const batch of read.batches()) counted += BigInt(batch.numRows);
  return counted;
}
