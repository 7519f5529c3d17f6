import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import type { DuckDBConnection } from "@duckdb/node-api";
import { decompressZstdStream, InvalidBytes } from "../../codecs/index.js";
import { corruptFile, type LakehouseError } from "../../errors.js";
import { ask } from "../duckdb/open.js";
import type { FileReference } from "../sql/files.js";
import type { SourceFile } from "./files.js";
import { zstdProblem } from "./zstd-file.js";

const GZIP = new Set(["gz", "gzip"]);
const PLAIN = new Set(["", "none"]);
const ZSTD = new Set(["zst", "zstd"]);

/** What a file's ending says of its compression to DuckDB, which looks no further than a question mark; empty for none. */
const compressionOf = (path: string) => /\.(gz|zst)$/.exec(path.split("?", 1)[0] as string)?.[1] ?? "";

export interface Text {
  readonly isJson: boolean;
  /** As DuckDB calls it; by the file's ending where not given. */
  readonly compression?: string | undefined;
}

/**
 * Refuses a file of text that is cut short where DuckDB gives the rows before the cut, and says nothing: a compressed one
 * anywhere, since it takes the end of the bytes for the end of the rows; an array of JSON after a comma, since it takes what
 * it has read for all of the array. That its bracket is missing it says anywhere else.
 *
 * @throws LakehouseError CORRUPT_FILE
 */
export async function requireWhole(
  { name, path }: Pick<SourceFile, "name" | "path">,
  text: Text,
): Promise<void> {
  const { problem, last } = await endOf(path, text);
  if (problem !== undefined) throw cut(name, `${name} cannot be unpacked: ${problem}.`);
  if (text.isJson && last === ",") throw cut(name, `${name} ends after a comma: the rest of it is missing.`);
}

function cut(name: string, message: string): LakehouseError {
  return corruptFile(name, message, "Get the whole file again.");
}

/** Refuses files that are cut short among those that a user's statement reads. */
export async function requireWholeFiles(
  connection: DuckDBConnection,
  references: readonly FileReference[],
): Promise<void> {
  for (const { paths, compression, isJson } of references) {
    const isKnown = compression !== undefined && !/^(auto|auto_detect|infer)$/.test(compression);
    for (const path of await pathsOf(connection, paths)) {
      await requireWhole(
        { name: path, path },
        { isJson: isJson ?? JSON_FILE.test(path), compression: isKnown ? compression : undefined },
      );
    }
  }
}

/** Files that DuckDB reads as JSON where a statement names them alone. */
const JSON_FILE = /\.(json|ndjson|jsonl)(\.gz|\.zst)?$/i;

async function pathsOf(connection: DuckDBConnection, paths: string): Promise<string[]> {
  try {
    // A comment at their end shall not reach what follows.
    return (await ask(connection, `SELECT file FROM glob(${paths}\n)`)).map(([file]) => file as string);
  } catch {
    // What cannot be found for one of DuckDB's functions cannot for the other: the statement says so, at its place.
    return [];
  }
}

interface End {
  /** Why the file is not whole. */
  readonly problem?: string | undefined;
  /** Its last character that is no space, of JSON; of what Zstandard has packed, of an array alone. */
  readonly last?: string | undefined;
}

async function endOf(path: string, { isJson, compression = compressionOf(path) }: Text): Promise<End> {
  if (GZIP.has(compression)) return gzipEnd(path);
  if (ZSTD.has(compression)) {
    const problem = await zstdProblem(path);
    return problem === undefined && isJson ? zstdEnd(path) : { problem };
  }
  return isJson && PLAIN.has(compression) ? { last: await lastOf(path) } : {};
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
      text = trimmed(buffer);
      end = start;
    }
    return text.slice(-1);
  } finally {
    await file.close();
  }
}

const trimmed = ({ buffer, byteOffset, byteLength }: Uint8Array) =>
  Buffer.from(buffer, byteOffset, byteLength).toString("latin1").trim();

/** Only its end has the checksum: all of it is unpacked. */
async function gzipEnd(path: string): Promise<End> {
  let last = "";
  try {
    await pipeline(createReadStream(path), createGunzip(), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) last = trimmed(chunk).slice(-1) || last;
    });
    return { last };
  } catch (cause) {
    if (!(cause as NodeJS.ErrnoException).code?.startsWith("Z_")) throw cause;
    return { problem: (cause as Error).message };
  }
}

/**
 * It is unpacked here a second time, and slower, which objects one after the other are spared: DuckDB refuses a comma after
 * one of them.
 */
async function zstdEnd(path: string): Promise<End> {
  let last = "";
  try {
    for await (const piece of decompressZstdStream(createReadStream(path))) {
      const text = trimmed(piece);
      // An array, maybe after a byte order mark.
      if (last === "" && /^[^[\xef]/.test(text)) return {};
      last = text.slice(-1) || last;
    }
    return { last };
  } catch (cause) {
    if (!(cause instanceof InvalidBytes)) throw cause;
    return { problem: cause.message };
  }
}
