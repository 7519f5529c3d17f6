/**
 * Checksums. CRC-32 is Node's own. CRC-32C (Castagnoli, RFC 3720) is native too: it takes the processor's instruction,
 * a hundred times as fast as a table in JavaScript. Both go on from an earlier value.
 */
import { crc32 as nodeCrc32 } from "node:zlib";
import { lazy } from "./lazy.js";

const native = lazy<typeof import("@node-rs/crc32")>("@node-rs/crc32");

export function crc32(bytes: Uint8Array, before = 0): number {
  return nodeCrc32(bytes, before);
}

export function crc32c(bytes: Uint8Array, before = 0): number {
  return native().crc32c(bytes, before);
}
