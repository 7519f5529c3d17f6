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
export { type DataWriteOptions, writeDataFiles } from "./writer.js";
