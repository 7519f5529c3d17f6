/**
 * Notebooks: recording from cells, running headless, telling fresh outputs from stale ones, and reading what a run
 * recorded. Content is made from `readRecorded` alone.
 */
export { dataset } from "./datasets.js";
export { notebookDone } from "./done.js";
export { type ExecuteOptions, type Execution, executeNotebook } from "./execute.js";
export { check, type PredictOptions, predict } from "./exercise.js";
export type { Fingerprint } from "./fingerprint.js";
export { type Freshness, type FreshnessState, type NotebookStatus, notebookStatus } from "./freshness.js";
export type {
  Cell,
  CellMetadata,
  CellType,
  DisplayDataOutput,
  ErrorOutput,
  ExecuteResultOutput,
  MimeBundle,
  Notebook,
  Output,
  StreamOutput,
} from "./nbformat.js";
export { parseNotebook, serializeNotebook } from "./nbformat.js";
export { type NotebookPlace, placeOf } from "./place.js";
export {
  type ColumnOptions,
  type FactOptions,
  type FigureOptions,
  fact,
  figure,
  type TableOptions,
  type TableRow,
  type TableSource,
  table,
} from "./record.js";
export {
  type CellRef,
  errorOf,
  type FactValue,
  type KitMetadata,
  RECORD_MIME,
  type RecordedCell,
  type RecordedCheck,
  type RecordedColumn,
  type RecordedFact,
  type RecordedFigure,
  type RecordedNotebook,
  type RecordedTable,
  type RunFailure,
  type RunInfo,
  readRecorded,
  recordedIn,
  type TableValue,
  VEGA_LITE_MIME,
} from "./recorded.js";
export type { CheckFunction, CheckOutcome, CheckTools } from "./recorder.js";
export { type NotebookRun, type RunOptions, type RunProgress, runNotebook } from "./runner.js";
export { type CellDiagnostic, typecheckNotebooks } from "./typecheck.js";
export { formatValue } from "./values.js";
