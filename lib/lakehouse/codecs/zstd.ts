/**
 * Zstandard (RFC 8878). Compression is the C library as WebAssembly; decompression is JavaScript, at half its speed,
 * since Avro and Puffin decode without waiting and WebAssembly has to be compiled first. Node has its own from 22.15
 * on: when that is the oldest that is supported, it takes the place of both.
 */
import { brokenInstall, type LakehouseError, unsupported } from "../errors.js";
import { InvalidBytes } from "./invalid-bytes.js";
import { lazy } from "./lazy.js";

const fzstd = lazy<typeof import("fzstd")>("fzstd");

const MAGIC = 0xfd2fb528;
/** A block holds at most 128 KiB and takes at least 4 bytes, so a claim beyond this is false. */
const BLOCK_BYTES = 128 * 1024;
const LEAST_BLOCK = 4;
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
  if (compressor === undefined) throw new Error("prepareZstd has not been awaited");
  if (isSpoilt) throw outOfMemory();
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
  if (bytes.length > (proven[level] ?? -1)) {
    if (!standsFor(frame, bytes)) {
      isSpoilt = true;
      throw outOfMemory();
    }
    proven[level] = bytes.length;
  }
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
    content = fzstd().decompress(frames);
  } catch (cause) {
    throw new InvalidBytes("the zstd frame is damaged", { cause });
  }
  if (content.length > limit || content.length < (size ?? 0))
    throw new InvalidBytes(`the zstd frame holds ${content.length} bytes, not ${size ?? limit}`);
  return content;
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
  const singleSegment = (descriptor & 0x20) !== 0;
  const flag = descriptor >>> 6;
  const width = flag === 0 ? (singleSegment ? 1 : 0) : 1 << flag;
  const at = 5 + (singleSegment ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] as number);
  if (at + width > frame.length) throw new InvalidBytes("the zstd frame ends early");
  if (width === 0) {
    const window = view.getUint8(5);
    return { size: undefined, window: 2 ** (10 + (window >>> 3)) * (1 + (window & 7) / 8) };
  }
  let size = width === 2 ? 256 : 0;
  for (let i = 0; i < width; i++) size += view.getUint8(at + i) * 2 ** (8 * i);
  return { size, window: 0 };
}
