import type { BlobMetadata } from "../../model/metadata/types.js";

/** `PFA1`: at the start of the file, at the start of the footer and at its end. */
export const PUFFIN_MAGIC = Uint8Array.of(0x50, 0x46, 0x41, 0x31);

/** Payload size, flags and magic: what stands behind the footer's payload. */
export const FOOTER_STRUCT_SIZE = 12;

/** Bit 0 of the flags' first byte. All other bits are reserved. */
export const FLAG_FOOTER_COMPRESSED = 1;

/** A blob of a Puffin file, as the footer describes it (Puffin spec, "BlobMetadata"). */
export interface PuffinBlobMetadata extends BlobMetadata {
  /** Where the blob starts in the file, in bytes. */
  readonly offset: bigint;
  /** Bytes in the file, that is after compression. */
  readonly length: bigint;
  /** `lz4` or `zstd`; absent for a blob that is not compressed. */
  readonly compressionCodec?: string | undefined;
}

/** A Puffin file's footer (Puffin spec, "FileMetadata"). */
export interface PuffinFooter {
  readonly blobs: readonly PuffinBlobMetadata[];
  /** For instance `created-by`. */
  readonly properties: Readonly<Record<string, string>>;
  readonly fileSizeInBytes: bigint;
  /** From the footer's first magic to the end of the file. */
  readonly footerSizeInBytes: bigint;
}
