/**
 * Zstandard (RFC 8878). Compression is the C library as WebAssembly; decompression is JavaScript, at half its speed,
 * since Avro and Puffin decode without waiting and WebAssembly has to be compiled first. Node has its own from 22.15
 * on, which decompresses ten times as fast, and does so where it is there: when that is the oldest Node that is
 * supported, it takes the place of both.
 */
import { constants } from "node:buffer";
import { randomFillSync } from "node:crypto";
import zlib from "node:zlib";
import { brokenInstall, type LakehouseError, unsupported } from "../errors.js";
import { InvalidBytes } from "./invalid-bytes.js";
import { lazy } from "./lazy.js";

const fzstd = lazy<typeof import("fzstd")>("fzstd");

/** Node's own: not in all that are supported. */
const { zstdDecompressSync: native } = zlib as {
  readonly zstdDecompressSync?: (
    frame: Uint8Array,
    options: { readonly maxOutputLength: number; readonly chunkSize?: number },
  ) => Buffer<ArrayBuffer>;
};

const MAGIC = 0xfd2fb528;
/** A block holds at most 128 KiB and takes at least 4 bytes, so a claim beyond this is false. */
const BLOCK_BYTES = 128 * 1024;
const LEAST_BLOCK = 4;
const BLOCK_HEADER_BYTES = 3;
/** Node wants no smaller one. */
const LEAST_CHUNK = 64;
/** Encoders choose the window by level, not by content: windows of some megabytes on small frames are normal. */
const MAX_WINDOW = 128 * 1024 * 1024;

/**
 * The module is started once in a process, for all copies of this library in it. Started again, the package would go on
 * to compress in the memory of the old module, and give back what lies at that place in the new one's.
 */
const STARTED = Symbol.for("sololakehouse.zstd");
const shared = globalThis as { [STARTED]?: Promise<void> };
let compressor: typeof import("@bokuweb/zstd-wasm") | undefined;

/**
 * The package does not look whether it got memory. Without, it writes over the module's own data, and every frame from
 * then on may be wrong. The module's memory only grows, and is free again after each call: so there is enough for whatever
 * is no larger than what came out right before: in bytes, by level.
 */
const proven: number[] = [];
/** Lengths up to here are proven by the next power of two, which spares most pages of a file a proof of their own. */
const MOST_AHEAD = 1024 * 1024;
let isSpoilt = false;

/**
 * Resolves when `compressZstd` can be called.
 *
 * @throws LakehouseError BROKEN_INSTALL where the package does not find its WebAssembly: in a bundle, mostly.
 */
export async function prepareZstd(): Promise<void> {
  try {
    const zstd = await import("@bokuweb/zstd-wasm");
    shared[STARTED] ??= zstd.init();
    await shared[STARTED];
    compressor = zstd;
  } catch (cause) {
    throw brokenInstall(
      "@bokuweb/zstd-wasm",
      `The WebAssembly of @bokuweb/zstd-wasm cannot be started (${(cause as Error).message}).`,
      "Keep @bokuweb/zstd-wasm and sololakehouse out of the bundle of your program, or install the packages anew.",
      cause,
    );
  }
}

/**
 * @param level 1 to 22.
 * @throws LakehouseError UNSUPPORTED_FEATURE where another package of the process has started the module again, or where
 *   memory ran out.
 */
export function compressZstd(bytes: Uint8Array, level: number): Uint8Array {
  if (isSpoilt) throw outOfMemory();
  if (bytes.length > (proven[level] ?? -1)) prove(bytes.length, level);
  return compress(bytes, level);
}

/**
 * Compresses noise of at least so many bytes, and reads it back. Noise stays as it is inside a frame, so that reading it
 * is copying: what has content took the decompressor, which is JavaScript and not compiled yet, longer than all the rest
 * of a first file's pages.
 */
function prove(length: number, level: number): void {
  const ahead = 2 ** Math.ceil(Math.log2(Math.max(length, 1)));
  const noise = randomFillSync(new Uint8Array(Math.max(length, Math.min(ahead, MOST_AHEAD))));
  if (!standsFor(compress(noise, level), noise)) {
    isSpoilt = true;
    throw outOfMemory();
  }
  proven[level] = noise.length;
}

function compress(bytes: Uint8Array, level: number): Uint8Array {
  if (compressor === undefined) throw new Error("prepareZstd has not been awaited");
  let frame: Uint8Array;
  try {
    frame = compressor.compress(bytes, level);
  } catch (cause) {
    isSpoilt = true;
    throw outOfMemory(cause);
  }
  if (!isFrameOf(frame, bytes.length))
    throw unsupported(
      "zstd",
      "Another package of this process has started @bokuweb/zstd-wasm again, which gives wrong bytes from then on.",
      "Write with another codec, or start the process anew without it.",
    );
  return frame;
}

function outOfMemory(cause?: unknown): LakehouseError {
  return unsupported(
    "zstd",
    "There was not enough memory to compress with zstd, and what this process compresses from then on may be wrong.",
    "Start the process anew with more memory, or write with another codec.",
    cause,
  );
}

function standsFor(frame: Uint8Array, bytes: Uint8Array): boolean {
  try {
    return Buffer.compare(decompressZstd(frame, bytes.length), bytes) === 0;
  } catch {
    return false;
  }
}

/** Whether these bytes can be the frame of content of that many bytes: its header says how many. */
function isFrameOf(frame: Uint8Array, bytes: number): boolean {
  try {
    return (zstdContentSize(frame) ?? bytes) === bytes;
  } catch {
    return false;
  }
}

/**
 * Frames, one after the other. No more is allocated than the compressed bytes can stand for.
 *
 * @param limit the most bytes that the content may have.
 * @throws InvalidBytes
 */
export function decompressZstd(frames: Uint8Array, limit: number): Uint8Array {
  const { size, window } = readFrameHeader(frames);
  if (size !== undefined && size > Math.min(limit, (frames.length / LEAST_BLOCK) * BLOCK_BYTES))
    throw new InvalidBytes(`the zstd frame claims ${size} bytes`);
  if (window > MAX_WINDOW) throw new InvalidBytes(`the zstd frame wants a window of ${window} bytes`);
  let content: Uint8Array;
  try {
    content = isOneFrame(frames) ? decompressFrame(frames, size, limit) : fzstd().decompress(frames);
  } catch (cause) {
    throw new InvalidBytes("the zstd frame is damaged", { cause });
  }
  if (content.length > limit || content.length < (size ?? 0))
    throw new InvalidBytes(`the zstd frame holds ${content.length} bytes, not ${size ?? limit}`);
  return content;
}

/**
 * @param frame whole, and alone: Node's takes what ends early for what is shorter, and leaves out what follows.
 * @param size of its content, where it says so.
 */
function decompressFrame(frame: Uint8Array, size: number | undefined, limit: number): Uint8Array {
  if (native === undefined) return fzstd().decompress(frame);
  const content = native(frame, {
    maxOutputLength: Math.max(size ?? Math.min(limit, constants.MAX_LENGTH), 1),
    // In one piece where that is known.
    ...(size !== undefined && { chunkSize: Math.max(size, LEAST_CHUNK) }),
  });
  return new Uint8Array(content.buffer, content.byteOffset, content.length);
}

/**
 * Frames, one after the other, as they come in: in the memory of one window, whatever their length.
 *
 * @throws InvalidBytes
 */
export async function* decompressZstdStream(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { Decompress } = fzstd();
  let pieces: Uint8Array[] = [];
  const frames = new Decompress((piece) => pieces.push(piece));
  for await (const chunk of chunks) {
    try {
      frames.push(chunk);
    } catch (cause) {
      throw new InvalidBytes("the zstd frame is damaged", { cause });
    }
    yield* pieces;
    pieces = [];
  }
}

/** Whether the bytes are one frame, and nothing else (RFC 8878, 3.1.1 and 3.1.1.2). */
function isOneFrame(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const descriptor = view.getUint8(4);
  let at = headerEnd(descriptor);
  for (;;) {
    if (at + BLOCK_HEADER_BYTES > bytes.length) return false;
    const header = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    const isRepeated = ((header >>> 1) & 3) === 1;
    at += BLOCK_HEADER_BYTES + (isRepeated ? 1 : header >>> 3);
    if ((header & 1) === 0) continue;
    const checksum = (descriptor & 4) === 0 ? 0 : 4;
    return at + checksum === bytes.length;
  }
}

/** The content size in the header of a frame, in bytes, where it is there. @throws InvalidBytes */
export function zstdContentSize(frame: Uint8Array): number | undefined {
  return readFrameHeader(frame).size;
}

/** RFC 8878, 3.1.1.1 "Frame_Header". Without a content size the window is what memory is taken for. */
function readFrameHeader(frame: Uint8Array): { readonly size: number | undefined; readonly window: number } {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < 6 || view.getUint32(0, true) !== MAGIC) throw new InvalidBytes("it is no zstd frame");
  const descriptor = view.getUint8(4);
  const width = sizeBytes(descriptor);
  const at = headerEnd(descriptor) - width;
  if (at + width > frame.length) throw new InvalidBytes("the zstd frame ends early");
  if (width === 0) {
    const window = view.getUint8(5);
    return { size: undefined, window: 2 ** (10 + (window >>> 3)) * (1 + (window & 7) / 8) };
  }
  let size = width === 2 ? 256 : 0;
  for (let i = 0; i < width; i++) size += view.getUint8(at + i) * 2 ** (8 * i);
  return { size, window: 0 };
}

/** How many bytes of a frame's header the size of its content takes. */
function sizeBytes(descriptor: number): number {
  const flag = descriptor >>> 6;
  return flag === 0 ? (isSingleSegment(descriptor) ? 1 : 0) : 1 << flag;
}

/** Where the header ends. */
function headerEnd(descriptor: number): number {
  const dictionary = [0, 1, 2, 4][descriptor & 3] as number;
  return 5 + (isSingleSegment(descriptor) ? 0 : 1) + dictionary + sizeBytes(descriptor);
}

function isSingleSegment(descriptor: number): boolean {
  return (descriptor & 0x20) !== 0;
}
