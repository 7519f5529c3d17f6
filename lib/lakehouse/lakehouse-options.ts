import type {
  CombineOptions,
  CreateOrReplaceOptions,
  CreateTableOptions,
  HistoryRequest,
  Into,
  LogRequest,
  MergeOptions,
  NewRefOptions,
  RefWriteOptions,
} from "./catalog/index.js";
import type { IngestOptions, TypedSchema } from "./iceberg/index.js";
import type { OptionNames } from "./options.js";
import type { ChangesOptions, ScanRowsOptions, SqlOptions } from "./query/index.js";

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

const TABLE_CONTENTS = {
  schema: true,
  partitionSpec: true,
  sortOrder: true,
  properties: true,
  formatVersion: true,
} as const;

const TABLE = { ...TABLE_CONTENTS, ifExists: true } as const;

export const NEW_TABLE_OPTIONS: OptionNames<NewTableOptions<unknown>> = {
  ...TABLE,
  location: true,
  tableUuid: true,
};

const INGEST: OptionNames<IngestOptions> = { cast: true, extraFields: true, missingFields: true };

export const CREATE_TABLE_AS_OPTIONS: OptionNames<CreateTableAsOptions<unknown>> = {
  ...TABLE,
  ...INGEST,
  signal: true,
};

export const CREATE_OR_REPLACE_OPTIONS: OptionNames<
  Omit<CreateOrReplaceOptions<unknown>, "engine" | "ifExists">
> = { ...TABLE_CONTENTS, data: true, signal: true };

export const SCAN_ROWS_OPTIONS: OptionNames<ScanRowsOptions> = {
  where: true,
  limit: true,
  tasks: true,
  signal: true,
};

export const CHANGES_OPTIONS: OptionNames<ChangesOptions> = {
  from: true,
  to: true,
  filter: true,
  caseSensitive: true,
  on: true,
  net: true,
  signal: true,
};

export const COMMITS_REQUEST: OptionNames<CommitsRequest> = {
  author: true,
  committer: true,
  message: true,
  since: true,
  until: true,
  key: true,
  contentId: true,
  properties: true,
  matches: true,
  stopAt: true,
  limit: true,
};

export const HISTORY_REQUEST: OptionNames<HistoryRequest> = { refs: true, limit: true };

export const NEW_REF_OPTIONS: OptionNames<NewRefOptions> = { from: true, message: true };

export const REF_WRITE_OPTIONS: OptionNames<RefWriteOptions> = {
  expectedHash: true,
  author: true,
  message: true,
};

export const ROLLBACK_OPTIONS: OptionNames<RefWriteOptions & Into> = { ...REF_WRITE_OPTIONS, into: true };

export const COMBINE_OPTIONS: OptionNames<CombineOptions & Into> = {
  defaultBehavior: true,
  behaviors: true,
  dryRun: true,
  message: true,
  author: true,
  properties: true,
  into: true,
  signal: true,
};

export const MERGE_OPTIONS: OptionNames<MergeOptions & Into> = { ...COMBINE_OPTIONS, fastForward: true };
