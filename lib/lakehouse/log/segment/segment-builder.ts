import { crc32c } from "../../codecs/index.js";
import type { BatchHeader } from "../records/header.js";
import {
  BLOCK_BYTES,
  BLOCK_HEADER_BYTES,
  type BlockEntry,
  FOOTER_BYTES,
  FOOTER_MAGIC,
  FOOTER_STATE_BYTES,
  HEADER_BYTES,
  HEADER_MAGIC,
  INDEX_ENTRY_BYTES,
  idBytes,
  type SegmentIdentity,
  type SegmentSummary,
  VERSION,
} from "./layout.js";
import { encodeAborted, encodeProducers, type SegmentState } from "./segment-state.js";

/** A batch and its decoded header, base offset set. */
export interface HeldBatch {
  readonly bytes: Uint8Array;
  readonly header: BatchHeader;
}

/** A segment, ready to be put. */
export interface BuiltSegment {
  readonly body: Uint8Array;
  readonly summary: SegmentSummary;
}

/**
 * Makes a segment of consecutive batches. They are kept as they are; a block ends with the batch that makes it 1 MB.
 *
 * @param baseOffset of the first batch; where the segment stands, if it has none.
 * @param writerId of the writer alone: who finds its own object in the way knows it again.
 * @param state as of the last batch's end.
 */
export function buildSegment(
  identity: SegmentIdentity,
  writerId: bigint,
  baseOffset: bigint,
  batches: readonly HeldBatch[],
  state: SegmentState,
): BuiltSegment {
  const blocks = intoBlocks(batches);
  const sections = encodeSections(state);
  const bytes =
    HEADER_BYTES +
    batches.reduce((sum, batch) => sum + batch.bytes.length, 0) +
    blocks.length * BLOCK_HEADER_BYTES +
    tailBytes(sections, blocks.length);
  const body = Buffer.allocUnsafeSlow(bytes);
  let at = writeHeader(body, identity, writerId, baseOffset);
  const entries: BlockEntry[] = [];
  for (const block of blocks) {
    const entry = writeBlock(body, at, block);
    entries.push(entry);
    at = entry.position + entry.bytes;
  }
  const summary = summarize(identity, baseOffset, batches, state.lastStable, bytes);
  writeTail(body, at, sections, entries, summary);
  return { body, summary };
}

/** What a segment says beside its records, encoded. */
export interface Sections {
  readonly producers: Uint8Array;
  readonly aborted: Uint8Array;
}

export function encodeSections({ producers, aborted }: SegmentState): Sections {
  return { producers: encodeProducers(producers), aborted: encodeAborted(aborted) };
}

/** How many bytes there are behind the blocks. */
export function tailBytes({ producers, aborted }: Sections, blocks: number): number {
  return producers.length + aborted.length + blocks * INDEX_ENTRY_BYTES + FOOTER_STATE_BYTES + FOOTER_BYTES;
}

/** @param flags of the footer. */
export function writeTail(
  body: Buffer,
  at: number,
  { producers, aborted }: Sections,
  entries: readonly BlockEntry[],
  summary: SegmentSummary,
  flags = 0,
): void {
  body.set(producers, at);
  body.set(aborted, at + producers.length);
  const indexAt = at + producers.length + aborted.length;
  let end = indexAt;
  for (const entry of entries) end = writeEntry(body, end, entry);
  body.writeUInt32BE(producers.length, end);
  body.writeUInt32BE(crc32c(producers), end + 4);
  body.writeUInt32BE(aborted.length, end + 8);
  body.writeUInt32BE(crc32c(aborted), end + 12);
  body.writeBigInt64BE(summary.lastStable, end + 16);
  const indexCrc = crc32c(body.subarray(indexAt, end));
  writeFooter(body, end + FOOTER_STATE_BYTES, summary, entries.length, indexCrc, flags);
}

function intoBlocks(batches: readonly HeldBatch[]): HeldBatch[][] {
  const blocks: HeldBatch[][] = [];
  let bytes = BLOCK_BYTES;
  for (const batch of batches) {
    if (bytes >= BLOCK_BYTES) {
      blocks.push([]);
      bytes = 0;
    }
    blocks.at(-1)?.push(batch);
    bytes += batch.bytes.length;
  }
  return blocks;
}

export function writeHeader(
  body: Buffer,
  { topicId, partition, epoch, sequence }: SegmentIdentity,
  writerId: bigint,
  baseOffset: bigint,
): number {
  body.set(HEADER_MAGIC, 0);
  body.writeUInt16BE(VERSION, 6);
  body.set(idBytes(topicId), 8);
  body.writeInt32BE(partition, 24);
  body.writeInt32BE(epoch, 28);
  body.writeBigUInt64BE(BigInt(sequence), 32);
  body.writeBigInt64BE(baseOffset, 40);
  body.writeBigUInt64BE(writerId, 48);
  body.writeUInt32BE(0, 56);
  body.writeUInt32BE(crc32c(body.subarray(0, 60)), 60);
  return HEADER_BYTES;
}

/** @returns where it is, counted from the body's first byte. */
export function writeBlock(body: Buffer, at: number, batches: readonly HeldBatch[]): BlockEntry {
  const position = at + BLOCK_HEADER_BYTES;
  let end = position;
  for (const { bytes } of batches) {
    body.set(bytes, end);
    end += bytes.length;
  }
  const crc = crc32c(body.subarray(position, end));
  body.writeUInt32BE(end - position, at);
  body.writeUInt32BE(crc, at + 4);
  body.writeUInt32BE(batches.length, at + 8);
  body.writeUInt32BE(crc32c(body.subarray(at, at + 12)), at + 12);
  const first = batches[0] as HeldBatch;
  return {
    position,
    bytes: end - position,
    crc,
    baseOffset: first.header.baseOffset,
    lastOffset: lastOffsetOf(batches.at(-1) as HeldBatch),
    maxTimestamp: batches.reduce((most, { header }) => larger(most, header.maxTimestamp), -1n),
  };
}

function writeEntry(body: Buffer, at: number, entry: BlockEntry): number {
  body.writeBigUInt64BE(BigInt(entry.position), at);
  body.writeUInt32BE(entry.bytes, at + 8);
  body.writeUInt32BE(entry.crc, at + 12);
  body.writeBigInt64BE(entry.baseOffset, at + 16);
  body.writeBigInt64BE(entry.lastOffset, at + 24);
  body.writeBigInt64BE(entry.maxTimestamp, at + 32);
  return at + INDEX_ENTRY_BYTES;
}

/** The part that all versions have. What version 2 has in front of it is there already: the checksum covers it. */
function writeFooter(
  body: Buffer,
  at: number,
  summary: SegmentSummary,
  blocks: number,
  indexCrc: number,
  flags: number,
): void {
  body.writeUInt32BE(blocks * INDEX_ENTRY_BYTES, at);
  body.writeUInt32BE(indexCrc, at + 4);
  body.writeUInt32BE(blocks, at + 8);
  body.writeInt32BE(summary.epoch, at + 12);
  body.writeBigUInt64BE(BigInt(summary.records), at + 16);
  body.writeBigInt64BE(summary.baseOffset, at + 24);
  body.writeBigInt64BE(summary.nextOffset, at + 32);
  body.writeBigInt64BE(summary.maxTimestamp, at + 40);
  body.set(idBytes(summary.topicId), at + 48);
  body.writeInt32BE(summary.partition, at + 64);
  body.writeUInt16BE(VERSION, at + 68);
  body.writeUInt16BE(flags, at + 70);
  body.writeBigUInt64BE(BigInt(summary.sequence), at + 72);
  body.writeBigUInt64BE(BigInt(summary.bytes), at + 80);
  body.writeUInt32BE(crc32c(body.subarray(at - FOOTER_STATE_BYTES, at + 88)), at + 88);
  body.set(FOOTER_MAGIC, at + 92);
}

function summarize(
  { topicId, partition, sequence, epoch }: SegmentIdentity,
  baseOffset: bigint,
  batches: readonly HeldBatch[],
  lastStable: bigint,
  bytes: number,
): SegmentSummary {
  const last = batches.at(-1);
  return {
    topicId,
    partition,
    sequence,
    epoch,
    baseOffset,
    nextOffset: last === undefined ? baseOffset : lastOffsetOf(last) + 1n,
    records: batches.reduce((sum, { header }) => sum + header.count, 0),
    maxTimestamp: batches.reduce((most, { header }) => larger(most, header.maxTimestamp), -1n),
    lastStable,
    bytes,
  };
}

function lastOffsetOf({ header }: HeldBatch): bigint {
  return header.baseOffset + BigInt(header.lastOffsetDelta);
}

export function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
