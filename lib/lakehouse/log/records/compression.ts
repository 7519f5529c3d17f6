/** The codecs of record batches: their ids, and how Kafka's clients frame each. */
import {
  compressGzip,
  compressLz4Frame,
  compressSnappy,
  compressZstd,
  decompressGzip,
  decompressLz4Frame,
  decompressSnappy,
  decompressZstd,
  InvalidBytes,
  prepareZstd,
} from "../../codecs/index.js";
import { CODEC_BITS, damaged, undefinedCodec } from "./header.js";

/** What our own producers write. Batches of other clients are kept as they came, in any of Kafka's codecs. */
export type Compression = "none" | "gzip" | "lz4" | "zstd";

/** A batch of one codec or another holds no more than this, uncompressed: it is refused beyond. In bytes. */
export const MOST_CONTENT = 256 * 1024 * 1024;
const ZSTD_LEVEL = 1;

interface Codec {
  readonly id: number;
  readonly compress: (records: Uint8Array) => Uint8Array;
}

const CODECS: Readonly<Record<Compression, Codec>> = {
  none: { id: 0, compress: (records) => records },
  gzip: { id: 1, compress: (records) => compressGzip(records) },
  lz4: { id: 3, compress: compressLz4Frame },
  zstd: { id: 4, compress: (records) => compressZstd(records, ZSTD_LEVEL) },
};

/** Not for our own producers, who have better ones. */
const SNAPPY: Codec = { id: 2, compress: compressSnappy };

const DECOMPRESS: readonly (((bytes: Uint8Array, limit: number) => Uint8Array) | undefined)[] = [
  (bytes) => bytes,
  decompressGzip,
  decompressFramedSnappy,
  decompressLz4Frame,
  decompressZstd,
];

/** Loads what a codec needs. @throws LakehouseError BROKEN_INSTALL */
export async function prepareCompression(compression: Compression): Promise<void> {
  if (compression === "zstd") await prepareZstd();
}

export function compressionId(compression: Compression): number {
  return CODECS[compression].id;
}

/** Wants `prepareCompression` before. */
export function compressRecords(records: Uint8Array, compression: Compression): Uint8Array {
  return CODECS[compression].compress(records);
}

/**
 * Compresses records anew in the codec that their batch had, so that who could read them still can; not where they do not
 * shrink. Snappy is one bare block, as librdkafka sends it. Wants `prepareCompression("zstd")` before.
 *
 * @param id of the codec.
 */
export function recompressRecords(
  records: Uint8Array,
  id: number,
): { readonly id: number; readonly bytes: Uint8Array } {
  const codec = [...Object.values(CODECS), SNAPPY].find((one) => one.id === id);
  const bytes = codec?.compress(records) ?? records;
  return bytes.length < records.length ? { id, bytes } : { id: CODECS.none.id, bytes: records };
}

/**
 * The records of a batch as they were before compression.
 *
 * @throws LakehouseError CORRUPT_RECORD_BATCH, UNSUPPORTED_FEATURE
 */
export function decompressRecords(compressed: Uint8Array, attributes: number, subject: string): Uint8Array {
  const id = attributes & CODEC_BITS;
  const decompress = DECOMPRESS[id];
  if (decompress === undefined) throw undefinedCodec(id, subject);
  try {
    return decompress(compressed, MOST_CONTENT);
  } catch (cause) {
    if (!(cause instanceof InvalidBytes)) throw cause;
    throw damaged(subject, cause.message, cause);
  }
}

/** The magic of snappy-java's stream: blocks with their lengths before them. librdkafka sends one bare block. */
const STREAM_MAGIC = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00];
const STREAM_HEADER_BYTES = 16;

function decompressFramedSnappy(bytes: Uint8Array, limit: number): Uint8Array {
  if (!STREAM_MAGIC.every((byte, i) => bytes[i] === byte)) return decompressSnappy(bytes, limit);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocks: Uint8Array[] = [];
  let left = limit;
  for (let at = STREAM_HEADER_BYTES; at < bytes.length; ) {
    if (at + 4 > bytes.length) throw new InvalidBytes("the Snappy stream ends early");
    const length = view.getUint32(at);
    at += 4;
    if (length > bytes.length - at) throw new InvalidBytes("the Snappy stream ends early");
    const block = decompressSnappy(bytes.subarray(at, at + length), left);
    blocks.push(block);
    left -= block.length;
    at += length;
  }
  return Buffer.concat(blocks);
}
