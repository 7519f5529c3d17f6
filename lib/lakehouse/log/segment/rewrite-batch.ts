/** Takes records out of a batch: what compaction leaves of it. Those that stay keep their offsets and their bytes. */
import { crc32c } from "../../codecs/index.js";
import { ByteReader } from "../records/byte-reader.js";
import { decompressRecords, recompressRecords } from "../records/compression.js";
import {
  ATTRIBUTES_AT,
  CODEC_BITS,
  CRC_AT,
  DELETE_HORIZON,
  damaged,
  HEADER_BYTES,
  LENGTH_END,
  LOG_APPEND_TIME,
  readHeader,
} from "../records/header.js";
import { type HeldBatch, larger } from "./segment-builder.js";

/** A record, as compaction looks at it. */
export interface KeyedRecord {
  readonly offset: bigint;
  readonly key: Uint8Array | null;
  readonly hasValue: boolean;
}

interface RecordSpan extends KeyedRecord {
  /** Where its length begins, where what follows its timestamp begins, and where it ends. */
  readonly start: number;
  readonly rest: number;
  readonly end: number;
  readonly attributes: number;
  readonly timestamp: bigint;
}

/** When what is kept only for a while may go, in milliseconds since the epoch; `undefined` where nobody has said yet. */
export function deleteHorizon({ header }: HeldBatch): bigint | undefined {
  return (header.attributes & DELETE_HORIZON) === 0 ? undefined : header.baseTimestamp;
}

/** @throws LakehouseError CORRUPT_RECORD_BATCH, UNSUPPORTED_FEATURE */
export function keyedRecords(batch: HeldBatch, subject: string): readonly KeyedRecord[] {
  return spansOf(batch, contentOf(batch, subject), subject);
}

/**
 * The batch with those of its records that stay; itself where all do, and `undefined` where none does.
 *
 * @param horizon says when records without values may go, where they are seen for the first time.
 * @throws LakehouseError CORRUPT_RECORD_BATCH, UNSUPPORTED_FEATURE
 */
export function keepRecords(
  batch: HeldBatch,
  stays: (record: KeyedRecord) => boolean,
  horizon: bigint,
  subject: string,
): HeldBatch | undefined {
  const content = contentOf(batch, subject);
  const spans = spansOf(batch, content, subject);
  const kept = spans.filter(stays);
  if (kept.length === 0) return undefined;
  const isMarked = kept.some(({ hasValue }) => !hasValue) && deleteHorizon(batch) === undefined;
  if (kept.length === spans.length && !isMarked) return batch;
  const { attributes, baseTimestamp, maxTimestamp } = batch.header;
  const base = isMarked ? horizon : baseTimestamp;
  const records = Buffer.concat(kept.map((span) => encodeSpan(content, span, base)));
  const { id, bytes } = recompressRecords(records, attributes & CODEC_BITS);
  const isAppendTime = (attributes & LOG_APPEND_TIME) !== 0;
  const latest = kept.map(({ timestamp }) => timestamp).reduce(larger, -1n);
  return rebuilt(batch, bytes, {
    attributes: (attributes & ~CODEC_BITS) | id | (isMarked ? DELETE_HORIZON : 0),
    baseTimestamp: base,
    maxTimestamp: isAppendTime ? maxTimestamp : latest,
    count: kept.length,
  });
}

/** A marker, with the time from which on it is no longer needed. */
export function markHorizon(batch: HeldBatch, horizon: bigint): HeldBatch {
  const { attributes, maxTimestamp, count } = batch.header;
  return rebuilt(batch, batch.bytes.subarray(HEADER_BYTES), {
    attributes: attributes | DELETE_HORIZON,
    baseTimestamp: horizon,
    maxTimestamp,
    count,
  });
}

function contentOf({ bytes, header }: HeldBatch, subject: string): Uint8Array {
  return decompressRecords(bytes.subarray(HEADER_BYTES), header.attributes, subject);
}

function spansOf({ header }: HeldBatch, content: Uint8Array, subject: string): RecordSpan[] {
  const reader = new ByteReader(content, (why) => {
    throw damaged(subject, why);
  });
  const spans: RecordSpan[] = [];
  for (let i = 0; i < header.count; i++) {
    const start = reader.at;
    const length = reader.varint();
    const end = reader.at + length;
    if (length < 0 || end > content.length) reader.fail(`a record of ${length} bytes does not fit`);
    const attributes = reader.byte();
    const timestamp = header.baseTimestamp + reader.varlong();
    const rest = reader.at;
    const offset = header.baseOffset + BigInt(reader.varint());
    const key = reader.content();
    const hasValue = reader.content() !== null;
    spans.push({ offset, key, hasValue, start, rest, end, attributes, timestamp });
    reader.at = end;
  }
  if (reader.at !== content.length) reader.fail(`${content.length - reader.at} bytes follow its last record`);
  return spans;
}

/** @param base the batch's base timestamp from now on. */
function encodeSpan(content: Uint8Array, span: RecordSpan, base: bigint): Uint8Array {
  const { attributes, timestamp, rest, end } = span;
  const delta = varlong(timestamp - base);
  const length = varlong(BigInt(1 + delta.length + end - rest));
  return Buffer.concat(
    [length, [attributes], delta, content.subarray(rest, end)].map((part) => Buffer.from(part)),
  );
}

function varlong(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return bytes;
}

/** All else of the header stays: its offsets, and whose it is. */
function rebuilt(
  batch: HeldBatch,
  records: Uint8Array,
  header: {
    readonly attributes: number;
    readonly baseTimestamp: bigint;
    readonly maxTimestamp: bigint;
    readonly count: number;
  },
): HeldBatch {
  const bytes = Buffer.allocUnsafeSlow(HEADER_BYTES + records.length);
  bytes.set(batch.bytes.subarray(0, HEADER_BYTES));
  bytes.set(records, HEADER_BYTES);
  bytes.writeInt32BE(bytes.length - LENGTH_END, 8);
  bytes.writeInt16BE(header.attributes, ATTRIBUTES_AT);
  bytes.writeBigInt64BE(header.baseTimestamp, 27);
  bytes.writeBigInt64BE(header.maxTimestamp, 35);
  bytes.writeInt32BE(header.count, 57);
  bytes.writeUInt32BE(crc32c(bytes.subarray(ATTRIBUTES_AT)), CRC_AT);
  return { bytes, header: readHeader(bytes, 0, "rewritten batch") };
}
