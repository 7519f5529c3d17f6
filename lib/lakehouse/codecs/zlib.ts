/** Gzip (RFC 1952), bare deflate (RFC 1951) and Brotli (RFC 7932), by Node's zlib. */
import { brotliDecompressSync, deflateRawSync, gunzipSync, gzipSync, inflateRawSync } from "node:zlib";
import { asBytes } from "./bytes.js";
import { InvalidBytes } from "./invalid-bytes.js";

/** @param level 1 to 9; 6 where none is given. */
export function compressGzip(bytes: Uint8Array, level?: number): Uint8Array {
  return asBytes(gzipSync(bytes, level === undefined ? {} : { level }));
}

export function compressDeflate(bytes: Uint8Array): Uint8Array {
  return asBytes(deflateRawSync(bytes));
}

/**
 * All members of a gzip file, each with its checksum.
 *
 * @param limit the most bytes that the content may have.
 * @throws InvalidBytes
 */
export function decompressGzip(bytes: Uint8Array, limit: number): Uint8Array {
  return inflated(gunzipSync, bytes, limit, "gzip");
}

/** @throws InvalidBytes */
export function decompressDeflate(bytes: Uint8Array, limit: number): Uint8Array {
  return inflated(inflateRawSync, bytes, limit, "deflate");
}

/** @throws InvalidBytes */
export function decompressBrotli(bytes: Uint8Array, limit: number): Uint8Array {
  return inflated(brotliDecompressSync, bytes, limit, "Brotli");
}

function inflated(
  inflate: (bytes: Uint8Array, options: { maxOutputLength: number; chunkSize: number }) => Buffer,
  bytes: Uint8Array,
  limit: number,
  codec: string,
): Uint8Array {
  let content: Buffer;
  try {
    // Node takes no limit of 0.
    content = inflate(bytes, { maxOutputLength: Math.max(1, limit), chunkSize: chunkSize(bytes, limit) });
  } catch (cause) {
    throw new InvalidBytes(`the ${codec} stream is damaged: ${(cause as Error).message}`, { cause });
  }
  if (content.length > limit) throw new InvalidBytes(`the ${codec} stream holds more than ${limit} bytes`);
  return asBytes(content);
}

/** Room for content of usual size and density, so that it comes out in one piece. */
function chunkSize(compressed: Uint8Array, limit: number): number {
  return Math.max(1024, Math.min(compressed.length * 8, limit, 1024 * 1024));
}
