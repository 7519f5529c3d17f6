import { invalidArgument } from "../errors.js";
import type { TypedSchema } from "../iceberg/index.js";
import { checkOptions } from "../options.js";
import type { LogCore } from "./core.js";
import type { AppendedTo } from "./into-batches.js";
import type { NewRecord } from "./records/batch-builder.js";
import type { TopicTables } from "./tables/topic-tables.js";
import { type AppendRecordsOptions, type ReadTopicOptions, Topic } from "./topic.js";
import type { NewTopicOptions } from "./topics.js";

export interface TypedTopicOptions<Row> {
  readonly schema: TypedSchema<Row>;
}

export interface NewTypedTopicOptions<Row> extends NewTopicOptions, TypedTopicOptions<Row> {}

export interface AppendRowsOptions<Row> extends AppendRecordsOptions {
  /** The key of a row's record: rows of one key are in one partition, in their order. None where not given. */
  readonly key?: ((row: Row) => NewRecord["key"]) | undefined;
  /** Whole milliseconds since the epoch; the time of the call where not given. */
  readonly timestamp?: ((row: Row) => number) | undefined;
}

/** A row, and where it is in its topic. */
export interface PlacedRow<Row> {
  readonly partition: number;
  readonly offset: bigint;
  /** Milliseconds since the epoch. */
  readonly timestamp: bigint;
  readonly row: Row;
}

/**
 * A topic of rows: each value is a JSON object of the schema's columns, which any client of the topic reads.
 *
 * @example
 * const flights = await lake.log.createTopic("flights", { schema });
 * await flights.appendRows([{ origin: "HNL", delay: 12 }], { key: (row) => row.origin });
 * for await (const { row } of flights.rows()) console.log(row.delay);
 */
export class TypedTopic<Row> extends Topic {
  readonly schema: TypedSchema<Row>;

  constructor(name: string, core: LogCore, tables: TopicTables, options: TypedTopicOptions<Row>) {
    checkOptions("topic", options, { schema: true });
    super(name, core, tables);
    this.schema = options.schema;
  }

  /** Appends rows. @throws LakehouseError SCHEMA_MISMATCH naming row and column, with nothing appended; as `append` */
  async appendRows(rows: Row | readonly Row[], options: AppendRowsOptions<Row> = {}): Promise<AppendedTo[]> {
    checkOptions("appendRows", options, { key: true, timestamp: true, ack: true, partition: true });
    const { key, timestamp, ...rest } = options;
    const { stringifyJson, validateRow } = await import("../iceberg/index.js");
    const { rowToJson } = await import("./schemas/json/from-columns.js");
    const all = Array.isArray(rows) ? (rows as readonly Row[]) : [rows as Row];
    const records = all.map((row, i): NewRecord => {
      validateRow(this.schema, row, i);
      return {
        key: key?.(row),
        value: jsonOf(() => stringifyJson(rowToJson(this.schema.fields, row as Record<string, unknown>)), i),
        ...(timestamp === undefined ? {} : { timestamp: timestamp(row) }),
      };
    });
    return this.append(records, rest);
  }

  /**
   * Reads rows. Long numbers come as bigints where a number does not hold them, dates and times as text.
   *
   * @throws LakehouseError SCHEMA_MISMATCH for a record that is no row; as `read`
   */
  async *rows(options: ReadTopicOptions = {}): AsyncGenerator<PlacedRow<Row>> {
    const { jsonSchemaOf } = await import("./schemas/json/from-columns.js");
    const { readSchema } = await import("./schemas/read-schema.js");
    const { stringifyJson } = await import("../iceberg/index.js");
    const { BadValue } = await import("./schemas/schema.js");
    const { schemaMismatch } = await import("../parquet/index.js");
    const text = stringifyJson(jsonSchemaOf(this.schema));
    const reader = (await readSchema("JSON", { text, references: [] })).rows();
    for await (const { partition, records } of this.read(options)) {
      const rows = reader.read(records.map(({ value }) => value ?? new Uint8Array()));
      for (const [i, { offset, timestamp }] of records.entries()) {
        const row = rows[i];
        if (row instanceof BadValue)
          throw schemaMismatch(
            this.name,
            `The record at offset ${offset} of ${this.name}/${partition} is no row: ${row.reason}.`,
            "Read it with read(), as bytes.",
          );
        yield { partition, offset, timestamp, row: row as Row };
      }
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
