import { crc32, deflateRawSync, inflateRawSync } from "node:zlib";
import { decompressZstd } from "hyparquet-compressors";
import { corruptFile, type LakehouseError, unsupported } from "../../../errors.js";
import { snappyUncompress } from "./snappy.js";

/** Bound on one decompressed block; writers cut blocks at some tens of kilobytes. */
const MAX_BLOCK = 512 * 1024 * 1024;
/** A deflate stream cannot grow more than this; a zstd frame can, so what it claims is not believed beyond it. */
const MAX_RATIO = 1032;

export function compress(codec: "null" | "deflate", bytes: Uint8Array): Uint8Array {
  return codec === "deflate" ? deflateRawSync(bytes) : bytes;
}

/**
 * Decompresses one block of a container.
 *
 * @throws LakehouseError CORRUPT_FILE, or UNSUPPORTED_FEATURE for a codec outside the list.
 */
export function decompress(codec: string, bytes: Uint8Array, subject: string): Uint8Array {
  const corrupt = (cause?: unknown): LakehouseError =>
    corruptFile(subject, `A ${codec} block of ${subject} is corrupt.`, undefined, cause);
  const limit = Math.min(MAX_BLOCK, Math.max(64 * 1024, bytes.length * MAX_RATIO));
  switch (codec) {
    case "null":
      return bytes;
    case "deflate":
      try {
        return inflateRawSync(bytes, { maxOutputLength: limit, chunkSize: chunkSizeOf(bytes) });
      } catch (cause) {
        throw corrupt(cause);
      }
    case "snappy": {
      // The block ends in the CRC-32 of the uncompressed bytes, big-endian.
      if (bytes.length < 4) throw corrupt();
      const body = bytes.subarray(0, bytes.length - 4);
      const output = snappyUncompress(body, limit);
      const view = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 4, 4);
      if (output === undefined || crc32(output) !== view.getUint32(0, false)) throw corrupt();
      return output;
    }
    case "zstandard": {
      if (zstdClaim(bytes) > limit) throw corrupt();
      try {
        return decompressZstd(bytes);
      } catch (cause) {
        throw corrupt(cause);
      }
    }
    default:
      throw unsupported(
        subject,
        `${subject} is compressed with Avro codec ${JSON.stringify(codec)}, which this version cannot read.`,
        "Rewrite it with deflate, snappy or zstandard.",
      );
  }
}

/** Room for a block of usual size and density, so that it comes out in one piece. */
function chunkSizeOf(compressed: Uint8Array): number {
  return Math.min(Math.max(1024, compressed.length * 8), 68 * 1024);
}

/** The most memory that a zstd frame header asks for: its content size, or its window where it gives no size. */
function zstdClaim(frame: Uint8Array): number {
  if (frame.length < 6) return 0;
  const descriptor = frame[4] as number;
  const singleSegment = (descriptor & 0x20) !== 0;
  const flag = descriptor >>> 6;
  const size = flag === 0 ? (singleSegment ? 1 : 0) : 1 << flag;
  const start = 5 + (singleSegment ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] as number);
  if (size === 0) {
    // Encoders choose the window by level, not by content: 8 MB windows on small blocks are normal.
    const window = frame[5] as number;
    const bytes = 2 ** (10 + (window >>> 3)) * (1 + (window & 7) / 8);
    return bytes <= 128 * 1024 * 1024 ? 0 : bytes;
  }
  if (start + size > frame.length) return 0;
  let value = size === 2 ? 256 : 0;
  for (let i = 0; i < size; i++) value += (frame[start + i] as number) * 2 ** (8 * i);
  return value;
}
