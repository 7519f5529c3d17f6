/**
 * SQL over tables. An embedded DuckDB reads the data files that our own planner chose: which snapshot, which files,
 * which columns by field id, and which rows are deleted, is decided here and not by it. Results are Arrow.
 */
export type { SqlValue } from "./arrow/values.js";
export type { ChangesOptions } from "./changes.js";
export type { DuckDBOptions } from "./duckdb.js";
export {
  type ListedTable,
  openQueryEngine,
  type QueryEngine,
  type QueryEngineOptions,
  type ScanRowsOptions,
  type SqlOptions,
  type TableRequest,
} from "./engine.js";
export { formatRecords, type ResultFormat } from "./format.js";
export { type QueriedTable, QueryResult, type SqlRow } from "./result.js";
