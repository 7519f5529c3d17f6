/**
 * The header of a record batch, version 2: Kafka's "Record Batch" (kafka.apache.org/documentation, 5.3). All integers
 * are big-endian. The checksum covers what follows it, so that a broker may set the offset and the leader's epoch.
 */
import { crc32c } from "../../codecs/index.js";
import { unsupported } from "../../errors.js";
import { corruptBatch, invalidRecord } from "../errors.js";

export const HEADER_BYTES = 61;
/** What lies before the bytes that `batchLength` counts. */
export const LENGTH_END = 12;
export const LEADER_EPOCH_AT = 12;
export const MAGIC_AT = 16;
export const CRC_AT = 17;
/** Where the bytes begin that the checksum covers. */
export const ATTRIBUTES_AT = 21;
export const MAGIC = 2;
export const MAX_TIMESTAMP_AT = 35;
const PRODUCER_ID_AT = 43;
const PRODUCER_EPOCH_AT = 51;
/** Bits of the attributes. */
export const CODEC_BITS = 0x07;
export const LOG_APPEND_TIME = 0x08;
export const TRANSACTIONAL = 0x10;
export const CONTROL = 0x20;
/**
 * The batch's base timestamp is the time from which on its records without values, or its marker, are no longer needed
 * (KIP-534).
 */
export const DELETE_HORIZON = 0x40;
/** zstd. */
const LAST_CODEC = 4;

/** A batch's header, decoded. */
export interface BatchHeader {
  readonly baseOffset: bigint;
  /** Of the whole batch, header included, in bytes. */
  readonly size: number;
  readonly attributes: number;
  /** Offsets are `baseOffset` to `baseOffset + lastOffsetDelta`, also where compaction has taken records out. */
  readonly lastOffsetDelta: number;
  /** Milliseconds since the epoch; -1 where the records have none. */
  readonly baseTimestamp: bigint;
  readonly maxTimestamp: bigint;
  /** -1 for a producer that is not idempotent. */
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly count: number;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * The header of the batch that begins at `at`.
 *
 * @param subject what holds the batch, for errors.
 * @throws LakehouseError CORRUPT_RECORD_BATCH where there is no whole batch of version 2.
 */
export function readHeader(bytes: Uint8Array, at: number, subject: string): BatchHeader {
  const left = bytes.length - at;
  if (left < HEADER_BYTES)
    throw damaged(subject, `it ends ${HEADER_BYTES - left} bytes before its header does`);
  const view = viewOf(bytes);
  const size = view.getInt32(at + 8) + LENGTH_END;
  const magic = view.getInt8(at + MAGIC_AT);
  if (magic !== MAGIC) throw damaged(subject, `its version is ${magic}, where 2 is understood`);
  if (size < HEADER_BYTES || size > left)
    throw damaged(subject, `its header gives ${size} bytes, and there are ${left}`);
  const count = view.getInt32(at + 57);
  const lastOffsetDelta = view.getInt32(at + 23);
  if (count < 0 || lastOffsetDelta < 0 || count > lastOffsetDelta + 1)
    throw damaged(subject, `its header gives ${count} records over ${lastOffsetDelta + 1} offsets`);
  return {
    baseOffset: view.getBigInt64(at),
    size,
    attributes: view.getInt16(at + ATTRIBUTES_AT),
    lastOffsetDelta,
    baseTimestamp: view.getBigInt64(at + 27),
    maxTimestamp: view.getBigInt64(at + MAX_TIMESTAMP_AT),
    producerId: view.getBigInt64(at + PRODUCER_ID_AT),
    producerEpoch: view.getInt16(at + PRODUCER_EPOCH_AT),
    baseSequence: view.getInt32(at + 53),
    count,
  };
}

/** Whether a batch is part of a transaction. @param batch of any content: what is no batch is none of these. */
/** Whose transaction a batch is part of, where it is of one. */
export function transactionOf(
  batch: Uint8Array,
): { readonly producerId: bigint; readonly epoch: number } | undefined {
  if (batch.length < HEADER_BYTES) return undefined;
  const view = viewOf(batch);
  const producerId = view.getBigInt64(PRODUCER_ID_AT);
  if ((view.getInt16(ATTRIBUTES_AT) & TRANSACTIONAL) === 0 || producerId < 0n) return undefined;
  return { producerId, epoch: view.getInt16(PRODUCER_EPOCH_AT) };
}

/** @throws LakehouseError CORRUPT_RECORD_BATCH where the bytes of this one batch do not have their checksum. */
export function verifyChecksum(batch: Uint8Array, subject: string): void {
  const expected = viewOf(batch).getUint32(CRC_AT);
  if (crc32c(batch.subarray(ATTRIBUTES_AT)) !== expected)
    throw damaged(subject, "its bytes do not have its checksum");
}

/**
 * One batch as a producer may send it, checked as far as that goes without decompressing it. What is taken here is kept
 * as it is: bytes behind the batch would be read as the next one's, and offsets without records as a hole.
 *
 * @throws LakehouseError CORRUPT_RECORD_BATCH; INVALID_RECORD for one that no producer may send; UNSUPPORTED_FEATURE
 */
export function checkProduced(batch: Uint8Array, subject: string): BatchHeader {
  const header = readHeader(batch, 0, subject);
  const { size, count, lastOffsetDelta, attributes, producerId, producerEpoch, baseSequence } = header;
  if (size !== batch.length) throw damaged(subject, `it has ${batch.length} bytes, and claims ${size}`);
  if (count !== lastOffsetDelta + 1)
    throw damaged(subject, `its header gives ${count} records over ${lastOffsetDelta + 1} offsets`);
  verifyChecksum(batch, subject);
  if ((attributes & CONTROL) !== 0) throw invalid(subject, "is a control batch, which brokers alone write");
  const isIdempotent = producerId >= 0n;
  if (!isIdempotent && (attributes & TRANSACTIONAL) !== 0)
    throw invalid(subject, "is part of a transaction, and has no producer's id");
  if (isIdempotent && (producerEpoch < 0 || baseSequence < 0))
    throw invalid(subject, `has a producer's id, with epoch ${producerEpoch} and sequence ${baseSequence}`);
  if ((attributes & CODEC_BITS) > LAST_CODEC) throw undefinedCodec(attributes & CODEC_BITS, subject);
  return header;
}

/** Says where in its partition a batch stands. The checksum does not cover it. */
export function setBaseOffset(batch: Uint8Array, baseOffset: bigint): void {
  viewOf(batch).setBigInt64(0, baseOffset);
}

/**
 * Gives a batch the time of its append, which all of its records have from then on, whatever their producer gave them.
 *
 * @param time in milliseconds since the epoch.
 */
export function setAppendTime(batch: Uint8Array, time: bigint): void {
  const view = viewOf(batch);
  view.setInt16(ATTRIBUTES_AT, view.getInt16(ATTRIBUTES_AT) | LOG_APPEND_TIME);
  view.setBigInt64(MAX_TIMESTAMP_AT, time);
  view.setUint32(CRC_AT, crc32c(batch.subarray(ATTRIBUTES_AT)));
}

/** Says by which leader a batch was taken. The checksum does not cover it. */
export function setLeaderEpoch(batch: Uint8Array, epoch: number): void {
  viewOf(batch).setInt32(LEADER_EPOCH_AT, epoch);
}

/** By which leader a batch was taken. */
export function leaderEpochOf(batch: Uint8Array): number {
  return viewOf(batch).getInt32(LEADER_EPOCH_AT);
}

export function damaged(subject: string, why: string, cause?: unknown) {
  return corruptBatch(
    subject,
    `A record batch of ${subject} is damaged: ${why}.`,
    "Send it again; if it was stored so, read on behind it, or restore the object from a backup.",
    cause,
  );
}

function invalid(subject: string, why: string) {
  return invalidRecord(subject, `A record batch of ${subject} ${why}.`, "Produce with a client of Kafka's.");
}

export function undefinedCodec(id: number, subject: string) {
  return unsupported(
    subject,
    `A record batch is compressed with codec ${id}, which Kafka does not define.`,
    "Produce with gzip, snappy, lz4, zstd, or none.",
  );
}
