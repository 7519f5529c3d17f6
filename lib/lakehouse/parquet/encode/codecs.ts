import { gzipSync } from "node:zlib";
import { compress as compressZstd, init as initZstd } from "@bokuweb/zstd-wasm";
import { unsupported } from "../../errors.js";
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

/**
 * Zstandard's module is started once in a process, for all copies of this library in it. Started again, the package would
 * go on to compress in the memory of the old module, and give back what lies at that place in the new one's.
 */
const STARTED = Symbol.for("sololakehouse.zstd");
const shared = globalThis as { [STARTED]?: Promise<void> };
/** RFC 8878, 3.1.1. */
const ZSTD_MAGIC = [0x28, 0xb5, 0x2f, 0xfd];

/** Resolves when `compressPage` can be called with the codec: Zstandard is WebAssembly that is compiled on first use. */
export async function prepareCodec(codec: ParquetCompression): Promise<void> {
  if (codec !== "zstd") return;
  shared[STARTED] ??= initZstd();
  await shared[STARTED];
}

/** The page's bytes compressed; the page itself where they shall not be. */
export function compressPage(
  page: Uint8Array,
  codec: ParquetCompression,
  level: number | undefined,
): Uint8Array {
  switch (codec) {
    case "zstd":
      return checkedFrame(compressZstd(page, level ?? ZSTD_LEVEL));
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

/** Anyone else in the process may have started the module again: then these are not the bytes of a frame. */
function checkedFrame(frame: Uint8Array): Uint8Array {
  if (ZSTD_MAGIC.every((byte, at) => frame[at] === byte)) return frame;
  throw unsupported(
    "zstd",
    "Another package of this process has started @bokuweb/zstd-wasm again, which gives wrong bytes from then on.",
    "Write with another codec, or start the process anew without it.",
  );
}
