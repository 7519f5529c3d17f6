import { gzipSync } from "node:zlib";
import { compress as compressZstd, init as initZstd } from "@bokuweb/zstd-wasm";
import { compressLz4 } from "./lz4.js";
import { compressSnappy } from "./snappy.js";

export type ParquetCompression = "zstd" | "snappy" | "gzip" | "lz4_raw" | "uncompressed";

/** parquet.thrift, CompressionCodec. */
export const CODEC_NUMBERS: Readonly<Record<ParquetCompression, number>> = {
  uncompressed: 0,
  snappy: 1,
  gzip: 2,
  zstd: 6,
  lz4_raw: 7,
};

/** The levels that a codec knows; the others have none. */
export const CODEC_LEVELS: Readonly<
  Partial<Record<ParquetCompression, readonly [least: number, most: number]>>
> = { zstd: [1, 22], gzip: [1, 9] };

/** Zstandard's fastest level: what other Parquet writers take, and half the time of the next for 1 % more bytes. */
const ZSTD_LEVEL = 1;

let zstdReady: Promise<void> | undefined;

/** Resolves when `compressPage` can be called with the codec: Zstandard is WebAssembly that is compiled on first use. */
export async function prepareCodec(codec: ParquetCompression): Promise<void> {
  if (codec !== "zstd") return;
  zstdReady ??= initZstd();
  await zstdReady;
}

/** The page's bytes compressed; the page itself where they shall not be. */
export function compressPage(
  page: Uint8Array,
  codec: ParquetCompression,
  level: number | undefined,
): Uint8Array {
  switch (codec) {
    case "zstd":
      return compressZstd(page, level ?? ZSTD_LEVEL);
    case "snappy":
      return compressSnappy(page);
    case "gzip":
      return gzipSync(page, level === undefined ? {} : { level });
    case "lz4_raw":
      return compressLz4(page);
    case "uncompressed":
      return page;
  }
}
