import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import type { DuckDBConnection } from "@duckdb/node-api";
import { corruptFile } from "../../errors.js";
import { ask } from "../duckdb/open.js";
import type { FileReference } from "../sql/files.js";
import type { SourceFile } from "./files.js";

const GZIP = new Set(["gz", "gzip"]);
const PLAIN = new Set(["", "none"]);
const ZSTD = new Set(["zst", "zstd"]);

/** What a file's ending says of its compression; empty for none. */
const compressionOf = (path: string) => /\.(gz|zst)$/i.exec(path)?.[1]?.toLowerCase() ?? "";

/**
 * Refuses a compressed file that is cut short: DuckDB takes the end of the bytes for the end of the rows, and would leave
 * out the rest, and half of a row, in silence.
 *
 * @param compression as DuckDB calls it; by the file's ending where not given.
 * @throws LakehouseError CORRUPT_FILE
 */
export async function requireWhole(
  { name, path }: SourceFile,
  compression = compressionOf(path),
): Promise<void> {
  const problem = GZIP.has(compression)
    ? await gzipProblem(path)
    : ZSTD.has(compression)
      ? await zstdProblem(path)
      : undefined;
  if (problem === undefined) return;
  throw corruptFile(name, `${name} cannot be unpacked: ${problem}.`, "Get the whole file again.");
}

/** Refuses files that are cut short among those that a user's statement reads. */
export async function requireWholeFiles(
  connection: DuckDBConnection,
  references: readonly FileReference[],
): Promise<void> {
  for (const { paths, compression } of references) {
    const isKnown = compression !== undefined && !/^(auto|auto_detect|infer)$/.test(compression);
    for (const path of await pathsOf(connection, paths)) {
      const file = { name: path, path };
      const by = isKnown ? compression : undefined;
      await requireWhole(file, by);
      if (/\.(json|ndjson|jsonl)(\.gz)?$/i.test(path)) await requireClosed(file, by);
    }
  }
}

async function pathsOf(connection: DuckDBConnection, paths: string): Promise<string[]> {
  try {
    // A comment at their end shall not reach what follows.
    return (await ask(connection, `SELECT file FROM glob(${paths}\n)`)).map(([file]) => file as string);
  } catch {
    // What cannot be found for one of DuckDB's functions cannot for the other: the statement says so, at its place.
    return [];
  }
}

/**
 * Refuses JSON that ends after a comma: DuckDB takes what it has read for all of the array. That its bracket is missing it
 * says anywhere else. What Zstandard has packed is not looked at.
 *
 * @throws LakehouseError CORRUPT_FILE
 */
export async function requireClosed(
  { name, path }: SourceFile,
  compression = compressionOf(path),
): Promise<void> {
  const last = GZIP.has(compression)
    ? await lastUnpacked(path)
    : PLAIN.has(compression)
      ? await lastOf(path)
      : undefined;
  if (last !== ",") return;
  throw corruptFile(
    name,
    `${name} ends after a comma: the rest of it is missing.`,
    "Get the whole file again.",
  );
}

/** Bytes of a file's end that are read at once. */
const END_BYTES = 4096;

/** The last character of a file that is no space. */
async function lastOf(path: string): Promise<string> {
  const file = await open(path);
  try {
    let { size: end } = await file.stat();
    let text = "";
    while (end > 0 && text === "") {
      const start = Math.max(0, end - END_BYTES);
      const { buffer } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
      text = buffer.toString("latin1").trimEnd();
      end = start;
    }
    return text.slice(-1);
  } finally {
    await file.close();
  }
}

async function lastUnpacked(path: string): Promise<string> {
  let last = "";
  await pipeline(createReadStream(path), createGunzip(), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) last = chunk.toString("latin1").trimEnd().slice(-1) || last;
  });
  return last;
}

/** Only its end has the checksum: all of it is unpacked. */
async function gzipProblem(path: string): Promise<string | undefined> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  try {
    await pipeline(createReadStream(path), createGunzip(), nowhere);
    return undefined;
  } catch (cause) {
    if (!(cause as NodeJS.ErrnoException).code?.startsWith("Z_")) throw cause;
    return (cause as Error).message;
  }
}

const CUT = "unexpected end of file";

/** Goes from block to block by their headers, to the end of the last frame (RFC 8878, section 3.1). */
async function zstdProblem(path: string): Promise<string | undefined> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
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
