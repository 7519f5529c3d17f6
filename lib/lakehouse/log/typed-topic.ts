import type { TypedSchema } from "../iceberg/index.js";
import { checkOptions, type OptionNames } from "../options.js";
import type { LogCore } from "./core.js";
import type { AppendedTo } from "./into-batches.js";
import type { NewRecord } from "./records/batch-builder.js";
import type { TopicTables } from "./tables/topic-tables.js";
import { type AppendRecordsOptions, type ReadTopicOptions, Topic } from "./topic.js";
import type { NewTopicOptions } from "./topics.js";
import { placedRows, recordsOf } from "./typed-rows.js";

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

export const APPEND_ROWS_OPTIONS: OptionNames<AppendRowsOptions<unknown>> = {
  key: true,
  timestamp: true,
  ack: true,
  partition: true,
};

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
    checkOptions("appendRows", options, APPEND_ROWS_OPTIONS);
    const { key, timestamp, ...rest } = options;
    const records = await recordsOf(this.schema, rows, { key, timestamp });
    return this.append(records, rest);
  }

  /**
   * Reads rows. Long numbers come as bigints where a number does not hold them, dates and times as text.
   *
   * @throws LakehouseError SCHEMA_MISMATCH for a record that is no row; as `read`
   */
  async *rows(options: ReadTopicOptions = {}): AsyncGenerator<PlacedRow<Row>> {
    yield* placedRows(this.name, this.schema, this.read(options));
  }
}
