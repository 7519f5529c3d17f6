import type { Compressors } from "hyparquet";
import {
  compressGzip,
  compressLz4Block,
  compressSnappy,
  compressZstd,
  decompressBrotli,
  decompressGzip,
  decompressLz4Block,
  decompressSnappy,
  decompressZstd,
  InvalidBytes,
  prepareZstd,
} from "../../codecs/index.js";
import { unsupported } from "../../errors.js";

import { corrupt } from "./corrupt.js";
import { CODECS } from "./names.js";

export type ParquetCompression = "zstd" | "snappy" | "gzip" | "lz4_raw" | "uncompressed";

/** How the pages of one codec are written. */
interface PageCompressor {
  /** parquet.thrift, CompressionCodec. */
  readonly number: number;
  /** The levels that the codec knows; 0 to 0 where it knows none. */
  readonly levels: readonly [least: number, most: number];
  /** Resolves when `compress` can be called. */
  prepare?(): Promise<void>;
  compress(page: Uint8Array, level: number | undefined): Uint8Array;
}

/** Zstandard's fastest level: what other Parquet writers take, and half the time of the next for 1 % more bytes. */
const ZSTD_LEVEL = 1;

const COMPRESSORS: Readonly<Record<ParquetCompression, PageCompressor>> = {
  uncompressed: { number: 0, levels: [0, 0], compress: (page) => page },
  snappy: { number: 1, levels: [0, 0], compress: compressSnappy },
  gzip: { number: 2, levels: [1, 9], compress: compressGzip },
  zstd: {
    number: 6,
    levels: [1, 22],
    prepare: prepareZstd,
    compress: (page, level) => compressZstd(page, level ?? ZSTD_LEVEL),
  },
  lz4_raw: { number: 7, levels: [0, 0], compress: compressLz4Block },
};

export function codecNumber(codec: ParquetCompression): number {
  return COMPRESSORS[codec].number;
}

/** The levels of a codec, 0 to 0 where it has none; `undefined` for what is no codec. */
export function codecLevels(codec: string): PageCompressor["levels"] | undefined {
  return Object.hasOwn(COMPRESSORS, codec) ? COMPRESSORS[codec as ParquetCompression].levels : undefined;
}

/** Resolves when `compressPage` can be called with the codec. */
export async function prepareCodec(codec: ParquetCompression): Promise<void> {
  await COMPRESSORS[codec].prepare?.();
}

/** The page's bytes compressed; the page itself where they shall not be. */
export function compressPage(
  page: Uint8Array,
  codec: ParquetCompression,
  level: number | undefined,
): Uint8Array {
  return COMPRESSORS[codec].compress(page, level);
}

/** What gives the content of a page of so many bytes; `undefined` for a codec that nobody writes. */
type Decompressor = (block: Uint8Array, length: number) => Uint8Array;
const DECOMPRESSORS: Readonly<Record<(typeof CODECS)[number], Decompressor | undefined>> = {
  UNCOMPRESSED: (block) => block,
  SNAPPY: decompressSnappy,
  GZIP: decompressGzip,
  LZO: undefined,
  BROTLI: decompressBrotli,
  LZ4: decompressHadoopLz4,
  ZSTD: decompressZstd,
  LZ4_RAW: decompressLz4Block,
};

/**
 * Decompresses one page.
 *
 * @param length of the page as its header has it.
 * @param codec parquet.thrift, CompressionCodec.
 * @throws LakehouseError CORRUPT_FILE; UNSUPPORTED_FEATURE for a codec that this version cannot read.
 */
export function decompressPage(block: Uint8Array, length: number, codec: number, uri: string): Uint8Array {
  const name = CODECS[codec];
  const decompress = name && DECOMPRESSORS[name];
  if (!decompress)
    throw unsupported(uri, `${uri} has the compression ${name ?? codec}, which this version cannot read.`);
  try {
    return exactly(decompress, block, length);
  } catch (cause) {
    throw corrupt(uri, "a page cannot be decompressed", cause);
  }
}

/** The same for hyparquet, by the name of the codec. */
export const decompressors: Compressors = Object.fromEntries(
  Object.entries(DECOMPRESSORS).flatMap(([name, decompress]) =>
    decompress ? [[name, (block: Uint8Array, length: number) => exactly(decompress, block, length)]] : [],
  ),
);

/** A page that is shorter than its header says would be read as if zeros followed. */
function exactly(decompress: Decompressor, block: Uint8Array, length: number): Uint8Array {
  const page = block.length === 0 ? block : decompress(block, length);
  if (page.length !== length)
    throw new InvalidBytes(`a page holds ${page.length} bytes where its header says ${length}`);
  return page;
}

/**
 * The codec LZ4 (Compression.md, "LZ4"; not used any more): as Hadoop has it, LZ4 blocks, each after the length of its
 * content and its own, 32 bits big-endian; some writers left these out.
 */
function decompressHadoopLz4(bytes: Uint8Array, length: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  let left = length;
  let at = 0;
  while (at + 8 <= bytes.length) {
    const content = view.getUint32(at);
    const end = at + 8 + view.getUint32(at + 4);
    if (content > left || end > bytes.length) break;
    try {
      parts.push(decompressLz4Block(bytes.subarray(at + 8, end), content));
    } catch {
      break;
    }
    left -= content;
    at = end;
  }
  return left === 0 && at === bytes.length ? Buffer.concat(parts) : decompressLz4Block(bytes, length);
}
