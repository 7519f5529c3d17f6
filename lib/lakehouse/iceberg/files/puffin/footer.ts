import { corruptFile, type LakehouseError, unsupported } from "../../../errors.js";
import { type JsonInput, type JsonNode, readJson, stringifyJson } from "../../model/json.js";
import { decompress } from "./compression.js";
import type { PuffinBlobMetadata, PuffinFooter } from "./format.js";
import { FLAG_FOOTER_COMPRESSED, FOOTER_STRUCT_SIZE, PUFFIN_MAGIC } from "./format.js";

/** The footer's bytes for these blobs, uncompressed: magic, payload, payload size, flags, magic. */
export function encodeFooter(
  blobs: readonly PuffinBlobMetadata[],
  properties: Readonly<Record<string, string>>,
): Uint8Array {
  const json: JsonInput = { blobs: blobs.map(blobToJson), properties: nonEmpty(properties) };
  const payload = new TextEncoder().encode(stringifyJson(json));
  const magic = PUFFIN_MAGIC.length;
  const bytes = new Uint8Array(magic + payload.length + FOOTER_STRUCT_SIZE);
  bytes.set(PUFFIN_MAGIC, 0);
  bytes.set(payload, magic);
  new DataView(bytes.buffer).setInt32(magic + payload.length, payload.length, true);
  bytes.set(PUFFIN_MAGIC, bytes.length - magic);
  return bytes;
}

function blobToJson(blob: PuffinBlobMetadata): JsonInput {
  return {
    type: blob.type,
    fields: blob.fields,
    "snapshot-id": blob.snapshotId,
    "sequence-number": blob.sequenceNumber,
    offset: blob.offset,
    length: blob.length,
    "compression-codec": blob.compressionCodec,
    properties: nonEmpty(blob.properties),
  };
}

function nonEmpty(
  properties: Readonly<Record<string, string>> | undefined,
): Record<string, string> | undefined {
  return properties === undefined || Object.keys(properties).length === 0 ? undefined : { ...properties };
}

/**
 * How long the whole footer is, by the last bytes of the file.
 *
 * @param tail the file's end, at least `FOOTER_STRUCT_SIZE` bytes of it
 * @throws CORRUPT_FILE when the file does not end as a Puffin file does
 */
export function footerSize(tail: Uint8Array, fileSize: number, subject: string): number {
  if (tail.length < FOOTER_STRUCT_SIZE || !hasMagic(tail, tail.length - PUFFIN_MAGIC.length)) {
    throw corrupt(subject, "it does not end with the magic PFA1");
  }
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  const payload = view.getInt32(tail.length - FOOTER_STRUCT_SIZE, true);
  const size = PUFFIN_MAGIC.length + payload + FOOTER_STRUCT_SIZE;
  if (payload < 0 || PUFFIN_MAGIC.length + size > fileSize) {
    throw corrupt(subject, `its footer claims ${payload} bytes of a file of ${fileSize}`);
  }
  return size;
}

/**
 * Reads a footer.
 *
 * @param footer exactly the footer: `footerSize` bytes from the end of the file
 * @throws CORRUPT_FILE; UNSUPPORTED_FEATURE for flags of a later version
 */
export function decodeFooter(footer: Uint8Array, fileSize: number, subject: string): PuffinFooter {
  if (!hasMagic(footer, 0)) throw corrupt(subject, "its footer does not begin with the magic PFA1");
  const end = footer.length - FOOTER_STRUCT_SIZE;
  const flags = new DataView(footer.buffer, footer.byteOffset + end + 4, 4).getUint32(0, true);
  if ((flags & ~FLAG_FOOTER_COMPRESSED) !== 0) {
    throw unsupported(
      subject,
      `${subject} has Puffin flags that this version does not know (0x${flags.toString(16)}).`,
    );
  }
  const stored = footer.subarray(PUFFIN_MAGIC.length, end);
  const payload = flags === FLAG_FOOTER_COMPRESSED ? decompress("lz4", stored, subject) : stored;
  const blobsEnd = BigInt(fileSize - footer.length);
  const root = readJson(utf8(payload, subject), { subject, kind: corruptFile });
  return {
    blobs: root
      .get("blobs")
      .array()
      .map((node) => blobFromJson(node, blobsEnd)),
    properties: root.optional("properties")?.stringMap() ?? {},
    fileSizeInBytes: BigInt(fileSize),
    footerSizeInBytes: BigInt(footer.length),
  };
}

function blobFromJson(node: JsonNode, blobsEnd: bigint): PuffinBlobMetadata {
  const offset = node.get("offset").long();
  const length = node.get("length").long();
  if (offset < BigInt(PUFFIN_MAGIC.length) || length < 0n || offset + length > blobsEnd) {
    node.fail(`lies at ${offset} with ${length} bytes, outside of the file's blobs`);
  }
  return {
    type: node.get("type").string(),
    fields: node
      .get("fields")
      .array()
      .map((field) => field.int()),
    snapshotId: node.get("snapshot-id").long(),
    sequenceNumber: node.get("sequence-number").long(),
    offset,
    length,
    compressionCodec: node.optional("compression-codec")?.string(),
    properties: node.optional("properties")?.stringMap(),
  };
}

export function hasMagic(bytes: Uint8Array, at: number): boolean {
  return PUFFIN_MAGIC.every((byte, i) => bytes[at + i] === byte);
}

function utf8(bytes: Uint8Array, subject: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw corrupt(subject, "its footer is not UTF-8", cause);
  }
}

export function corrupt(subject: string, detail: string, cause?: unknown): LakehouseError {
  return corruptFile(
    subject,
    `${subject} is no sound Puffin file: ${detail}.`,
    "Restore the file from a backup.",
    cause,
  );
}
