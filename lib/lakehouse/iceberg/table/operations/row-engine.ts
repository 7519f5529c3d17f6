import type * as arrow from "apache-arrow";
import { unsupported } from "../../../errors.js";
import type { ObjectStore } from "../../../storage/index.js";
import type { AppendData } from "../../files/data/append-data.js";
import type { IngestOptions, Source } from "../../files/data/source.js";
import type { PositionBitmap } from "../../files/deletes/position-bitmap.js";
import type { Expression, LiteralInput } from "../../model/expressions/types.js";
import type { TableMetadata } from "../../model/metadata/types.js";
import type { SortField } from "../../model/partitioning/types.js";
import type { FieldId, Schema } from "../../model/types/types.js";
import type { ScanTask, TableScan } from "../scan/scan.js";
import type { OpenStreams } from "../stream/open-streams.js";
import type { Table } from "../table.js";

/**
 * Reads rows of data files. This room writes them only; a query engine is handed in from above. Everywhere deletes
 * are applied, and a row for which `where` is null does not match.
 *
 * Rows come in the Arrow form of `schema`, which is the table's; in v3 the columns of row lineage follow, as they
 * are to be stored with rows that move (spec, "Row Lineage").
 */
export interface RowEngine {
  /** The rows of the tasks that stay when those that match go. */
  remainingRows(request: RowsRequest & Ordered): AsyncIterable<arrow.RecordBatch>;
  /** The rows of the tasks that match, with new values. */
  changedRows(request: ChangedRows): AsyncIterable<arrow.RecordBatch>;
  /** Where the rows that match stand in their files. Tasks without any are left out. */
  matchingPositions(request: RowsRequest): Promise<ReadonlyMap<ScanTask, PositionBitmap>>;
  /** Holds rows that are to be merged into a table. */
  openMerge(request: MergeRequest): Promise<RowMerge>;
  /** The rows of a scan as objects, deletes applied, as many as its limit says. */
  scanRows(table: Table, scan: TableScan): Promise<readonly Record<string, unknown>[]>;
  /** The rows of a source, as values of `schema` and in its Arrow form. */
  readSource(request: SourceRequest): AsyncIterable<arrow.RecordBatch>;
  /** Those on tables that have this engine, where it ends them before it does. */
  readonly streams?: OpenStreams | undefined;
}

export interface SourceRequest extends IngestOptions {
  /** Where paths that are URIs are looked up first. */
  readonly store: ObjectStore;
  readonly source: Source;
  /** The catalog's ref for a query that says none. */
  readonly ref?: string | undefined;
  readonly schema: Schema;
}

export interface RowsRequest {
  readonly store: ObjectStore;
  readonly metadata: TableMetadata;
  readonly tasks: readonly ScanTask[];
  readonly where: Expression;
  readonly caseSensitive?: boolean | undefined;
  readonly schema: Schema;
}

/** Rows in an order, rather than as their files have them. */
export interface Ordered {
  readonly order?: RowOrder | undefined;
}

/**
 * `sort`: by the fields, whose transforms are the identity or units of time. `z-order`: along a curve through the columns'
 * values, ranked each by itself, so that rows that are near each other in all of them are near each other.
 */
export type RowOrder =
  | { readonly kind: "sort"; readonly fields: readonly SortField[] }
  | { readonly kind: "z-order"; readonly columns: readonly FieldId[] };

/** A value for a column: a literal, or an SQL expression over the row as it was. */
export type AssignedValue = LiteralInput | null | { readonly sql: string };

/** New values by column; or a function that gives them for a row. Columns left out keep their values. */
export type Assignments<Row> =
  | { readonly [Column in keyof Row]?: Row[Column] | AssignedValue }
  | ((row: Row) => Partial<Row>);

export interface ChangedRows extends RowsRequest {
  readonly set: Assignments<Record<string, unknown>>;
}

export interface MergeRequest {
  readonly store: ObjectStore;
  readonly metadata: TableMetadata;
  readonly schema: Schema;
  /** In the Arrow form of `schema`. */
  readonly source: AsyncIterable<arrow.RecordBatch>;
  /** The key: columns of `schema`. */
  readonly on: readonly string[];
  /** Of rows with one key the one that is greatest in this column counts, of source and table. */
  readonly newest?: string | undefined;
  /** Whether null equals null in a key, or a source with a null in a key is refused. */
  readonly nullKeys: "refuse" | "match";
}

/**
 * Rows to be merged, and what they meet in the table.
 *
 * Lifecycle: `match` once; then the rows, in any order; `close`.
 */
export interface RowMerge {
  /** True for every row of the table that can have a key of the source, and for as few others as can be said shortly. */
  readonly range: Expression;
  /**
   * Finds the rows of the tasks that have a key of the source.
   *
   * @param onlyChanged passes over those that are equal to the source's row in every column. Those that the source's row is
   *   not newer than are passed over in any case.
   * @returns where they stand; tasks without any are left out.
   */
  match(tasks: readonly ScanTask[], onlyChanged: boolean): Promise<ReadonlyMap<ScanTask, PositionBitmap>>;
  /** The rows of some of the tasks without those that `match` returned. */
  remainingRows(tasks: readonly ScanTask[]): AsyncIterable<arrow.RecordBatch>;
  /** The source's rows in place of those that `match` returned. */
  updatedRows(): AsyncIterable<arrow.RecordBatch>;
  /** The source's rows that have no match. Without lineage: these are new. */
  insertedRows(): AsyncIterable<arrow.RecordBatch>;
  close(): Promise<void>;
}

/** @throws LakehouseError UNSUPPORTED_FEATURE when there is no engine. */
export function requireEngine(engine: RowEngine | undefined, subject: string): RowEngine {
  if (engine !== undefined) return engine;
  throw unsupported(
    subject,
    "Rows of data files have to be read for this change, and there is no engine for it.",
    "Filter by whole partitions, or open the table through the lakehouse, which brings an engine.",
  );
}

/** The rows of a source as those of a table. */
export function rowsOf<Row>(table: Table<Row>, source: Source<Row>, options: IngestOptions): AppendData<Row> {
  const { engine, name, store, schema } = table;
  const request = { ...options, store, schema, source: source as Source };
  return requireEngine(engine, name).readSource(request) as AppendData<Row>;
}
