/**
 * SQL over tables. An embedded DuckDB reads the data files that our own planner chose: which snapshot, which files,
 * which columns by field id, and which rows are deleted, is decided here and not by it. Results are Arrow.
 *
 * Folders, each using those before it alone: text, duckdb, types, arrow, result, sql, relation, rows, engine.
 */
export type { SqlValue } from "./arrow/values.js";
export type { DuckDBOptions } from "./duckdb/open.js";
export { boundPlan, type PlanNode } from "./engine/bound-plan.js";
export { countRows } from "./engine/count-rows.js";
export { defineView, type NewViewOptions } from "./engine/define-view.js";
export type {
  NamedRows,
  QueryEngine,
  QueryEngineOptions,
  QuerySourceRequest,
  ScanRowsOptions,
  SqlOptions,
  StatementOptions,
  TableRequest,
  UncommittedRows,
} from "./engine/query-engine.js";
export { kindOfFiles } from "./ingest/given.js";
export type { InferRequest, InferredSource } from "./ingest/ingest.js";
export { type AnsweredQuery, queries } from "./metrics.js";
export { deferQueryEngine, openQueryEngine } from "./open.js";
export { type FormatOptions, formatRecords, type ResultFormat } from "./result/format.js";
export type { WrittenResult } from "./result/output.js";
export { Query } from "./result/query.js";
export { type QueriedTable, QueryResult, type SqlRow } from "./result/query-result.js";
export type { ChangesOptions } from "./rows/changes.js";
export type { SqlParams } from "./sql/parameters.js";
export { identifier, SqlFragment, type SqlPart, sql, verbatim } from "./sql/template.js";
export type { SqlParameter } from "./types/values.js";
