/**
 * Parquet: Arrow batches to files and back, with field ids. Files stream into the object store row group by row
 * group; footers give the metrics that a table format keeps. This room knows nothing of tables: field ids are
 * numbers that the Arrow schema carries.
 */

export { type DistinctBytes, distinctBytes } from "./encode/dictionary.js";
export type { ParquetColumnOptions, ParquetWriteOptions } from "./encode/options.js";
export { schemaMismatch } from "./errors.js";
export { requireAligned } from "./format/aligned.js";
export { arrowBytes, BatchSchema, FIELD_ID_KEY } from "./format/arrow-data.js";
export { decompressors, type ParquetCompression } from "./format/codecs.js";
export {
  chunkStart,
  type ParquetChunkStatistics,
  type ParquetColumnChunk,
  type ParquetFooter,
  type ParquetRowGroup,
  type ParquetSummary,
  readFooter,
  readSummary,
} from "./format/footer.js";
export { type ColumnMetrics, columnMetrics, type ParquetStat, splitOffsets } from "./format/metrics.js";
export { codecName, encodingName } from "./format/names.js";
export { listElement, mapEntry, type NodePlace, nodePlaces, withParts } from "./format/nodes.js";
export {
  leafColumns,
  type ParquetColumn,
  type ParquetLogicalType,
  type ParquetNode,
  type ParquetPhysicalType,
  type ParquetTimeUnit,
} from "./format/schema.js";
export { DUCKDB_TYPE_KEY, refuseUnsigned } from "./format/unsigned.js";
export { countNulls } from "./levels.js";
export {
  type ParquetColumnData,
  type ParquetData,
  type ParquetValue,
  type ReadParquetOptions,
  readParquet,
} from "./read.js";
export { isShreddedStruct, needsRedeclaring, redeclared } from "./redeclare.js";
export { type ParquetVerification, verifyParquet } from "./verify.js";
export { withFlagColumn } from "./with-flag.js";
export {
  openParquetWriter,
  type ParquetTarget,
  type ParquetWriter,
  type WrittenParquet,
  writeParquet,
} from "./writer.js";
export { tellsZerosApart } from "./zeros.js";
