/** Data files: Arrow batches split by partition, sorted, written as Parquet, and described with their metrics. */
export { dataFileOf } from "./data-file.js";
export type { AppendData } from "./input.js";
export {
  fileMetrics,
  type MetricsConfig,
  type MetricsMode,
  metricsConfig,
  parseMetricsMode,
} from "./metrics.js";
export {
  fitParquet,
  type ParquetDoubt,
  type ParquetFitOptions,
  type ParquetFitting,
  type ParquetMisfit,
} from "./parquet-fit.js";
export { hasFieldIds, withMappedIds } from "./parquet-ids.js";
export { expectedTypeText, type ParquetFit, parquetFit, parquetTypeText } from "./parquet-types.js";
export { type DataWriteOptions, writeDataFiles } from "./writer.js";
