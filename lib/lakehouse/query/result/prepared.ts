import type { Schema } from "../../iceberg/index.js";

/** A user's query that DuckDB can run. */
export interface PreparedQuery {
  /** A byte string. */
  readonly bytes: string;
  /** Maps a position in `bytes` to one of the text as the user wrote it. */
  readonly original: (position: number) => number;
  /** Names of columns that the result shall have, by those that they have in SQL. */
  readonly renamed?: ReadonlyMap<string, string> | undefined;
}

/** What stands for a table in a statement; its schema where it is one of the lakehouse, or its changes. */
export interface TableSql {
  readonly sql: string;
  readonly schema?: Schema | undefined;
}
