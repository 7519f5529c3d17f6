/**
 * A file of the write-ahead log, version 1. Integers are big-endian.
 *
 * ```
 * header   32 bytes
 *    0  "SLHWAL" and the version (2)    8  number of the file (8)   16  how much of the file before counts (8)
 *   24  random (4)                     28  CRC-32C of 0 to 27
 * group    what one flush has brought to the disk
 *    0  "WALG"    4  bytes of its entries (4)    8  up to where the file was on the disk before (8)
 *   16  CRC-32C of its entries (4)             20  CRC-32C of 0 to 19, which begins with the file's random number
 * entry
 *    0  topic id (16)    16  partition (4)    20  bytes of the batch (4)    24  a record batch, its base offset set
 * ```
 *
 * Several groups may be on their way to the disk at once, each to its own place. So a crash may leave a torn group, and
 * whole ones behind it: of none of them was anything acknowledged, since that goes in order. Anything else that does not
 * check is damage to what was: a later group that says that the place was on the disk tells one from the other. Records
 * are what clients want them to be, and may hold what looks like a group: without the file's number it is none.
 */
import { crc32c } from "../../codecs/index.js";
import { viewOf } from "../records/header.js";
import { idBytes, idText } from "../segment/layout.js";

export const FILE_HEADER_BYTES = 32;
export const GROUP_HEADER_BYTES = 24;
export const ENTRY_HEADER_BYTES = 24;
const VERSION = 1;
const FILE_MAGIC = Buffer.from("SLHWAL", "latin1");
export const GROUP_MAGIC = Buffer.from("WALG", "latin1");

/** A batch of a partition, on its way to the disk or from it. */
export interface WalEntry {
  readonly topicId: string;
  readonly partition: number;
  readonly batch: Uint8Array;
}

export interface FileHeader {
  readonly number: number;
  /** How many bytes of the file before this one count: what follows there was never acknowledged. */
  readonly previousEnd: number;
  /** A random number that no client knows; 0 in files of earlier releases. */
  readonly salt: number;
}

export function encodeFileHeader({ number, previousEnd, salt }: FileHeader): Uint8Array {
  const bytes = Buffer.alloc(FILE_HEADER_BYTES);
  bytes.set(FILE_MAGIC, 0);
  bytes.writeUInt16BE(VERSION, 6);
  bytes.writeBigUInt64BE(BigInt(number), 8);
  bytes.writeBigUInt64BE(BigInt(previousEnd), 16);
  bytes.writeUInt32BE(salt, 24);
  bytes.writeUInt32BE(crc32c(bytes.subarray(0, 28)), 28);
  return bytes;
}

/** `undefined` where it is torn. */
export function decodeFileHeader(bytes: Uint8Array): FileHeader | undefined {
  if (bytes.length < FILE_HEADER_BYTES) return undefined;
  const view = viewOf(bytes);
  if (!FILE_MAGIC.equals(bytes.subarray(0, FILE_MAGIC.length))) return undefined;
  if (view.getUint32(28) !== crc32c(bytes.subarray(0, 28))) return undefined;
  return {
    number: Number(view.getBigUint64(8)),
    previousEnd: Number(view.getBigUint64(16)),
    salt: view.getUint32(24),
  };
}

/**
 * A group, in chunks.
 *
 * @param syncedTo up to where the file is on the disk already, without a hole.
 * @param salt of the file.
 */
export function encodeGroup(entries: readonly WalEntry[], syncedTo: number, salt: number): Uint8Array[] {
  const header = Buffer.alloc(GROUP_HEADER_BYTES);
  const chunks: Uint8Array[] = [header];
  let crc = 0;
  let bytes = 0;
  for (const { topicId, partition, batch } of entries) {
    const entry = Buffer.allocUnsafe(ENTRY_HEADER_BYTES);
    entry.set(idBytes(topicId), 0);
    entry.writeUInt32BE(partition, 16);
    entry.writeUInt32BE(batch.length, 20);
    chunks.push(entry, batch);
    crc = crc32c(batch, crc32c(entry, crc));
    bytes += entry.length + batch.length;
  }
  header.set(GROUP_MAGIC, 0);
  header.writeUInt32BE(bytes, 4);
  header.writeBigUInt64BE(BigInt(syncedTo), 8);
  header.writeUInt32BE(crc, 16);
  header.writeUInt32BE(crc32c(header.subarray(0, 20), salt), 20);
  return chunks;
}

export interface GroupHeader {
  readonly bytes: number;
  readonly syncedTo: number;
  readonly crc: number;
}

/** `undefined` where no group's header stands at `at`. @param salt of the file. */
export function decodeGroupHeader(file: Uint8Array, at: number, salt: number): GroupHeader | undefined {
  if (at + GROUP_HEADER_BYTES > file.length) return undefined;
  const view = viewOf(file);
  if (!GROUP_MAGIC.equals(file.subarray(at, at + GROUP_MAGIC.length))) return undefined;
  if (view.getUint32(at + 20) !== crc32c(file.subarray(at, at + 20), salt)) return undefined;
  return {
    bytes: view.getUint32(at + 4),
    syncedTo: Number(view.getBigUint64(at + 8)),
    crc: view.getUint32(at + 16),
  };
}

/** The entries of a group whose checksum was right. The batches are views. */
export function decodeEntries(group: Uint8Array): WalEntry[] {
  const view = viewOf(group);
  const entries: WalEntry[] = [];
  for (let at = 0; at < group.length; ) {
    const start = at + ENTRY_HEADER_BYTES;
    const end = start + view.getUint32(at + 20);
    entries.push({
      topicId: idText(group.subarray(at, at + 16)),
      partition: view.getUint32(at + 16),
      batch: group.subarray(start, end),
    });
    at = end;
  }
  return entries;
}
