import type { WrittenParquet } from "../../../parquet/index.js";
import { splitOffsets } from "../../../parquet/index.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import type { PartitionTuple, SortOrderId, SpecId } from "../../model/partitioning/types.js";
import type { Schema } from "../../model/types/types.js";
import { fileMetrics, type MetricsConfig } from "./metrics.js";

/** The manifest's account of a Parquet file that was written: its metrics come from its footer. */
export function dataFileOf(
  written: WrittenParquet,
  schema: Schema,
  config: MetricsConfig,
  specId: SpecId,
  partition: PartitionTuple,
  sortOrderId: SortOrderId | undefined,
): DataFile {
  return {
    content: "data",
    filePath: written.uri,
    fileFormat: "parquet",
    specId,
    partition,
    recordCount: written.recordCount,
    fileSizeInBytes: written.fileSizeInBytes,
    ...fileMetrics(written.metrics, schema, config),
    splitOffsets: splitOffsets(written.footer),
    sortOrderId,
  };
}
