/** Raw Snappy blocks (google/snappy, format_description.txt), by the Rust implementation. */
import { asBytes } from "./bytes.js";
import { InvalidBytes } from "./invalid-bytes.js";
import { lazy } from "./lazy.js";

const snappy = lazy<typeof import("snappy")>("snappy");

/** Buffers that the native side owns would be freed one by one by the collector, which takes longer than to copy. */
const COPY = { copyOutputData: true, asBuffer: true } as const;
/** A copy of 64 bytes takes 3 bytes of input at least, so no honest block grows more than this. */
const MAX_RATIO = 32;

export function compressSnappy(bytes: Uint8Array): Uint8Array {
  return asBytes(snappy().compressSync(bytes, COPY));
}

/**
 * @param limit the most bytes that the block may stand for.
 * @throws InvalidBytes
 */
export function decompressSnappy(block: Uint8Array, limit: number): Uint8Array {
  const length = lengthOf(block);
  if (length === undefined || length > Math.min(limit, block.length * MAX_RATIO))
    throw new InvalidBytes(`the Snappy block claims ${length ?? "no"} bytes`);
  try {
    return asBytes(snappy().uncompressSync(block, COPY) as Buffer);
  } catch (cause) {
    throw new InvalidBytes("the Snappy block is damaged", { cause });
  }
}

/** The preamble: the length of the content, a varint of 32 bits. */
function lengthOf(block: Uint8Array): number | undefined {
  let length = 0;
  for (let i = 0; i < 5 && i < block.length; i++) {
    const byte = block[i] as number;
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return length < 2 ** 32 ? length : undefined;
  }
  return undefined;
}
