import { read, readSync } from "node:fs";
import { promisify } from "node:util";

/** So many bytes are read at once: a turn through the thread pool takes ten times as long as they do. */
const READ_NOW_BYTES = 128 * 1024;
const readLater = promisify(read);

/** Fills `bytes` from `position`; the count is short only at the end of the file. */
export async function readInto(fd: number, bytes: Uint8Array, position: number): Promise<number> {
  let filled = 0;
  while (filled < bytes.byteLength) {
    const left = bytes.byteLength - filled;
    const length =
      left <= READ_NOW_BYTES
        ? readSync(fd, bytes, filled, left, position + filled)
        : (await readLater(fd, bytes, filled, left, position + filled)).bytesRead;
    if (length === 0) break;
    filled += length;
  }
  return filled;
}
