/** What is in a segment, damaged or not: as much as can be seen, and all that is wrong. */
import { crc32c } from "../../codecs/index.js";
import { isLakehouseError } from "../../errors.js";
import { CODEC_BITS, CONTROL, CRC_AT, TRANSACTIONAL, verifyChecksum, viewOf } from "../records/header.js";
import {
  BLOCK_HEADER_BYTES,
  type BlockEntry,
  HEADER_BYTES,
  HEADER_MAGIC,
  idText,
  type SegmentFooter,
  type SegmentIdentity,
} from "./layout.js";
import type { HeldBatch } from "./segment-builder.js";
import { readBlock, readFooter, tailOf, verifySegment } from "./segment-reader.js";

export interface SegmentHeader extends SegmentIdentity {
  readonly version: number;
  readonly baseOffset: bigint;
  readonly writerId: bigint;
}

export interface InspectedBatch {
  readonly baseOffset: bigint;
  readonly lastOffset: bigint;
  /** Milliseconds since the epoch. */
  readonly maxTimestamp: bigint;
  readonly records: number;
  readonly bytes: number;
  readonly codec: string;
  /** Who wrote it, where it is idempotent or part of a transaction. */
  readonly producer: string;
  readonly crc: number;
  /** Its bytes have its checksum. */
  readonly isWhole: boolean;
}

export interface InspectedBlock {
  readonly entry: BlockEntry;
  /** Absent where the block is damaged. */
  readonly batches?: readonly InspectedBatch[];
}

export interface InspectedSegment {
  readonly header?: SegmentHeader;
  /** With no index: `blocks` has it. */
  readonly footer?: Omit<SegmentFooter, "blocks">;
  /** As the index has them; where there is none, as they lie behind each other. */
  readonly blocks: readonly InspectedBlock[];
  /** What is damaged, in sentences. */
  readonly problems: readonly string[];
}

const CODECS = ["uncompressed", "gzip", "snappy", "lz4", "zstd"];

/** @param uri what messages call it. */
export function inspectSegment(body: Uint8Array, uri: string): InspectedSegment {
  const problems = new Set<string>();
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!isLakehouseError(error)) throw error;
      const { message, remedy = "" } = error;
      problems.add(message.slice(0, message.length - remedy.length).trim());
      return undefined;
    }
  };
  const { start, end } = tailOf(body.length);
  const whole = attempt(() => readFooter(body.subarray(start, end), body.length, uri));
  const blocks = (whole?.blocks ?? walk(body)).map((entry): InspectedBlock => {
    const bytes = body.subarray(entry.position, entry.position + entry.bytes);
    const batches = attempt(() => readBlock(bytes, entry, uri));
    if (batches === undefined) return { entry };
    return {
      entry: whole === undefined ? withOffsets(entry, batches) : entry,
      batches: batches.map((held) => batchOf(held, uri)),
    };
  });
  attempt(() => verifySegment(body, uri));
  const header = headerOf(body);
  const { blocks: _, ...footer } = whole ?? { blocks: [] };
  return {
    ...(header && { header }),
    ...(whole && { footer: footer as Omit<SegmentFooter, "blocks"> }),
    blocks,
    problems: [...problems],
  };
}

function headerOf(body: Uint8Array): SegmentHeader | undefined {
  if (body.length < HEADER_BYTES || !HEADER_MAGIC.equals(body.subarray(0, HEADER_MAGIC.length)))
    return undefined;
  const view = viewOf(body);
  if (view.getUint32(60) !== crc32c(body.subarray(0, 60))) return undefined;
  return {
    version: view.getUint16(6),
    topicId: idText(body.subarray(8, 24)),
    partition: view.getInt32(24),
    epoch: view.getInt32(28),
    sequence: Number(view.getBigUint64(32)),
    baseOffset: view.getBigInt64(40),
    writerId: view.getBigUint64(48),
  };
}

/** The blocks of a segment without an index, for as long as their frames hold. */
function walk(body: Uint8Array): BlockEntry[] {
  const view = viewOf(body);
  const entries: BlockEntry[] = [];
  for (let at = HEADER_BYTES; at + BLOCK_HEADER_BYTES <= body.length; ) {
    if (view.getUint32(at + 12) !== crc32c(body.subarray(at, at + 12))) break;
    const bytes = view.getUint32(at);
    const position = at + BLOCK_HEADER_BYTES;
    entries.push({
      position,
      bytes,
      crc: view.getUint32(at + 4),
      baseOffset: -1n,
      lastOffset: -1n,
      maxTimestamp: -1n,
    });
    at = position + bytes;
  }
  return entries;
}

function withOffsets(entry: BlockEntry, batches: readonly HeldBatch[]): BlockEntry {
  const last = batches.at(-1)?.header;
  return {
    ...entry,
    baseOffset: batches[0]?.header.baseOffset ?? -1n,
    lastOffset: last === undefined ? -1n : last.baseOffset + BigInt(last.lastOffsetDelta),
  };
}

function batchOf({ bytes, header }: HeldBatch, uri: string): InspectedBatch {
  const {
    baseOffset,
    lastOffsetDelta,
    maxTimestamp,
    count,
    attributes,
    producerId,
    producerEpoch,
    baseSequence,
  } = header;
  let isWhole = true;
  try {
    verifyChecksum(bytes, uri);
  } catch {
    isWhole = false;
  }
  const kind =
    (attributes & CONTROL) !== 0
      ? ", marker"
      : (attributes & TRANSACTIONAL) !== 0
        ? ", in a transaction"
        : "";
  return {
    baseOffset,
    lastOffset: baseOffset + BigInt(lastOffsetDelta),
    maxTimestamp,
    records: count,
    bytes: bytes.length,
    codec: CODECS[attributes & CODEC_BITS] ?? "unknown codec",
    producer:
      producerId < 0n ? "" : `, producer ${producerId} epoch ${producerEpoch} from ${baseSequence}${kind}`,
    crc: viewOf(bytes).getUint32(CRC_AT),
    isWhole,
  };
}
