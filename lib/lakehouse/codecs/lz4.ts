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
/** Magic, flags, the blocks' size, checksum; a content size comes before the checksum. */
const LEAST_HEADER_BYTES = 7;
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

/** A frame of independent blocks, without checksums. */
export function compressLz4Frame(bytes: Uint8Array): Uint8Array {
  return asBytes(lz4().compressFrameSync(asBuffer(bytes)));
}

/**
 * One frame that fills `frame`. The header's, the blocks' and the content's checksums and the content size are verified,
 * where they are there.
 *
 * @param limit the most bytes that the content may have.
 * @throws InvalidBytes
 */
export function decompressLz4Frame(frame: Uint8Array, limit: number): Uint8Array {
  const { length, size, most } = frameShape(frame);
  if (length !== frame.length) throw new InvalidBytes("the LZ4 frame ends early or late");
  if (size !== undefined && size > BigInt(Math.min(limit, frame.length * MAX_RATIO)))
    throw new InvalidBytes(`the LZ4 frame claims ${size} bytes`);
  if (size === undefined && most > limit) throw new InvalidBytes(`the LZ4 frame may hold ${most} bytes`);
  return decompressed(() => lz4().decompressFrameSync(asBuffer(frame)), Number(size ?? -1), "frame");
}

interface FrameShape {
  /** Where the frame ends that has all its blocks, its end mark and its checksum: the package reads on without the last two. */
  readonly length: number;
  readonly size: bigint | undefined;
  /** The most that its blocks can hold. */
  readonly most: number;
}

function frameShape(frame: Uint8Array): FrameShape {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < LEAST_HEADER_BYTES || view.getUint32(0, true) !== FRAME_MAGIC)
    throw new InvalidBytes("it is no LZ4 frame");
  const flags = view.getUint8(4);
  if ((flags & DICTIONARY) !== 0) throw new InvalidBytes("the LZ4 frame needs a dictionary");
  const blockBytes = 4 ** (((view.getUint8(5) >>> 4) & 7) + 4);
  const hasSize = (flags & CONTENT_SIZE) !== 0;
  const headerBytes = LEAST_HEADER_BYTES + (hasSize ? 8 : 0);
  if (frame.length < headerBytes) throw new InvalidBytes("the LZ4 frame ends early");
  const size = hasSize ? view.getBigUint64(6, true) : undefined;
  const checksum = (flag: number) => ((flags & flag) === 0 ? 0 : 4);
  let most = 0;
  for (let at = headerBytes; at + 4 <= view.byteLength; ) {
    const block = view.getUint32(at, true);
    const bytes = block & SIZE_BITS;
    at += 4;
    if (bytes === 0) return { length: at + checksum(CONTENT_CHECKSUM), size, most };
    most += block === bytes ? Math.min(blockBytes, bytes * MAX_RATIO) : bytes;
    at += bytes + checksum(BLOCK_CHECKSUMS);
  }
  return { length: Number.POSITIVE_INFINITY, size, most };
}

/** @param length that the content has to have; -1 where nobody says. */
function decompressed(work: () => Buffer, length: number, what: string): Uint8Array {
  let content: Buffer;
  try {
    content = work();
  } catch (cause) {
    throw new InvalidBytes(`the LZ4 ${what} is damaged: ${(cause as Error).message}`, { cause });
  }
  if (length >= 0 && content.length !== length)
    throw new InvalidBytes(`the LZ4 ${what} holds ${content.length} bytes where ${length} should be`);
  return asBytes(content);
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
