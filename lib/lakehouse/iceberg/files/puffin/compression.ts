import { decompressZstd } from "hyparquet-compressors";
import { corruptFile, unsupported } from "../../../errors.js";
import { decompressLz4Frame, InvalidFrame } from "./lz4-frame.js";

/** The most that one blob or footer may decompress to. Statistics are kilobytes; what claims more is corrupt. */
const MAX_BYTES = 256 * 1024 * 1024;
const ZSTD_MAGIC = 0xfd2fb528;
/** A zstd block holds at most 128 KiB and takes at least 4 bytes, so a claim beyond this is false. */
const ZSTD_BLOCK = 128 * 1024;

/**
 * Decompresses a blob or a footer payload: one frame, its content size present (Puffin spec, "Compression
 * codecs"). No more is allocated than the compressed bytes can stand for.
 *
 * @param subject the file, for errors
 * @throws CORRUPT_FILE; UNSUPPORTED_FEATURE for a codec that is not the spec's
 */
export function decompress(codec: string, bytes: Uint8Array, subject: string): Uint8Array {
  if (codec !== "lz4" && codec !== "zstd") {
    throw unsupported(
      subject,
      `${subject} is compressed with ${JSON.stringify(codec)}; Puffin knows lz4 and zstd.`,
    );
  }
  try {
    return codec === "lz4" ? decompressLz4Frame(bytes, MAX_BYTES) : decompressZstdFrame(bytes);
  } catch (cause) {
    const detail =
      cause instanceof InvalidFrame ? cause.message : `the ${codec} frame cannot be decompressed`;
    throw corruptFile(subject, `Compressed bytes in ${subject} cannot be read: ${detail}.`, undefined, cause);
  }
}

function decompressZstdFrame(frame: Uint8Array): Uint8Array {
  const size = zstdContentSize(frame);
  if (size > Math.min(MAX_BYTES, (frame.length / 4) * ZSTD_BLOCK)) {
    throw new InvalidFrame(`the zstd frame claims ${size} bytes`);
  }
  const output = decompressZstd(frame, new Uint8Array(size));
  if (output.length !== size) throw new InvalidFrame("the zstd content is not as long as it claims");
  return output;
}

/** The content size in the header of a zstd frame (RFC 8878, "Frame_Header"), in bytes. */
function zstdContentSize(frame: Uint8Array): number {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < 6 || view.getUint32(0, true) !== ZSTD_MAGIC)
    throw new InvalidFrame("it is no zstd frame");
  const descriptor = frame[4]!;
  const singleSegment = (descriptor & 0x20) !== 0;
  const width = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6]!;
  const dictionary = [0, 1, 2, 4][descriptor & 3]!;
  const at = 5 + (singleSegment ? 0 : 1) + dictionary;
  if (width === 0) throw new InvalidFrame("the zstd frame does not give its content size");
  if (at + width > frame.length) throw new InvalidFrame("the zstd frame ends early");
  if (width === 1) return view.getUint8(at);
  if (width === 2) return view.getUint16(at, true) + 256;
  return width === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true));
}
