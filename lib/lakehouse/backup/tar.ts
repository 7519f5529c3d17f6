import type { FileHandle } from "node:fs/promises";

/**
 * As much of a tar as a pack needs (POSIX ustar): regular files with short names. By hand, for what is written has to be
 * read at any place afterwards, of which the kept libraries, made for streams, know nothing.
 */
export interface TarMember {
  readonly name: string;
  /** Where its bytes begin in the file. */
  readonly start: number;
  /** In bytes. */
  readonly size: number;
}

export const BLOCK_BYTES = 512;
/** Two empty blocks end a tar. */
export const END_BYTES = 2 * BLOCK_BYTES;

const NAME = [0, 100] as const;
const SIZE = [124, 12] as const;
const CHECKSUM = [148, 8] as const;
const TYPE = 156;
const MAGIC = [257, 8] as const;
const REGULAR_FILE = "0".charCodeAt(0);
/** What eleven octal digits hold; larger sizes are binary, as GNU tar and others write them. */
const OCTAL_LIMIT = 8 ** 11;

export function padded(size: number): number {
  return Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
}

/** @param name at most 100 bytes of ASCII. */
export function encodeHeader(name: string, size: number): Uint8Array {
  const header = Buffer.alloc(BLOCK_BYTES);
  header.write(name, NAME[0], NAME[1], "ascii");
  header.write("0000644\0", 100, "ascii");
  header.write("0000000\0", 108, "ascii");
  header.write("0000000\0", 116, "ascii");
  if (size < OCTAL_LIMIT) header.write(`${octal(size, 11)}\0`, SIZE[0], "ascii");
  else {
    header[SIZE[0]] = 0x80;
    header.writeBigUInt64BE(BigInt(size), SIZE[0] + 4);
  }
  header.write(`${octal(0, 11)}\0`, 136, "ascii");
  header[TYPE] = REGULAR_FILE;
  header.write("ustar\x0000", MAGIC[0], "latin1");
  header.write(`${octal(checksumOf(header), 6)}\0 `, CHECKSUM[0], "ascii");
  return header;
}

/** Reads where the members are. Throws an Error that says what is wrong. */
export async function readMembers(handle: FileHandle, length: number): Promise<TarMember[]> {
  const members: TarMember[] = [];
  const header = Buffer.alloc(BLOCK_BYTES);
  for (let at = 0; ; ) {
    const { bytesRead } = await handle.read(header, 0, BLOCK_BYTES, at);
    if (bytesRead < BLOCK_BYTES) throw new Error(`it ends at byte ${length}, without the end of a tar`);
    if (header.every((byte) => byte === 0)) return members;
    const said = Number.parseInt(textOf(header, CHECKSUM), 8);
    if (said !== checksumOf(header)) throw new Error(`at byte ${at} is no header of a tar`);
    const start = at + BLOCK_BYTES;
    const size = sizeOf(header);
    if (start + size > length)
      throw new Error(`it is cut short: ${textOf(header, NAME)} goes on after byte ${length}`);
    if (header[TYPE] === REGULAR_FILE) members.push({ name: textOf(header, NAME), start, size });
    at = start + padded(size);
  }
}

function sizeOf(header: Buffer): number {
  const isBinary = ((header[SIZE[0]] as number) & 0x80) !== 0;
  return isBinary ? Number(header.readBigUInt64BE(SIZE[0] + 4)) : Number.parseInt(textOf(header, SIZE), 8);
}

/** The sum of the bytes, those of the sum itself taken for spaces. */
function checksumOf(header: Uint8Array): number {
  const [start, length] = CHECKSUM;
  let sum = length * 32;
  header.forEach((byte, index) => {
    if (index < start || index >= start + length) sum += byte;
  });
  return sum;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}

function textOf(header: Buffer, [start, length]: readonly [number, number]): string {
  return header
    .toString("latin1", start, start + length)
    .replace(/\0.*$/s, "")
    .trim();
}
