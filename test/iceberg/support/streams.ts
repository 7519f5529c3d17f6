import type { Clock } from "../../../lib/lakehouse/iceberg/table/stream/clock.js";
import type { Table } from "../../../lib/lakehouse/iceberg/table/table.js";
import { readParquet } from "../../../lib/lakehouse/parquet/index.js";

/** Time that goes by when a test says so. */
export class FakeClock implements Clock {
  #now = 0;
  readonly timers = new Map<() => void, number>();

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, call: () => void): () => void {
    this.timers.set(call, this.#now + milliseconds);
    return () => this.timers.delete(call);
  }

  pass(milliseconds: number): void {
    this.#now += milliseconds;
    for (const [call, at] of [...this.timers]) if (at <= this.#now && this.timers.delete(call)) call();
  }
}

/** The rows of a table whose columns are no lists and no structs, as they are stored. */
export async function rowsIn<Row>(table: Table<Row>): Promise<Record<string, unknown>[]> {
  const { tasks } = await table.scan().planAll();
  const rows: Record<string, unknown>[] = [];
  for (const { dataFile } of tasks) {
    const { rowCount, columns } = await readParquet(table.store, dataFile.filePath);
    for (let i = 0; i < rowCount; i++)
      rows.push(Object.fromEntries(columns.map(({ column, values }) => [column.path.join("."), values[i]])));
  }
  return rows;
}
