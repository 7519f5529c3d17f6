/** Rows of a topic, as its records: wherever the topic is. */
import { invalidArgument } from "../errors.js";
import type { TypedSchema } from "../iceberg/index.js";
import type { NewRecord } from "./records/batch-builder.js";
import type { LogBatch } from "./topic.js";
import type { AppendRowsOptions, PlacedRow } from "./typed-topic.js";

/** @throws LakehouseError SCHEMA_MISMATCH naming row and column; INVALID_ARGUMENT */
export async function recordsOf<Row>(
  schema: TypedSchema<Row>,
  rows: Row | readonly Row[],
  { key, timestamp }: Pick<AppendRowsOptions<Row>, "key" | "timestamp">,
): Promise<NewRecord[]> {
  const { stringifyJson, validateRow } = await import("../iceberg/index.js");
  const { rowToJson } = await import("./schemas/json/from-columns.js");
  const all = Array.isArray(rows) ? (rows as readonly Row[]) : [rows as Row];
  return all.map((row, i): NewRecord => {
    validateRow(schema, row, i);
    return {
      key: key?.(row),
      value: jsonOf(() => stringifyJson(rowToJson(schema.fields, row as Record<string, unknown>)), i),
      ...(timestamp === undefined ? {} : { timestamp: timestamp(row) }),
    };
  });
}

/** @param name of the topic. @throws LakehouseError SCHEMA_MISMATCH for a record that is no row; what the batches throw */
export async function* placedRows<Row>(
  name: string,
  schema: TypedSchema<Row>,
  batches: AsyncIterable<LogBatch>,
): AsyncGenerator<PlacedRow<Row>> {
  const { jsonSchemaOf } = await import("./schemas/json/from-columns.js");
  const { readSchema } = await import("./schemas/read-schema.js");
  const { stringifyJson } = await import("../iceberg/index.js");
  const { BadValue } = await import("./schemas/schema.js");
  const { schemaMismatch } = await import("../parquet/index.js");
  const text = stringifyJson(jsonSchemaOf(schema));
  const reader = (await readSchema("JSON", { text, references: [] })).rows();
  for await (const { partition, records } of batches) {
    const rows = reader.read(records.map(({ value }) => value ?? new Uint8Array()));
    for (const [i, { offset, timestamp }] of records.entries()) {
      const row = rows[i];
      if (row instanceof BadValue)
        throw schemaMismatch(
          name,
          `The record at offset ${offset} of ${name}/${partition} is no row: ${row.reason}.`,
          "Read it with read(), as bytes.",
        );
      yield { partition, offset, timestamp, row: row as Row };
    }
  }
}

/** JSON has neither infinities nor NaN. */
function jsonOf(write: () => string, index: number): string {
  try {
    return write();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw invalidArgument(
      `row ${index}`,
      `Row ${index} has a number that JSON has not: ${error.message}.`,
      "Give a finite number, or null where the column is optional.",
    );
  }
}
