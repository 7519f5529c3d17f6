import { decompressLz4Frame, decompressZstd, InvalidBytes, zstdContentSize } from "../../../codecs/index.js";
import { corruptFile, unsupported } from "../../../errors.js";

/** The most that one blob or footer may decompress to. Statistics are kilobytes; what claims more is corrupt. */
const MAX_BYTES = 256 * 1024 * 1024;

/** Puffin spec, "Compression codecs": one frame, its content size present. */
const CODECS: ReadonlyMap<string, (frame: Uint8Array) => Uint8Array> = new Map([
  ["lz4", (frame) => decompressLz4Frame(frame, MAX_BYTES)],
  ["zstd", decompressZstdFrame],
]);

/**
 * Decompresses a blob or a footer payload. No more is allocated than the compressed bytes can stand for.
 *
 * @param subject the file, for errors
 * @throws CORRUPT_FILE; UNSUPPORTED_FEATURE for a codec that is not the spec's
 */
export function decompress(codec: string, bytes: Uint8Array, subject: string): Uint8Array {
  const decompressFrame = CODECS.get(codec);
  if (decompressFrame === undefined)
    throw unsupported(
      subject,
      `${subject} is compressed with ${JSON.stringify(codec)}; Puffin knows lz4 and zstd.`,
    );
  try {
    return decompressFrame(bytes);
  } catch (cause) {
    if (!(cause instanceof InvalidBytes)) throw cause;
    throw corruptFile(
      subject,
      `Compressed bytes in ${subject} cannot be read: ${cause.message}.`,
      undefined,
      cause,
    );
  }
}

function decompressZstdFrame(frame: Uint8Array): Uint8Array {
  const size = zstdContentSize(frame);
  if (size === undefined) throw new InvalidBytes("the zstd frame does not give its content size");
  const content = decompressZstd(frame, MAX_BYTES);
  if (content.length !== size) throw new InvalidBytes("the zstd content is not as long as it claims");
  return content;
}
