/** What the write-ahead log holds after a crash. */
import { crc32c } from "../../codecs/index.js";
import { corruptWal } from "../errors.js";
import type { Disk } from "./disk.js";
import {
  decodeEntries,
  decodeFileHeader,
  decodeGroupHeader,
  FILE_HEADER_BYTES,
  type FileHeader,
  GROUP_HEADER_BYTES,
  GROUP_MAGIC,
  type WalEntry,
} from "./layout.js";

/** A file of the log, replayed. */
export interface ReplayedFile {
  readonly name: string;
  readonly number: number;
  /** How many of its bytes count. */
  readonly end: number;
  readonly entries: readonly WalEntry[];
}

export interface Replayed {
  readonly files: readonly ReplayedFile[];
  /** A file that a crash left before it held anything. */
  readonly empty: string | undefined;
}

const NAME = /^(\d{12})\.wal$/;

export function fileName(number: number): string {
  return `${String(number).padStart(12, "0")}.wal`;
}

/** @throws LakehouseError CORRUPT_WAL where something is damaged or missing that was acknowledged; STORAGE_FAILED */
export async function replay(disk: Disk): Promise<Replayed> {
  const names = (await disk.list()).filter((name) => NAME.test(name)).sort();
  const files: ReplayedFile[] = [];
  let empty: string | undefined;
  const opened: { name: string; number: number; bytes: Uint8Array; header: FileHeader }[] = [];
  for (const [i, name] of names.entries()) {
    const bytes = await disk.read(name);
    const header = decodeFileHeader(bytes);
    const number = Number(NAME.exec(name)?.[1]);
    if (header === undefined) {
      // The header is on the disk before anything else is written to a file, or to a later one.
      if (i < names.length - 1 || bytes.length > FILE_HEADER_BYTES)
        throw damagedWal(disk, name, "its header is damaged");
      empty = name;
    } else if (header.number !== number)
      throw damagedWal(disk, name, `it was written as ${fileName(header.number)}`);
    else opened.push({ name, number, bytes, header });
  }
  for (const [i, { name, number, bytes, header }] of opened.entries()) {
    const next = opened[i + 1];
    if (next !== undefined && next.number !== number + 1)
      throw damagedWal(disk, fileName(number + 1), "it is missing between two others");
    files.push({ name, number, ...groupsOf(disk, name, bytes, header.salt, next?.header.previousEnd) });
  }
  return { files, empty };
}

/** @param wanted up to where the file has to be whole; `undefined` for the last, whose end may be torn. */
function groupsOf(disk: Disk, name: string, file: Uint8Array, salt: number, wanted: number | undefined) {
  const entries: WalEntry[] = [];
  let at = FILE_HEADER_BYTES;
  const end = wanted ?? file.length;
  while (at < end) {
    const group = groupAt(file, at, salt);
    if (group === undefined) {
      if (wanted !== undefined) throw damagedWal(disk, name, `its group at byte ${at} is damaged`);
      if (knownSynced(file, at, salt) > at)
        throw damagedWal(
          disk,
          name,
          `its group at byte ${at} is damaged, and later ones were written after it`,
        );
      break;
    }
    entries.push(...decodeEntries(group));
    at += GROUP_HEADER_BYTES + group.length;
  }
  if (wanted !== undefined && at !== wanted)
    throw damagedWal(disk, name, `it ends at byte ${file.length}, before ${wanted}`);
  return { entries, end: at };
}

function groupAt(file: Uint8Array, at: number, salt: number): Uint8Array | undefined {
  const header = decodeGroupHeader(file, at, salt);
  if (header === undefined) return undefined;
  const start = at + GROUP_HEADER_BYTES;
  const group = file.subarray(start, start + header.bytes);
  return group.length === header.bytes && crc32c(group) === header.crc ? group : undefined;
}

/** Up to where the groups behind a damaged one say that the file was on the disk. */
function knownSynced(file: Uint8Array, damagedAt: number, salt: number): number {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.length);
  let synced = 0;
  for (let at = bytes.indexOf(GROUP_MAGIC, damagedAt + 1); at >= 0; at = bytes.indexOf(GROUP_MAGIC, at + 1)) {
    synced = Math.max(synced, decodeGroupHeader(file, at, salt)?.syncedTo ?? 0);
  }
  return synced;
}

function damagedWal(disk: Disk, name: string, why: string) {
  return corruptWal(
    `${disk.place}/${name}`,
    `The write-ahead log's file ${disk.place}/${name} is damaged: ${why}. It holds acknowledged records that are not in the object store yet.`,
    "Restore the folder from a backup. To go on with what the object store has, and without the rest, move the folder away.",
  );
}
