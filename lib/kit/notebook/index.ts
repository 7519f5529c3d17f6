/**
 * Notebooks: recording from cells, running headless, telling fresh outputs from stale ones, and reading what a run
 * recorded. Content is made from `readRecorded` alone.
 */
export type { Fingerprint } from "./fingerprint.js";
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
