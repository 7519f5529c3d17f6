import type { LakehouseError } from "../../errors.js";
import { badSetting } from "../errors.js";

export interface FileCacheOptions {
  /** Directory of the cache, made where it is missing. Each process has its own part of it. */
  readonly dir: string;
  /** Bytes that the cache may hold on the disk. What is held for use may exceed it for that time. */
  readonly maxBytes: number;
  /**
   * Milliseconds after which the bytes of a file are read and held against their checksums before it is used again, even
   * though the file looks untouched. Default 600,000; 0 for every use, which costs about 1 ms for a mebibyte.
   */
  readonly verifyAfterMs?: number | undefined;
}

/**
 * Reads `SLH_CACHE_DIR` and `SLH_CACHE_BYTES`: a number of bytes, or one with a unit, such as `500MB` or `16GiB`.
 *
 * @throws INVALID_CONFIG for a size that is none.
 */
export function fileCacheOptionsFromEnv(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Partial<FileCacheOptions> {
  const { SLH_CACHE_DIR: dir, SLH_CACHE_BYTES: size } = env;
  return { ...(dir && { dir }), ...(size && { maxBytes: parseBytes("SLH_CACHE_BYTES", size) }) };
}

/** @throws INVALID_CONFIG */
export function checkCacheOptions({ dir, maxBytes }: FileCacheOptions): void {
  if (Number.isFinite(maxBytes) && maxBytes >= 0) return;
  throw invalidSize(dir, `${maxBytes}`);
}

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};

function parseBytes(subject: string, text: string): number {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim()) ?? [];
  const factor = UNITS[unit.toUpperCase()];
  if (number === undefined || factor === undefined) throw invalidSize(subject, JSON.stringify(text));
  return Math.floor(Number(number) * factor);
}

function invalidSize(subject: string, text: string): LakehouseError {
  return badSetting(
    subject,
    `${text} is no size of a cache`,
    "Use a number of bytes, or one with a unit: 500MB, 16GiB.",
  );
}
