import { invalidArgument } from "../../errors.js";
import { codecLevels, type ParquetCompression } from "../format/codecs.js";
import type { ChunkOptions } from "./chunk.js";
import type { LeafColumn } from "./layout.js";

/** What one column does otherwise than the file. */
export interface ParquetColumnOptions {
  readonly compression?: ParquetCompression | undefined;
  readonly compressionLevel?: number | undefined;
  /** False where values are known not to repeat: ids, hashes, free text. By default each row group finds out. */
  readonly dictionary?: boolean | undefined;
  /** A split block Bloom filter in each row group, for equality lookups. Columns of booleans have none. */
  readonly bloomFilter?: boolean | undefined;
  /** Share of absent values that the filter takes for present. Default 0.01. */
  readonly bloomFilterFalsePositives?: number | undefined;
}

export interface ParquetWriteOptions {
  /** Default `zstd`. Chunks that it makes hardly smaller are left uncompressed. */
  readonly compression?: ParquetCompression | undefined;
  /** 1 to 22 for zstd, default 1; 1 to 9 for gzip, default 6; the other codecs have none. */
  readonly compressionLevel?: number | undefined;
  /** Rows in a row group, at most. Default 122,880, as DuckDB's are. */
  readonly rowGroupRows?: number | undefined;
  /** Bytes of Arrow data in a row group, at which it ends. Default 64 MiB; memory peaks at a few times this. */
  readonly rowGroupBytes?: number | undefined;
  /** Bytes in a page before compression, about. Default 1 MiB. */
  readonly pageBytes?: number | undefined;
  /** Rows in a page, at most: what a reader of the page index can skip. Default 40,960. */
  readonly pageRows?: number | undefined;
  /** Bytes of a dictionary, at most. Default 2 MiB. */
  readonly dictionaryBytes?: number | undefined;
  /** Bytes of one Bloom filter, at most. Default 1 MiB. */
  readonly bloomFilterBytes?: number | undefined;
  /** Settings of single leaf columns, by field id. */
  readonly columns?: ReadonlyMap<number, ParquetColumnOptions> | undefined;
  /** True for one of many files that are written at a time: other threads then encode even small ones. */
  readonly oneOfMany?: boolean | undefined;
  /** Key-value pairs for the footer. */
  readonly keyValueMetadata?: Readonly<Record<string, string>> | undefined;
}

const MIB = 1024 * 1024;
const FALSE_POSITIVES = 0.01;

/**
 * What the options mean for each leaf.
 *
 * @throws LakehouseError INVALID_ARGUMENT for a codec or a level that there is not.
 */
export function chunkOptions(leaves: readonly LeafColumn[], options: ParquetWriteOptions): ChunkOptions[] {
  return leaves.map((leaf): ChunkOptions => {
    const own = (leaf.fieldId !== undefined && options.columns?.get(leaf.fieldId)) || {};
    const compression = own.compression ?? options.compression ?? "zstd";
    // The file's level is for the file's codec; a column with a codec of its own has the level of its own.
    const level =
      own.compressionLevel ?? (own.compression === undefined ? options.compressionLevel : undefined);
    checkCodec(compression, level);
    return {
      compression,
      compressionLevel: level,
      dictionary: own.dictionary ?? true,
      dictionaryBytes: options.dictionaryBytes ?? 2 * MIB,
      pageBytes: options.pageBytes ?? MIB,
      pageRows: Math.max(1, options.pageRows ?? 40_960),
      bloomFilter:
        own.bloomFilter && leaf.physicalType !== "BOOLEAN"
          ? {
              falsePositives: own.bloomFilterFalsePositives ?? FALSE_POSITIVES,
              maxBytes: options.bloomFilterBytes ?? MIB,
            }
          : undefined,
    };
  });
}

function checkCodec(compression: ParquetCompression, level: number | undefined): void {
  const invalid = (why: string) =>
    invalidArgument("Parquet compression", `Parquet files are not written with ${why}.`);
  const levels = codecLevels(compression);
  if (!levels) throw invalid(`codec ${JSON.stringify(compression)}`);
  if (level === undefined) return;
  const [least, most] = levels;
  if (most === 0) throw invalid(`a level of ${compression}, which has none`);
  if (!Number.isInteger(level) || level < least || level > most)
    throw invalid(`level ${level} of ${compression}; its levels are ${least} to ${most}`);
}
