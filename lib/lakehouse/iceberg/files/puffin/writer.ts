import type { ObjectStore } from "../../../storage/index.js";
import type { BlobMetadata } from "../../model/metadata/types.js";
import { encodeFooter } from "./footer.js";
import { PUFFIN_MAGIC, type PuffinBlobMetadata } from "./format.js";

/** A blob to write: what it is and its bytes, which are stored as they are. */
export interface PuffinBlob extends BlobMetadata {
  readonly data: Uint8Array;
}

/** What was written, with all that table metadata records of it. */
export interface WrittenPuffin {
  readonly uri: string;
  readonly fileSizeInBytes: bigint;
  /** From the footer's first magic to the end of the file. */
  readonly footerSizeInBytes: bigint;
  /** In the order given, with their places in the file. */
  readonly blobs: readonly PuffinBlobMetadata[];
}

const CREATED_BY = "SoloLakehouse";

/**
 * Writes a Puffin file, blob by blob as they come, so that only one is held at a time. Blobs are not compressed:
 * deletion vectors must not be, and sketches hardly shrink.
 *
 * @param properties of the file; `created-by` is set unless given
 * @throws PRECONDITION_FAILED when the object exists: Puffin files are never changed
 */
export async function writePuffin(
  store: ObjectStore,
  uri: string,
  blobs: Iterable<PuffinBlob> | AsyncIterable<PuffinBlob>,
  properties: Readonly<Record<string, string>> = {},
): Promise<WrittenPuffin> {
  const written: PuffinBlobMetadata[] = [];
  let offset = 0n;
  let footerSizeInBytes = 0n;
  async function* body(): AsyncGenerator<Uint8Array> {
    yield PUFFIN_MAGIC;
    offset = BigInt(PUFFIN_MAGIC.length);
    for await (const { data, ...metadata } of blobs) {
      const length = BigInt(data.length);
      written.push({ ...metadata, offset, length });
      offset += length;
      yield data;
    }
    const footer = encodeFooter(written, { "created-by": CREATED_BY, ...properties });
    footerSizeInBytes = BigInt(footer.length);
    offset += footerSizeInBytes;
    yield footer;
  }
  await store.put(uri, body(), { ifAbsent: true });
  return { uri, fileSizeInBytes: offset, footerSizeInBytes, blobs: written };
}
