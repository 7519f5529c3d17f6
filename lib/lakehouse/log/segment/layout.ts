/**
 * A segment: one object of the store with consecutive record batches of one partition. Nothing in it changes after it
 * was written. Integers are big-endian, as in the batches. Version 2, byte by byte:
 *
 * ```
 * header   64 bytes
 *    0  "SLHSEG" and the version (2 bytes)     8  topic id (16)      24  partition (4)     28  epoch (4)
 *   32  sequence (8)    40  base offset (8)   48  writer id (8)      56  zero (4)          60  CRC-32C of 0 to 59
 * block    one after the other, each about 1 MB
 *    0  bytes of its batches (4)    4  their CRC-32C (4)    8  how many they are (4)    12  CRC-32C of 0 to 11
 *   16  record batches, as their producers sent them (Kafka's version 2), with their base offsets set
 * producers, one after the other: what the partition knows of them as of the segment's end
 *    0  producer id (8)             8  epoch (2)         10  how many batches (1)   11  1 in a transaction, else 0 (1)
 *   12  last used, ms (8)          20  first offset of its open transaction, else -1 (8)
 *   28  for each batch, up to 5: first sequence (4), last sequence (4), base offset (8)
 * aborted  32 bytes for each transaction whose abort marker is in the segment
 *    0  producer id (8)             8  first offset (8)  16  offset of the marker (8)
 *   24  last stable offset behind it (8)
 * index    40 bytes for each block
 *    0  position of its batches (8)    8  their bytes (4)    12  their CRC-32C (4)
 *   16  base offset (8)               24  last offset (8)    32  largest timestamp (8)
 * footer   120 bytes
 *    0  bytes of the producers (4) 4  their CRC-32C (4)  8  bytes of the aborted (4)                   12  their CRC-32C (4)
 *   16  last stable offset (8): the first of the oldest transaction that is open at the segment's end, else its next offset
 *   24  bytes of the index (4)    28  its CRC-32C (4)   32  blocks (4)            36  epoch (4)        40  records (8)
 *   48  base offset (8)           56  next offset (8)   64  largest timestamp (8)                     72  topic id (16)
 *   88  partition (4)             92  version (2), flags (2)                     96  sequence (8)
 *  104  length of the object (8) 112  CRC-32C of 0 to 111                        116  "GSLH"
 * ```
 *
 * Of the flags, 1 says that offsets may be missing between its batches, before and behind them: compaction has taken them.
 *
 * Version 1 has no producers and no aborted, and its footer is the last 96 bytes of these. It can be read.
 *
 * A reader who knows the length reads the tail (footer and index lie in its last 64 KiB), and then one block: two range
 * reads for any offset. A partition's segments are numbered without gaps by `sequence`, which names the object and is
 * put only where none is: so two writers cannot both go on, and the objects alone say what the partition holds. Older ones may
 * be merged into one, which has the first number, or be gone: the partition's manifest says which count
 * (`manifest/manifest.ts`).
 */
import { corruptSegment } from "../errors.js";

export const HEADER_BYTES = 64;
export const BLOCK_HEADER_BYTES = 16;
export const INDEX_ENTRY_BYTES = 40;
/** Of version 1, and of what the footers of all versions end with. */
export const FOOTER_BYTES = 96;
/** Of what version 2 has in front of that. */
export const FOOTER_STATE_BYTES = 24;
export const VERSION = 2;
export const HAS_GAPS = 1;
export const HEADER_MAGIC = Buffer.from("SLHSEG", "latin1");
export const FOOTER_MAGIC = Buffer.from("GSLH", "latin1");
/** A block ends with the batch that makes it as large. */
export const BLOCK_BYTES = 1024 * 1024;
/** Footer and index lie in the last of a segment: so no segment has more batches, in bytes, than this. */
export const TAIL_BYTES = 64 * 1024;
export const MOST_SEGMENT_BYTES = 1024 * 1024 * 1024;

/** Which segment it is. */
export interface SegmentIdentity {
  /** A UUID. */
  readonly topicId: string;
  readonly partition: number;
  /** The segments of a partition count from 0. */
  readonly sequence: number;
  /** Of the writer's leadership: a later writer has a larger one. */
  readonly epoch: number;
}

/** What a segment holds, as its footer and the metadata say. */
export interface SegmentSummary extends SegmentIdentity {
  readonly baseOffset: bigint;
  /** One behind the last. */
  readonly nextOffset: bigint;
  readonly records: number;
  /** Milliseconds since the epoch; -1 where no record has a time. */
  readonly maxTimestamp: bigint;
  /** Before it, all transactions have ended. */
  readonly lastStable: bigint;
  /** Of the object. */
  readonly bytes: number;
}

/** A segment as it stands in the store: what its footer says, and what its name does. */
export interface StoredSegment extends SegmentSummary {
  /** Where several were merged into one, the number of the last of them: `sequence` is the first's. */
  readonly lastSequence: number;
  /** The object's name in the partition's folder. */
  readonly object: string;
  /** When it was put, in milliseconds since the epoch; of a merged one, when the last of its parts was. */
  readonly storedAt: number;
}

/** One block of a segment, as the index has it. */
export interface BlockEntry {
  /** Where its batches begin in the object. */
  readonly position: number;
  readonly bytes: number;
  readonly crc: number;
  readonly baseOffset: bigint;
  readonly lastOffset: bigint;
  readonly maxTimestamp: bigint;
}

/** A part of a segment that is read when it is needed. */
export interface SectionEntry {
  readonly position: number;
  readonly bytes: number;
  readonly crc: number;
}

export interface SegmentFooter extends SegmentSummary {
  readonly blocks: readonly BlockEntry[];
  /** Offsets may be missing: compaction has taken records. */
  readonly hasGaps: boolean;
  readonly producers: SectionEntry;
  readonly aborted: SectionEntry;
}

/** What the metadata keeps of a footer. */
export function summaryOf({
  blocks: _,
  hasGaps: _g,
  producers: _p,
  aborted: _a,
  ...summary
}: SegmentFooter): SegmentSummary {
  return summary;
}

export function idBytes(topicId: string): Uint8Array {
  return Buffer.from(topicId.replaceAll("-", ""), "hex");
}

export function idText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** @param holds which offsets are affected: "offsets 10 to 19", or "its offsets" where nobody knows. */
export function damagedSegment(uri: string, holds: string, why: string, cause?: unknown) {
  return corruptSegment(
    uri,
    `The segment ${uri} is damaged: ${why}. It affects ${holds}.`,
    "Restore the object from a backup. Nothing of the damaged part is served; offsets before and behind it can be read.",
    cause,
  );
}

/** @param next one behind the last. */
export function offsets(base: bigint, next: bigint): string {
  return next - base === 1n ? `offset ${base}` : `offsets ${base} to ${next - 1n}`;
}
