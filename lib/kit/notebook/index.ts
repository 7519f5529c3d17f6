/**
 * Notebooks: recording from cells, running headless, telling fresh outputs from stale ones, and reading what a run
 * recorded. Content is made from `readRecorded` alone.
 */
export { type BarsOptions, bars } from "./cell/bars.js";
export { dataset } from "./cell/datasets.js";
export { check, type PredictOptions, predict } from "./cell/exercise.js";
export { type FactsOptions, facts } from "./cell/facts.js";
export {
  type ColumnOptions,
  type FactOptions,
  type FigureOptions,
  fact,
  figure,
  sample,
  type TableOptions,
  table,
} from "./cell/record.js";
export type { CheckFunction, CheckOutcome, CheckTools } from "./cell/recorder.js";
export {
  one,
  type RowsInput,
  type TableRow,
  type TableSource,
} from "./cell/rows.js";
export {
  type MeasureOptions,
  measure,
  type Timing,
  type TimingOptions,
  timing,
} from "./cell/timing.js";
export { formatValue } from "./cell/values.js";
export { notebookDone } from "./done.js";
export { compareProfiles, type ProfileFact, profileProblems } from "./file/compare-profiles.js";
export { BOOKKEEPING, isFolded } from "./file/fold.js";
export type { CellRef, Fingerprint, KitMetadata, RunFailure, RunInfo } from "./file/metadata.js";
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
} from "./file/nbformat.js";
export { parseNotebook, serializeNotebook } from "./file/nbformat.js";
export {
  errorOf,
  type FactValue,
  RECORD_MIME,
  type RecordedCell,
  type RecordedCheck,
  type RecordedColumn,
  type RecordedFact,
  type RecordedFigure,
  type RecordedNotebook,
  type RecordedSample,
  type RecordedTable,
  type RecordKind,
  type RepeatedName,
  readRecorded,
  recordedIn,
  type TableValue,
  VEGA_LITE_MIME,
} from "./file/recorded.js";
export type { MadeFrom, StackFact, StackFacts } from "./file/stack-facts.js";
export { readNotebook, writeNotebook } from "./file/store.js";
export {
  type Freshness,
  type FreshnessState,
  type FreshOutputs,
  freshOutputs,
  type NotebookStatus,
  notebookStatus,
} from "./fresh/freshness.js";
export { type NotebookPlace, placeOf } from "./fresh/place.js";
export { steadily } from "./fresh/remembered.js";
export { type OnStack, onStack } from "./fresh/stack-freshness.js";
export type {
  LanguageCell,
  LanguageComplaint,
  LanguageCompletions,
  LanguageHover,
  LanguageQuestion,
} from "./kernel/language.js";
export { kernelArguments, kernelEnvironment, kernelSpec } from "./kernel/spec.js";
export type { CellDiagnostic } from "./kernel/typecheck.js";
export { type ExecuteOptions, type Execution, executeNotebook } from "./run/execute.js";
export { type AnswerOf, LanguageService } from "./run/language.js";
export { type NotebookRun, type RunOptions, type RunProgress, runNotebook } from "./run/runner.js";
export { terminalText } from "./run/terminal-text.js";
export { typecheckNotebooks } from "./run/typecheck.js";
