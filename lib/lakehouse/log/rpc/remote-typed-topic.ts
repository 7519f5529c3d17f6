import type { TypedSchema } from "../../iceberg/index.js";
import { checkOptions } from "../../options.js";
import type { AppendedTo } from "../into-batches.js";
import type { ReadTopicOptions } from "../topic.js";
import { placedRows, recordsOf } from "../typed-rows.js";
import {
  APPEND_ROWS_OPTIONS,
  type AppendRowsOptions,
  type PlacedRow,
  type TypedTopicOptions,
} from "../typed-topic.js";
import type { Remote } from "./remote-log.js";
import { RemoteTopic } from "./remote-topic.js";

/** A topic of rows that another process serves: as `TypedTopic`, which says more. */
export class RemoteTypedTopic<Row> extends RemoteTopic {
  readonly schema: TypedSchema<Row>;

  /** @internal */
  constructor(name: string, remote: Remote, options: TypedTopicOptions<Row>) {
    checkOptions("topic", options, { schema: true });
    super(name, remote);
    this.schema = options.schema;
  }

  /** Appends rows. @throws LakehouseError as `TypedTopic.appendRows`; LOG_UNAVAILABLE */
  async appendRows(rows: Row | readonly Row[], options: AppendRowsOptions<Row> = {}): Promise<AppendedTo[]> {
    checkOptions("appendRows", options, APPEND_ROWS_OPTIONS);
    const { key, timestamp, ...rest } = options;
    return this.append(await recordsOf(this.schema, rows, { key, timestamp }), rest);
  }

  /** Reads rows. @throws LakehouseError as `TypedTopic.rows`; LOG_UNAVAILABLE */
  rows(options: ReadTopicOptions = {}): AsyncGenerator<PlacedRow<Row>> {
    return placedRows(this.name, this.schema, this.read(options));
  }
}
