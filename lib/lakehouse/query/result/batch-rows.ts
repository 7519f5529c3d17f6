import type * as arrow from "apache-arrow";
import { valueReader } from "../arrow/values.js";

/** The rows of a batch as objects, keys in the schema's order. */
export function* batchRows<Row extends object>(
  schema: arrow.Schema,
  batch: arrow.RecordBatch,
): Generator<Row, void, undefined> {
  const names = schema.fields.map(({ name }) => name);
  const readers = schema.fields.map((field, i) => valueReader(field, batch.data.children[i] as arrow.Data));
  // Assigned, a column of this name would be the object's prototype.
  const assignable = !names.includes("__proto__");
  for (let row = 0; row < batch.numRows; row++) {
    if (!assignable) {
      yield Object.fromEntries(names.map((name, i) => [name, readers[i]?.(row) ?? null])) as Row;
      continue;
    }
    const values: Record<string, unknown> = {};
    for (let i = 0; i < names.length; i++) values[names[i] as string] = readers[i]?.(row) ?? null;
    yield values as Row;
  }
}
