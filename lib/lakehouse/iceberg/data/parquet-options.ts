import { LakehouseError } from "../../errors.js";
import type { ParquetColumnOptions, ParquetCompression, ParquetWriteOptions } from "../../parquet/index.js";
import type { TableMetadata } from "../metadata/types.js";
import { allFields } from "../schema/lookup.js";
import type { Schema } from "../schema/types.js";
import { numberProperty, textProperty } from "../table/properties.js";

const COMPRESSION: Readonly<Record<string, ParquetCompression>> = {
  zstd: "zstd",
  snappy: "snappy",
  gzip: "gzip",
  lz4: "lz4_raw",
  lz4_raw: "lz4_raw",
  none: "uncompressed",
  uncompressed: "uncompressed",
};

const BLOOM_FILTER = "write.parquet.bloom-filter-enabled.column.";
const FALSE_POSITIVES = "write.parquet.bloom-filter-fpp.column.";

/**
 * How the `write.parquet.*` properties want data files encoded. Those about a column are read for each column that
 * the schema has; one about a column that is gone says nothing.
 *
 * @throws LakehouseError UNSUPPORTED_FEATURE for a codec that is not written; INVALID_METADATA for a number that is none.
 */
export function parquetOptions(metadata: TableMetadata, schema: Schema): ParquetWriteOptions {
  const codec = textProperty(metadata, "write.parquet.compression-codec").toLowerCase();
  const compression = COMPRESSION[codec];
  if (compression === undefined) {
    throw new LakehouseError({
      code: "UNSUPPORTED_FEATURE",
      subject: "write.parquet.compression-codec",
      message: `Parquet files cannot be written with codec ${JSON.stringify(codec)}.`,
      remedy: `Use one of ${Object.keys(COMPRESSION).join(", ")}.`,
    });
  }
  const rows = Number(textProperty(metadata, "write.parquet.row-group-limit"));
  // A level outlives a change of codec; the codecs without levels ignore it, as Java does.
  const levelled = compression === "zstd" || compression === "gzip";
  const level = textProperty(metadata, "write.parquet.compression-level") !== "";
  return {
    compression,
    ...(levelled &&
      level && { compressionLevel: numberProperty(metadata, "write.parquet.compression-level") }),
    ...(rows > 0 && { rowGroupRows: rows }),
    rowGroupBytes: numberProperty(metadata, "write.parquet.row-group-size-bytes"),
    pageBytes: numberProperty(metadata, "write.parquet.page-size-bytes"),
    pageRows: numberProperty(metadata, "write.parquet.page-row-limit"),
    dictionaryBytes: numberProperty(metadata, "write.parquet.dict-size-bytes"),
    bloomFilterBytes: numberProperty(metadata, "write.parquet.bloom-filter-max-bytes"),
    columns: columnOptions(metadata, schema),
  };
}

function columnOptions({ properties }: TableMetadata, schema: Schema): Map<number, ParquetColumnOptions> {
  const columns = new Map<number, ParquetColumnOptions>();
  for (const { field, name } of allFields(schema)) {
    if (properties[`${BLOOM_FILTER}${name}`]?.toLowerCase() !== "true") continue;
    const property = `${FALSE_POSITIVES}${name}`;
    const share = properties[property];
    if (share !== undefined && !(Number(share) > 0 && Number(share) < 1)) {
      throw new LakehouseError({
        code: "INVALID_METADATA",
        subject: property,
        message: `Table property ${property} must be a number between 0 and 1; it is ${JSON.stringify(share)}.`,
      });
    }
    columns.set(field.id, {
      bloomFilter: true,
      ...(share !== undefined && { bloomFilterFalsePositives: Number(share) }),
    });
  }
  return columns;
}
