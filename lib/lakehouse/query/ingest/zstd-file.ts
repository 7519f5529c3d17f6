import { type FileHandle, open } from "node:fs/promises";

const CUT = "unexpected end of file";

/**
 * What is wrong with a file of Zstandard frames, if anything is: goes from block to block by their headers, to the end of
 * the last frame (RFC 8878, section 3.1).
 */
export async function zstdProblem(path: string): Promise<string | undefined> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    // DuckDB takes it for no rows; what is packed has a frame, also where it is nothing.
    if (size === 0) return CUT;
    let at = 0;
    while (at < size) {
      const next = await frameEnd(file, at, size);
      if (typeof next === "string") return next;
      at = next;
    }
    return undefined;
  } finally {
    await file.close();
  }
}

/** Where the frame that starts at a place ends, or what is wrong with it. */
async function frameEnd(file: FileHandle, start: number, size: number): Promise<number | string> {
  const bytes = new DataView(new ArrayBuffer(8));
  const { bytesRead } = await file.read(bytes, 0, 8, start);
  if (bytesRead < 5) return CUT;
  const magic = bytes.getUint32(0, true);
  if (magic >>> 4 === 0x184d2a5) {
    const end = start + 8 + bytes.getUint32(4, true);
    return bytesRead < 8 || end > size ? CUT : end;
  }
  if (magic !== 0xfd2fb528) return "it is no Zstandard frame";
  const descriptor = bytes.getUint8(4);
  const isSingle = (descriptor & 0x20) !== 0;
  const dictionary = [0, 1, 2, 4][descriptor & 3] as number;
  const content = [isSingle ? 1 : 0, 2, 4, 8][descriptor >>> 6] as number;
  let at = start + 5 + (isSingle ? 0 : 1) + dictionary + content;
  for (let isLast = false; !isLast; ) {
    const header = await file.read(bytes, 0, 3, at);
    if (header.bytesRead < 3) return CUT;
    const block = bytes.getUint16(0, true) | (bytes.getUint8(2) << 16);
    const kind = (block >>> 1) & 3;
    if (kind === 3) return "a block is of no kind that there is";
    isLast = (block & 1) === 1;
    // A run of one byte is that byte.
    at += 3 + (kind === 1 ? 1 : block >>> 3);
  }
  const end = at + ((descriptor & 4) === 0 ? 0 : 4);
  return end > size ? CUT : end;
}
