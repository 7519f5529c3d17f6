import type { CreateOrReplaceOptions, CreateTableOptions, LogRequest } from "./catalog/index.js";
import type { IngestOptions, TypedSchema } from "./iceberg/index.js";
import type { OptionNames } from "./options.js";
import type { SqlOptions } from "./query/index.js";

export interface NewTableOptions<Row> extends CreateTableOptions<Row> {
  /**
   * When there is a table of that name: `fail` with TABLE_EXISTS (the default), `keep` the one there is, or
   * `replace` it by a new, empty one, whose files go too.
   */
  readonly ifExists?: "fail" | "keep" | "replace";
}

export interface CreateTableAsOptions<Row = Record<string, unknown>>
  extends Omit<CreateOrReplaceOptions<Row>, "schema" | "data" | "engine" | "ifExists">,
    IngestOptions,
    Pick<NewTableOptions<Row>, "ifExists"> {
  /** The table's schema; what `inferSchema` says where not given. */
  readonly schema?: CreateOrReplaceOptions<Row>["schema"] | undefined;
}

/** How a table is opened. */
export interface TableOptions<Row = Record<string, unknown>> {
  /** What the table's schema has to be, ids, docs and defaults apart. It gives the row type. */
  readonly schema?: TypedSchema<Row> | undefined;
}

/** Which commits of a log to show, and how many at most: 100 where not given. */
export interface CommitsRequest extends Omit<LogRequest, "pageSize" | "pageToken"> {
  readonly limit?: number;
}

export const SQL_OPTIONS: OptionNames<SqlOptions> = { params: true, ref: true, at: true, signal: true };

const TABLE = {
  schema: true,
  partitionSpec: true,
  sortOrder: true,
  properties: true,
  formatVersion: true,
  ifExists: true,
} as const;

export const NEW_TABLE_OPTIONS: OptionNames<NewTableOptions<unknown>> = {
  ...TABLE,
  location: true,
  tableUuid: true,
};

const INGEST: OptionNames<IngestOptions> = { cast: true, extraFields: true, missingFields: true };

export const CREATE_TABLE_AS_OPTIONS: OptionNames<CreateTableAsOptions<unknown>> = { ...TABLE, ...INGEST };
