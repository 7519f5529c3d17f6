import { unsupported } from "../../../errors.js";
import type {
  ParquetColumnOptions,
  ParquetCompression,
  ParquetWriteOptions,
} from "../../../parquet/index.js";
import { invalidProperty, numberProperty, textProperty } from "../../model/metadata/properties.js";
import type { TableMetadata } from "../../model/metadata/types.js";
import { allFields } from "../../model/schema/lookup.js";
import type { Schema } from "../../model/types/types.js";

const COMPRESSION: Readonly<Record<string, ParquetCompression>> = {
  zstd: "zstd",
  snappy: "snappy",
  gzip: "gzip",
  lz4: "lz4_raw",
  lz4_raw: "lz4_raw",
  none: "uncompressed",
  uncompressed: "uncompressed",
};

const CODEC = "write.parquet.compression-codec";
const LEVEL = "write.parquet.compression-level";
const BLOOM_FILTER = "write.parquet.bloom-filter-enabled";
const FALSE_POSITIVES = "write.parquet.bloom-filter-fpp";

/**
 * How the `write.parquet.*` properties want data files encoded. Those about a column end in `.column.<name>`: Bloom
 * filters as in Java, and, which Java has not, codec and level. They are read for each column that the schema has; one
 * about a column that is gone says nothing.
 *
 * @throws LakehouseError UNSUPPORTED_FEATURE for a codec that is not written; INVALID_METADATA for a number that is none.
 */
export function parquetOptions(metadata: TableMetadata, schema: Schema): ParquetWriteOptions {
  const compression = codecOf(CODEC, textProperty(metadata, CODEC));
  const rows = Number(textProperty(metadata, "write.parquet.row-group-limit"));
  return {
    compression,
    ...levelOf(LEVEL, textProperty(metadata, LEVEL), compression),
    ...(rows > 0 && { rowGroupRows: rows }),
    rowGroupBytes: numberProperty(metadata, "write.parquet.row-group-size-bytes"),
    pageBytes: numberProperty(metadata, "write.parquet.page-size-bytes"),
    pageRows: numberProperty(metadata, "write.parquet.page-row-limit"),
    dictionaryBytes: numberProperty(metadata, "write.parquet.dict-size-bytes"),
    bloomFilterBytes: numberProperty(metadata, "write.parquet.bloom-filter-max-bytes"),
    columns: columnOptions(metadata, schema, compression),
  };
}

function columnOptions(
  { properties }: TableMetadata,
  schema: Schema,
  fileCodec: ParquetCompression,
): Map<number, ParquetColumnOptions> {
  const columns = new Map<number, ParquetColumnOptions>();
  for (const { field, name } of allFields(schema)) {
    const of = (property: string): string => `${property}.column.${name}`;
    const codec = properties[of(CODEC)];
    const compression = codec ? codecOf(of(CODEC), codec) : undefined;
    const filtered = properties[of(BLOOM_FILTER)]?.toLowerCase() === "true";
    const options: ParquetColumnOptions = {
      ...(compression && { compression }),
      ...levelOf(of(LEVEL), properties[of(LEVEL)] ?? "", compression ?? fileCodec),
      ...(filtered && {
        bloomFilter: true,
        ...shareOf(of(FALSE_POSITIVES), properties[of(FALSE_POSITIVES)]),
      }),
    };
    if (Object.keys(options).length > 0) columns.set(field.id, options);
  }
  return columns;
}

function codecOf(property: string, value: string): ParquetCompression {
  const compression = COMPRESSION[value.toLowerCase()];
  if (compression !== undefined) return compression;
  throw unsupported(
    property,
    `Parquet files cannot be written with codec ${JSON.stringify(value)}.`,
    `Use one of ${Object.keys(COMPRESSION).join(", ")}.`,
  );
}

/** A level outlives a change of codec; the codecs without levels ignore it, as Java does. */
function levelOf(
  property: string,
  value: string,
  codec: ParquetCompression,
): { readonly compressionLevel?: number } {
  if (value === "" || (codec !== "zstd" && codec !== "gzip")) return {};
  if (!/^\d+$/.test(value)) throw invalidProperty(property, "a whole number", value);
  return { compressionLevel: Number(value) };
}

function shareOf(
  property: string,
  value: string | undefined,
): { readonly bloomFilterFalsePositives?: number } {
  if (value === undefined) return {};
  const share = Number(value);
  if (!(share > 0 && share < 1)) throw invalidProperty(property, "a number between 0 and 1", value);
  return { bloomFilterFalsePositives: share };
}
