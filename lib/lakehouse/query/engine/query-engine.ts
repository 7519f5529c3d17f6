import type { RecordBatch } from "apache-arrow";
import type { Catalog } from "../../catalog/index.js";
import type { Abortable } from "../../errors.js";
import type {
  Expression,
  RowEngine,
  ScanTask,
  Schema,
  SnapshotId,
  SourceRequest,
  Table,
  TableScan,
} from "../../iceberg/index.js";
import type { FileCacheOptions, ObjectStore } from "../../storage/index.js";
import type { DuckDBOptions } from "../duckdb/open.js";
import type { InferRequest, InferredSource } from "../ingest/ingest.js";
import type { QueryResult } from "../result/query-result.js";
import type { ChangesOptions } from "../rows/changes.js";
import type { SqlParams } from "../sql/parameters.js";
import type { SqlFragment } from "../sql/template.js";

export interface TableRequest {
  /** A branch or tag of the catalog; the engine's user decides on the default. */
  readonly ref?: string | undefined;
}

/** Rows of a table that no commit has yet. */
export interface UncommittedRows {
  /** The table's, or a wider one: what the table lacks is not read. */
  readonly schema: Schema;
  readonly batches: AsyncIterable<RecordBatch>;
}

export interface QueryEngineOptions extends DuckDBOptions {
  /** Finds a table by the dotted parts of its name; `undefined` when there is none. */
  readonly resolve: (name: readonly string[], request: TableRequest) => Promise<Table | undefined>;
  /** What is listed, where views are looked up, and what statements that write change; without it there are only tables, and to read. */
  readonly lake?:
    | {
        readonly catalog: (request: TableRequest) => Catalog;
        /** Where the files of new tables go. */
        readonly store: ObjectStore;
      }
    | undefined;
  /**
   * The rows that a table will have beside those of a snapshot: `namespace.table.stream` reads both. `undefined` for a
   * table that is made of no stream.
   *
   * @param table with the snapshot as its current one.
   */
  readonly uncommitted?: ((table: Table) => Promise<UncommittedRows | undefined>) | undefined;
  /** Folder and size of the cache of files of stores that are not on this machine's disk. */
  readonly cache?: FileCacheOptions | undefined;
}

export interface SqlOptions extends Abortable {
  /**
   * Values for the statement's parameters: an array for `?` or `$1`, an object for `$name`. Each is a value and never
   * SQL; `SqlParameter` says which type it has. Files are left out by them as by constants.
   */
  readonly params?: SqlParams | undefined;
  /** A branch or tag of the catalog that names without `@` are looked up on. */
  readonly ref?: string | undefined;
  /** A point in time that names without a time of their own are read at; a bigint is milliseconds since the epoch. */
  readonly at?: Date | bigint | undefined;
}

/** Rows that a statement reads under a name of its caller's, which no table of the catalog has. */
export type NamedRows =
  /** A table as it is; without a snapshot it is empty. Of its rows those for which a filter is true, where one is given. */
  | { readonly table: Table; readonly filter?: Expression | undefined }
  /**
   * What a table has now and did not have then: each row as often as it is there more often, however it came (by an append,
   * an update, a rewrite of its file that changed it, or since a delete was rolled back). The snapshot may lie on another
   * line of the table's history.
   */
  | { readonly table: Table; readonly since: SnapshotId }
  /** The rows that came and went since an ancestor of the current snapshot, as `changes` has them with `net` and no key. */
  | { readonly table: Table; readonly changesSince: SnapshotId }
  /** Rows at hand, as Arrow batches of the schema's columns. */
  | { readonly schema: Schema; readonly batches: readonly RecordBatch[] };

export interface StatementOptions extends SqlOptions {
  /**
   * Rows by names of one part, which come before all else that has such a name. They have no other state: `name@ref` and
   * `name FOR …` are tables of the catalog.
   */
  readonly rows?: Readonly<Record<string, NamedRows>> | undefined;
  /**
   * True for SQL of people who need not be trusted: it reads tables and views of the lakehouse, and such views alone as do,
   * too. Files, and what DuckDB's functions tell of this machine, are INVALID_SQL.
   */
  readonly tablesOnly?: boolean | undefined;
}

/** What of a query is read as rows of a schema. */
export interface QuerySourceRequest extends SourceRequest, Pick<StatementOptions, "rows"> {}

export interface ScanRowsOptions extends Abortable {
  /**
   * A SQL predicate beside the scan's filter: any that DuckDB takes. Files are left out by what it says of single columns
   * and constants.
   */
  readonly where?: string | undefined;
  /** Rows at most; the scan's own limit when absent. */
  readonly limit?: number | undefined;
  /** Files to read in place of those that the scan would plan: what `Table.incrementalAppends` gives, say. */
  readonly tasks?: readonly ScanTask[] | undefined;
}

/** SQL over tables. `close` it when done: it holds memory and files. */
export interface QueryEngine extends RowEngine {
  /**
   * Runs one statement. Names are `namespace.table`, at any depth, with `@ref` for a branch of the catalog; state is
   * chosen with `FOR VERSION AS OF <snapshot id | 'ref'>` or `FOR TIMESTAMP AS OF '…'`; `namespace.table.snapshots`
   * and its like read metadata, and `namespace.table.changes` reads all changes up to that state, from the oldest snapshot on that the table has (see `changes`; a
   * WHERE on `_commit_snapshot_id` or `_change_ordinal` keeps it to some snapshots). `namespace.table.stream` reads a table
   * that is made of a topic with the records that no commit has yet.
   *
   * INSERT, UPDATE, DELETE, MERGE, TRUNCATE, CREATE, ALTER, DROP and COPY … TO are one commit each, on the branch that the
   * table's name or `ref` says; they answer with `Count`, of the rows that they wrote, changed or deleted.
   *
   * A SELECT may name the metadata columns of its tables: `_file`, `_pos`, `_spec_id`, `_partition`,
   * `_row_id` and `_last_updated_sequence_number`. `*` does not give them, and a table's own column of such a name comes first.
   *
   * SQL ignores case in names, tables do not: of columns that differ by it alone, the one that is spelled just so is
   * meant, where the SELECT names it itself; elsewhere they are `"a#1"` and `"A#2"`, by name and field id.
   *
   * @throws LakehouseError INVALID_SQL, with the place in the text; NO_SUCH_TABLE; NO_SUCH_SNAPSHOT; INVALID_ARGUMENT
   *   where parameters and values do not belong together.
   */
  sql(query: string | SqlFragment, options?: StatementOptions): Promise<QueryResult>;
  /**
   * The rows of a scan: its columns, in the table's own Arrow schema, where its filter is true, deletes applied, as
   * many as its limit says. Names that differ by case alone are different names.
   *
   * @throws LakehouseError OBJECT_NOT_FOUND, CORRUPT_FILE, UNSUPPORTED_FEATURE.
   */
  scan(table: Table, scan: TableScan, options?: ScanRowsOptions): Promise<QueryResult>;
  /**
   * The rows that the snapshots of a range changed: the table's columns, then `_change_type` (`INSERT`, `DELETE`,
   * and with a key `UPDATE_BEFORE` and `UPDATE_AFTER`), `_change_ordinal` (the snapshot's place in the range, from 0)
   * and `_commit_snapshot_id`. In order of snapshots; in each, by key and what goes before what comes. Rows that were
   * only written again, by copy-on-write or compaction, are no changes.
   *
   * @throws LakehouseError NO_SUCH_SNAPSHOT, also when deletes have to be compared with a snapshot that has expired;
   *   INVALID_ARGUMENT when `from` is no ancestor of `to`; and as `scan`.
   */
  changes(table: Table, options?: ChangesOptions): Promise<QueryResult>;
  /** The rows of a source; `rows` are for the names in a query. */
  readSource(request: QuerySourceRequest): ReturnType<RowEngine["readSource"]>;
  /**
   * The columns of a source, and the source to read from then on.
   *
   * @throws LakehouseError INVALID_ARGUMENT, OBJECT_NOT_FOUND, CORRUPT_FILE, INVALID_SQL.
   */
  inferSource(request: InferRequest): Promise<InferredSource>;
  /** True after `close`. */
  readonly isClosed: boolean;
  close(): Promise<void>;
}
