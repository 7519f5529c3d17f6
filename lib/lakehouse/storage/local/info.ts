import type { BigIntStats } from "node:fs";
import type { ObjectInfo } from "../store.js";

export function etagOf(stats: BigIntStats): string {
  return [stats.size, stats.mtimeNs, stats.ino].map((n) => n.toString(36)).join("-");
}

export function describe(uri: string, stats: BigIntStats): ObjectInfo {
  return {
    uri,
    size: Number(stats.size),
    etag: etagOf(stats),
    lastModified: new Date(Number(stats.mtimeNs / 1_000_000n)),
  };
}
