import { crc32 } from "../../../codecs/index.js";
import { corruptFile, invalidMetadata, type LakehouseError, unsupported } from "../../../errors.js";
import type { ObjectStore } from "../../../storage/index.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import { readContent } from "../puffin/reader.js";
import { PositionBitmap } from "./position-bitmap.js";

/** The Puffin blob type of deletion vectors (Puffin spec, "Blob types"). */
export const DELETION_VECTOR = "deletion-vector-v1";

const MAGIC = 0xd1d33964;
const LENGTH_SIZE = 4;
const MAGIC_SIZE = 4;
const CRC_SIZE = 4;
const OVERHEAD = LENGTH_SIZE + MAGIC_SIZE + CRC_SIZE;
/** Java holds a blob in one array, so no larger one is written. */
const MAX_LENGTH = 0x7fffffff;

/**
 * The blob of a deletion vector: length of magic and bitmap (big-endian), magic, bitmap, CRC-32 of magic and
 * bitmap (big-endian).
 */
export function encodeDeletionVector(positions: PositionBitmap): Uint8Array {
  const bitmap = positions.serialize();
  const size = OVERHEAD + bitmap.length;
  if (size > MAX_LENGTH) {
    throw unsupported(
      DELETION_VECTOR,
      `A deletion vector of ${size} bytes is larger than the 2 GiB that readers take.`,
      "Rewrite the data file without the deleted rows.",
    );
  }
  const blob = new Uint8Array(size);
  const view = new DataView(blob.buffer);
  view.setUint32(0, MAGIC_SIZE + bitmap.length);
  view.setUint32(LENGTH_SIZE, MAGIC);
  blob.set(bitmap, LENGTH_SIZE + MAGIC_SIZE);
  view.setUint32(size - CRC_SIZE, crc32(blob.subarray(LENGTH_SIZE, size - CRC_SIZE)));
  return blob;
}

/**
 * Reads the blob of a deletion vector.
 *
 * @param subject what the blob is, for errors
 * @throws CORRUPT_FILE when length, magic, checksum or bitmap are wrong
 */
export function decodeDeletionVector(blob: Uint8Array, subject: string): PositionBitmap {
  if (blob.length < OVERHEAD) throw corrupt(subject, `it has ${blob.length} bytes`);
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  const length = view.getUint32(0);
  if (length !== blob.length - LENGTH_SIZE - CRC_SIZE) {
    throw corrupt(subject, `it claims ${length} bytes of bitmap in a blob of ${blob.length}`);
  }
  const magic = view.getUint32(LENGTH_SIZE);
  if (magic !== MAGIC) throw corrupt(subject, `its magic is 0x${magic.toString(16)}`);
  const checksum = crc32(blob.subarray(LENGTH_SIZE, blob.length - CRC_SIZE));
  if (checksum !== view.getUint32(blob.length - CRC_SIZE))
    throw corrupt(subject, "its checksum does not match");
  const bitmap = blob.subarray(LENGTH_SIZE + MAGIC_SIZE, blob.length - CRC_SIZE);
  return PositionBitmap.deserialize(bitmap, subject);
}

/** Whether a delete file is a deletion vector. */
export function isDeletionVector(deleteFile: DataFile): boolean {
  return deleteFile.content === "position-deletes" && deleteFile.fileFormat === "puffin";
}

/**
 * Reads a deletion vector by what its manifest entry says of it: one ranged read, no footer.
 *
 * @throws OBJECT_NOT_FOUND; CORRUPT_FILE, also when its cardinality is not the entry's record count;
 *   INVALID_METADATA when the entry lacks the place of the blob
 */
export async function readDeletionVector(store: ObjectStore, deleteFile: DataFile): Promise<PositionBitmap> {
  const { filePath, contentOffset, contentSizeInBytes, referencedDataFile } = deleteFile;
  if (contentOffset === undefined || contentSizeInBytes === undefined || referencedDataFile === undefined) {
    throw invalidMetadata(
      filePath,
      `The manifest entry of a deletion vector in ${filePath} lacks content_offset, content_size_in_bytes or referenced_data_file.`,
    );
  }
  const subject = `${filePath} at ${contentOffset}`;
  const blob = await readContent(store, filePath, contentOffset, contentSizeInBytes);
  const positions = decodeDeletionVector(blob, subject);
  const { cardinality } = positions;
  if (BigInt(cardinality) !== deleteFile.recordCount) {
    throw corrupt(
      subject,
      `it deletes ${cardinality} rows, its manifest entry says ${deleteFile.recordCount}`,
    );
  }
  return positions;
}

function corrupt(subject: string, detail: string): LakehouseError {
  return corruptFile(
    subject,
    `The deletion vector ${subject} cannot be read: ${detail}.`,
    "Restore the file from a backup, or roll back to a snapshot before it.",
  );
}
