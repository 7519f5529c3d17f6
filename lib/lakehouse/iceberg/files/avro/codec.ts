import {
  compressDeflate,
  crc32,
  decompressDeflate,
  decompressSnappy,
  decompressZstd,
  InvalidBytes,
} from "../../../codecs/index.js";
import { corruptFile, unsupported } from "../../../errors.js";

/** Bound on one decompressed block; writers cut blocks at some tens of kilobytes. */
const MAX_BLOCK = 512 * 1024 * 1024;
const CRC_BYTES = 4;

/** What decompresses a block (Avro spec, "Required Codecs" and "Optional Codecs"). */
const DECOMPRESSORS: ReadonlyMap<string, (block: Uint8Array) => Uint8Array> = new Map([
  ["null", (block) => block],
  ["deflate", (block) => decompressDeflate(block, MAX_BLOCK)],
  ["snappy", decompressSnappyBlock],
  ["zstandard", (block) => decompressZstd(block, MAX_BLOCK)],
]);

export function compress(codec: "null" | "deflate", bytes: Uint8Array): Uint8Array {
  return codec === "deflate" ? compressDeflate(bytes) : bytes;
}

/**
 * Decompresses one block of a container.
 *
 * @throws LakehouseError CORRUPT_FILE, or UNSUPPORTED_FEATURE for a codec outside the list.
 */
export function decompress(codec: string, bytes: Uint8Array, subject: string): Uint8Array {
  const decompressBlock = DECOMPRESSORS.get(codec);
  if (decompressBlock === undefined)
    throw unsupported(
      subject,
      `${subject} is compressed with Avro codec ${JSON.stringify(codec)}, which this version cannot read.`,
      "Rewrite it with deflate, snappy or zstandard.",
    );
  try {
    return decompressBlock(bytes);
  } catch (cause) {
    if (!(cause instanceof InvalidBytes)) throw cause;
    throw corruptFile(
      subject,
      `A ${codec} block of ${subject} is corrupt: ${cause.message}.`,
      undefined,
      cause,
    );
  }
}

/** The block ends in the CRC-32 of the uncompressed bytes, big-endian. */
function decompressSnappyBlock(block: Uint8Array): Uint8Array {
  const end = block.length - CRC_BYTES;
  if (end < 0) throw new InvalidBytes("it is too short for its checksum");
  const content = decompressSnappy(block.subarray(0, end), MAX_BLOCK);
  if (crc32(content) !== new DataView(block.buffer, block.byteOffset + end).getUint32(0))
    throw new InvalidBytes("it fails its checksum");
  return content;
}
