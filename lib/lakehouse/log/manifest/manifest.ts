/**
 * A partition's manifest: an object beside its segments that says which of the older ones count. It is JSON, and behind a
 * line break the CRC-32C of that in hexadecimal digits.
 *
 * Segments from number `next` on are found by their numbers, as they are put; below it, only those count that the manifest
 * lists. So a number below `next` may be free again, and whoever puts one is no longer the partition's writer.
 */
import { crc32c } from "../../codecs/index.js";
import { corruptFile, unsupported } from "../../errors.js";
import type { StoredSegment } from "../segment/layout.js";

/** Objects that count no more. They are deleted when who read the manifest before can be done with them. */
export interface Doomed {
  readonly object: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/** Where a leader's epoch began in a partition. */
export interface EpochStart {
  readonly epoch: number;
  /** Its first offset. */
  readonly start: bigint;
}

export interface Manifest {
  /** Grows by one with each change. */
  readonly revision: number;
  /** Of whom the last change is. */
  readonly writerId: bigint;
  /** The first offset that readers may have: the log start offset. */
  readonly start: bigint;
  /** The first segment number that the manifest does not speak of. */
  readonly next: number;
  /** The base offset of the segment of that number. */
  readonly nextOffset: bigint;
  /** Up to here, of each key only the latest record is kept, as far as the topic is compacted. */
  readonly cleaned: bigint;
  /** Those below `next` that count, in their order. */
  readonly segments: readonly StoredSegment[];
  readonly doomed: readonly Doomed[];
  /** Of the epochs whose first batch compaction has taken, where they began: of the others the batches say it. In their order. */
  readonly epochs: readonly EpochStart[];
}

const VERSION = 1;
const CRC_DIGITS = 8;

/** Of a partition that has segments in their numbers alone, or none. */
export function firstManifest(): Manifest {
  return {
    revision: 0,
    writerId: 0n,
    start: 0n,
    next: 0,
    nextOffset: 0n,
    cleaned: 0n,
    segments: [],
    doomed: [],
    epochs: [],
  };
}

const BIGINTS = new Set([
  "writerId",
  "start",
  "nextOffset",
  "cleaned",
  "baseOffset",
  "maxTimestamp",
  "lastStable",
]);

export function encodeManifest(manifest: Manifest): Uint8Array {
  const text = JSON.stringify({ version: VERSION, ...manifest }, (_, value) =>
    typeof value === "bigint" ? String(value) : value,
  );
  return Buffer.from(`${text}\n${crcOf(text)}`);
}

/** @throws LakehouseError CORRUPT_FILE, UNSUPPORTED_FEATURE */
export function decodeManifest(bytes: Uint8Array, uri: string): Manifest {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
  const text = whole.slice(0, -CRC_DIGITS - 1);
  if (whole !== `${text}\n${crcOf(text)}`)
    throw corruptFile(
      uri,
      `The partition's manifest ${uri} does not have its checksum.`,
      "Restore it from a backup: it says which of the partition's older segments count.",
    );
  const {
    version,
    epochs = [],
    ...manifest
  } = JSON.parse(text, (key, value) => (BIGINTS.has(key) ? BigInt(value) : value)) as Omit<
    Manifest,
    "epochs"
  > & { readonly epochs?: Manifest["epochs"]; readonly version: number };
  if (version !== VERSION)
    throw unsupported(
      uri,
      `The partition's manifest ${uri} has version ${version}, where ${VERSION} is understood.`,
      "Use the version of this library that wrote it, or a later one.",
    );
  return { ...manifest, epochs };
}

function crcOf(text: string): string {
  return crc32c(Buffer.from(text)).toString(16).padStart(CRC_DIGITS, "0");
}
