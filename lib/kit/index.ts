/**
 * What a notebook's cells use: record a measurement, a time, a chart or a table by name, draw a graph of commits, ask for a
 * prediction, check an exercise, find a data set. The rest of the kit is behind the command `slh`, room by room.
 */
export { type ChartSpec, type CommitGraphOptions, commitGraph, type ShownCommit } from "./look/index.js";
export {
  type BarsOptions,
  bars,
  type CheckFunction,
  type CheckOutcome,
  type CheckTools,
  type ColumnOptions,
  check,
  dataset,
  type FactOptions,
  type FactsOptions,
  type FigureOptions,
  fact,
  facts,
  figure,
  type MeasureOptions,
  measure,
  one,
  type PredictOptions,
  predict,
  type RowsInput,
  sample,
  type TableOptions,
  type TableRow,
  type TableSource,
  type Timing,
  type TimingOptions,
  table,
  timing,
} from "./notebook/index.js";
