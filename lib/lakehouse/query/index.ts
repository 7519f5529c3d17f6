/**
 * SQL over tables. An embedded DuckDB reads the data files that our own planner chose: which snapshot, which files,
 * which columns by field id, and which rows are deleted, is decided here and not by it. Results are Arrow.
 */
export type { SqlValue } from "./arrow/values.js";
export type { ChangesOptions } from "./changes.js";
export { countRows } from "./count-rows.js";
export type { DuckDBOptions } from "./duckdb.js";
export type {
  ListedTable,
  QueryEngine,
  QueryEngineOptions,
  ScanRowsOptions,
  SqlOptions,
  TableRequest,
} from "./engine.js";
export { formatRecords, type ResultFormat } from "./format.js";
export { type AnsweredQuery, queries } from "./metrics.js";
export { deferQueryEngine, openQueryEngine } from "./open.js";
export { type QueriedTable, QueryResult, type SqlRow } from "./result.js";
