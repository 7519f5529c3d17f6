import {
  BLOCK_BYTES,
  BLOCK_HEADER_BYTES,
  type BlockEntry,
  HAS_GAPS,
  HEADER_BYTES,
  type SegmentIdentity,
  type SegmentSummary,
} from "./layout.js";
import {
  encodeSections,
  type HeldBatch,
  larger,
  tailBytes,
  writeBlock,
  writeHeader,
  writeTail,
} from "./segment-builder.js";
import type { SegmentState } from "./segment-state.js";

/** A segment that is written block by block. */
export interface StreamedSegment {
  readonly identity: SegmentIdentity;
  readonly writerId: bigint;
  readonly baseOffset: bigint;
  readonly nextOffset: bigint;
  /** In the order of their offsets, which are from the base offset to before the next. */
  readonly batches: AsyncIterable<HeldBatch>;
  /** Asked for when the last batch has come: its state then, and whether offsets are missing. */
  readonly end: () => { readonly state: SegmentState; readonly hasGaps: boolean };
}

/**
 * The bytes of a segment, as `buildSegment` has them, without ever holding more than a block.
 *
 * @param onEnd gets what it holds.
 */
export async function* streamSegment(
  { identity, writerId, baseOffset, nextOffset, batches, end }: StreamedSegment,
  onEnd: (summary: SegmentSummary) => void,
): AsyncGenerator<Uint8Array> {
  const header = Buffer.alloc(HEADER_BYTES);
  writeHeader(header, identity, writerId, baseOffset);
  yield header;
  let at = HEADER_BYTES;
  const entries: BlockEntry[] = [];
  let records = 0;
  let maxTimestamp = -1n;
  const encode = (block: readonly HeldBatch[]): Uint8Array => {
    const bytes = block.reduce((sum, batch) => sum + batch.bytes.length, BLOCK_HEADER_BYTES);
    const body = Buffer.allocUnsafeSlow(bytes);
    const entry = writeBlock(body, 0, block);
    entries.push({ ...entry, position: at + entry.position });
    at += bytes;
    return body;
  };
  let block: HeldBatch[] = [];
  let blockBytes = 0;
  for await (const batch of batches) {
    records += batch.header.count;
    maxTimestamp = larger(maxTimestamp, batch.header.maxTimestamp);
    block.push(batch);
    blockBytes += batch.bytes.length;
    if (blockBytes < BLOCK_BYTES) continue;
    yield encode(block);
    block = [];
    blockBytes = 0;
  }
  if (block.length > 0) yield encode(block);
  const { state, hasGaps } = end();
  const sections = encodeSections(state);
  const bytes = at + tailBytes(sections, entries.length);
  const { lastStable } = state;
  const summary = { ...identity, baseOffset, nextOffset, records, maxTimestamp, lastStable, bytes };
  const tail = Buffer.alloc(bytes - at);
  writeTail(tail, 0, sections, entries, summary, hasGaps ? HAS_GAPS : 0);
  onEnd(summary);
  yield tail;
}
