import { type FileHandle, open } from "node:fs/promises";
import { crc32 } from "../../codecs/index.js";
import { isMissing, systemCode } from "../failure.js";
import type { ByteRange } from "../store.js";

/** A stretch of a file, and the CRC-32 of the bytes that were written there. */
export interface Piece extends ByteRange {
  readonly crc: number;
}

/** What a file looked like when its bytes were last known to be right. */
export interface Seal {
  readonly signature: string;
  /** `performance.now()` of that moment. */
  readonly at: number;
}

const BLOCK_BYTES = 1024 * 1024;

/**
 * The seal of a file as it is now. The change time is the kernel's own: no program can set it back, as it can the
 * modification time.
 */
export async function sealOf(handle: FileHandle): Promise<Seal> {
  const { ino, size, mtimeNs, ctimeNs } = await handle.stat({ bigint: true });
  return { signature: `${ino} ${size} ${mtimeNs} ${ctimeNs}`, at: performance.now() };
}

/**
 * Looks whether a file still has the bytes that were written. Where it looks as it did at its seal, and that is not
 * longer ago than `maxAgeMs`, its bytes are not read.
 *
 * @param size that the file must have in bytes: pieces do not tell of bytes behind the last.
 * @returns a seal that holds from now on; undefined where the file is missing, cut or damaged.
 */
export async function reseal(
  file: string,
  size: number,
  pieces: readonly Piece[],
  seal: Seal | undefined,
  maxAgeMs: number,
): Promise<Seal | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(file, "r");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    if ((await handle.stat()).size !== size) return undefined;
    const now = await sealOf(handle);
    if (seal?.signature === now.signature && now.at - seal.at < maxAgeMs) return seal;
    for (const piece of pieces) if (!(await isIntact(handle, piece))) return undefined;
    return now;
  } catch (error) {
    // What the disk cannot give back is lost to us as well.
    if (systemCode(error) === "EIO") return undefined;
    throw error;
  } finally {
    await handle.close();
  }
}

async function isIntact(handle: FileHandle, { start, end, crc }: Piece): Promise<boolean> {
  const block = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, end - start));
  let sum = 0;
  for (let at = start; at < end; ) {
    const { bytesRead } = await handle.read(block, 0, Math.min(block.length, end - at), at);
    if (bytesRead === 0) return false;
    sum = crc32(block.subarray(0, bytesRead), sum);
    at += bytesRead;
  }
  return sum === crc;
}
