/** LZ4 (lz4/lz4, lz4_Block_format.md and lz4_Frame_format.md), by the Rust implementation. */
import { asBytes } from "./bytes.js";
import { InvalidBytes } from "./invalid-bytes.js";
import { lazy } from "./lazy.js";

const lz4 = lazy<typeof import("lz4-napi")>("lz4-napi");

/** The package puts the content's length before a block, 32 bits little-endian, and wants it there. */
const PREFIX = 4;
/** A byte stands for at most 255 bytes of a match, so a claim beyond this is false. */
const MAX_RATIO = 255;
const FRAME_MAGIC = 0x184d2204;
/** Flags of a frame's descriptor. */
const BLOCK_CHECKSUMS = 0x10;
const CONTENT_SIZE = 0x08;
const CONTENT_CHECKSUM = 0x04;
const DICTIONARY = 0x01;
const HEADER_BYTES = 15;
/** The highest bit of a block's size says that the block is not compressed. */
const SIZE_BITS = 0x7fff_ffff;

/** A block without a frame: Parquet's LZ4_RAW. */
export function compressLz4Block(bytes: Uint8Array): Uint8Array {
  return asBytes(lz4().compressSync(asBuffer(bytes))).subarray(PREFIX);
}

/**
 * @param length of the content: the block does not have it.
 * @throws InvalidBytes
 */
export function decompressLz4Block(block: Uint8Array, length: number): Uint8Array {
  if (length > block.length * MAX_RATIO) throw new InvalidBytes(`an LZ4 block cannot hold ${length} bytes`);
  const prefixed = Buffer.allocUnsafe(PREFIX + block.length);
  prefixed.writeUInt32LE(length);
  prefixed.set(block, PREFIX);
  return decompressed(() => lz4().uncompressSync(prefixed), length, "block");
}

/**
 * One frame that fills `frame` and gives its content size. The header's, the blocks' and the content's checksums are
 * verified, where they are there.
 *
 * @param limit the most bytes that the content may have.
 * @throws InvalidBytes
 */
export function decompressLz4Frame(frame: Uint8Array, limit: number): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < HEADER_BYTES || view.getUint32(0, true) !== FRAME_MAGIC)
    throw new InvalidBytes("it is no LZ4 frame");
  const flags = view.getUint8(4);
  if ((flags & CONTENT_SIZE) === 0) throw new InvalidBytes("the LZ4 frame does not give its content size");
  if ((flags & DICTIONARY) !== 0) throw new InvalidBytes("the LZ4 frame needs a dictionary");
  const size = view.getBigUint64(6, true);
  if (size > BigInt(Math.min(limit, frame.length * MAX_RATIO)))
    throw new InvalidBytes(`the LZ4 frame claims ${size} bytes`);
  if (frameLength(view, flags) !== frame.length) throw new InvalidBytes("the LZ4 frame ends early or late");
  return decompressed(() => lz4().decompressFrameSync(asBuffer(frame)), Number(size), "frame");
}

/** Where a frame ends that has all its blocks, its end mark and its checksum: the package reads on without the last two. */
function frameLength(view: DataView, flags: number): number {
  const checksum = (flag: number) => ((flags & flag) === 0 ? 0 : 4);
  for (let at = HEADER_BYTES; at + 4 <= view.byteLength; ) {
    const size = view.getUint32(at, true) & SIZE_BITS;
    at += 4;
    if (size === 0) return at + checksum(CONTENT_CHECKSUM);
    at += size + checksum(BLOCK_CHECKSUMS);
  }
  return Number.POSITIVE_INFINITY;
}

function decompressed(work: () => Buffer, length: number, what: string): Uint8Array {
  let content: Buffer;
  try {
    content = work();
  } catch (cause) {
    throw new InvalidBytes(`the LZ4 ${what} is damaged: ${(cause as Error).message}`, { cause });
  }
  if (content.length !== length)
    throw new InvalidBytes(`the LZ4 ${what} holds ${content.length} bytes where ${length} should be`);
  return asBytes(content);
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
