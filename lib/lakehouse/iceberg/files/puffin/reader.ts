import { type ObjectStore, readTail } from "../../../storage/index.js";
import { decompress } from "./compression.js";
import { corrupt, decodeFooter, footerSize, hasMagic } from "./footer.js";
import type { PuffinBlobMetadata, PuffinFooter } from "./format.js";

/** Read in the first request: nearly every footer fits, and a small file comes whole. */
const TAIL = 16 * 1024;

/**
 * Reads a Puffin file's footer: in one request when it has less than 16 KiB, else in two.
 *
 * @param recorded the file's length in bytes as table metadata has it: a hint that saves asking the store
 * @throws OBJECT_NOT_FOUND; CORRUPT_FILE; UNSUPPORTED_FEATURE
 */
export async function readPuffinFooter(
  store: ObjectStore,
  uri: string,
  recorded?: number,
): Promise<PuffinFooter> {
  const { size, start, bytes: tail } = await readTail(store, uri, TAIL, recorded);
  // Where the head was read anyway it is checked; a request of its own it is not worth.
  if (start === 0 && !hasMagic(tail, 0)) throw corrupt(uri, "it does not begin with the magic PFA1");
  const length = footerSize(tail, size, uri);
  const footer =
    length <= tail.length
      ? tail.subarray(tail.length - length)
      : await store.read(uri, { start: size - length, end: size });
  return decodeFooter(footer, size, uri);
}

/**
 * Reads one blob and decompresses it.
 *
 * @throws OBJECT_NOT_FOUND; CORRUPT_FILE; UNSUPPORTED_FEATURE for an unknown codec
 */
export async function readPuffinBlob(
  store: ObjectStore,
  uri: string,
  blob: PuffinBlobMetadata,
): Promise<Uint8Array> {
  const bytes = await readContent(store, uri, blob.offset, blob.length);
  return blob.compressionCodec === undefined ? bytes : decompress(blob.compressionCodec, bytes, uri);
}

/**
 * Reads `length` bytes from `offset` on, for blobs that are known from elsewhere than the footer.
 *
 * @throws OBJECT_NOT_FOUND; CORRUPT_FILE when the file ends before
 */
export async function readContent(
  store: ObjectStore,
  uri: string,
  offset: bigint,
  length: bigint,
): Promise<Uint8Array> {
  if (offset < 0n || length < 0n || offset + length > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw corrupt(uri, `a blob is said to lie at ${offset} with ${length} bytes`);
  }
  const bytes = await store.read(uri, { start: Number(offset), end: Number(offset + length) });
  if (BigInt(bytes.length) !== length) throw corrupt(uri, `it ends within the blob at ${offset}`);
  return bytes;
}
