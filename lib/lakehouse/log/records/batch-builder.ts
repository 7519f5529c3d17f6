/** Makes record batches of version 2: each record once into one growing buffer, compressed as a whole. */
import { crc32c } from "../../codecs/index.js";
import { recordTooLarge } from "../errors.js";
import { type Compression, compressionId, compressRecords, MOST_CONTENT } from "./compression.js";
import { ATTRIBUTES_AT, CONTROL, CRC_AT, HEADER_BYTES, LENGTH_END, MAGIC, TRANSACTIONAL } from "./header.js";

/** A record to be appended. Texts are written as UTF-8. */
export interface NewRecord {
  /** Records of one key are in one partition, in their order. */
  readonly key?: Uint8Array | string | null | undefined;
  /** `null` deletes the key, where the topic is compacted. */
  readonly value: Uint8Array | string | null;
  readonly headers?: readonly RecordHeader[] | undefined;
  /** Whole milliseconds since the epoch, below 2^51; the time of the call where not given. */
  readonly timestamp?: number | undefined;
}

export interface RecordHeader {
  readonly key: string;
  readonly value: Uint8Array | string | null;
}

/** Whose batch it is, so that it is there once however often it is sent. */
export interface BatchProducer {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** Of the first record. */
  readonly baseSequence: number;
  readonly kind: "idempotent" | "transactional" | "control";
}

const NONE = -1;
const NOBODY = { producerId: -1n, producerEpoch: NONE, baseSequence: NONE, kind: "idempotent" } as const;
const KIND_BITS: Readonly<Record<BatchProducer["kind"], number>> = {
  idempotent: 0,
  transactional: TRANSACTIONAL,
  control: TRANSACTIONAL | CONTROL,
};
const FIRST_BYTES = 16 * 1024;

/** One batch at a time: `add` records, `build` the batch, and go on with the next. */
export class BatchBuilder {
  readonly #compression: Compression;
  #buffer = Buffer.allocUnsafe(FIRST_BYTES);
  #end = HEADER_BYTES;
  #count = 0;
  #baseTimestamp = 0;
  #maxTimestamp = 0;

  constructor(compression: Compression) {
    this.#compression = compression;
  }

  get count(): number {
    return this.#count;
  }

  /**
   * @param now the record's timestamp where it has none, in milliseconds since the epoch.
   * @param limit how large the batch may become by another than its first record.
   * @returns whether there was room.
   * @throws LakehouseError RECORD_TOO_LARGE where no reader would take it.
   */
  add(record: NewRecord, now: number, limit = Number.POSITIVE_INFINITY): boolean {
    const { key, value, headers, timestamp = now } = record;
    const delta = this.#count === 0 ? 0 : timestamp - this.#baseTimestamp;
    const keyBytes = byteLength(key);
    const valueBytes = byteLength(value);
    const headerBytes = headers === undefined ? 1 : sizeOfHeaders(headers);
    const length =
      1 + varlongSize(delta) + varintSize(this.#count) + sized(keyBytes) + sized(valueBytes) + headerBytes;
    const size = varintSize(length) + length;
    if (this.#count > 0 && this.#end + size > limit) return false;
    if (size > MOST_CONTENT)
      throw recordTooLarge(
        "record",
        `A record has ${size} bytes, where ${MOST_CONTENT} can be read.`,
        "Keep what is as large in the object store, and append where it is.",
      );
    if (this.#count === 0) this.#baseTimestamp = timestamp;
    if (this.#count === 0 || timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp;
    this.#reserve(size);
    this.#varint(length);
    this.#buffer[this.#end++] = 0;
    this.#varlong(delta);
    this.#varint(this.#count);
    this.#bytes(key, keyBytes);
    this.#bytes(value, valueBytes);
    this.#varint(headers?.length ?? 0);
    if (headers !== undefined) {
      for (const header of headers) {
        this.#bytes(header.key, byteLength(header.key));
        this.#bytes(header.value, byteLength(header.value));
      }
    }
    this.#count++;
    return true;
  }

  /** The batch, with base offset 0; the builder is empty afterwards. */
  build({ producerId, producerEpoch, baseSequence, kind }: BatchProducer = NOBODY): Uint8Array {
    const records = this.#buffer.subarray(HEADER_BYTES, this.#end);
    const smaller = compressRecords(records, this.#compression);
    const isSmaller = smaller.length < records.length;
    // What does not shrink stays as it is, and within the limit.
    const compressed = isSmaller ? smaller : records;
    const batch = Buffer.allocUnsafeSlow(HEADER_BYTES + compressed.length);
    batch.set(compressed, HEADER_BYTES);
    batch.writeBigInt64BE(0n, 0);
    batch.writeInt32BE(batch.length - LENGTH_END, 8);
    batch.writeInt32BE(NONE, 12);
    batch.writeInt8(MAGIC, 16);
    const codec = compressionId(isSmaller ? this.#compression : "none");
    batch.writeInt16BE(codec | KIND_BITS[kind], ATTRIBUTES_AT);
    batch.writeInt32BE(this.#count - 1, 23);
    batch.writeBigInt64BE(BigInt(this.#baseTimestamp), 27);
    batch.writeBigInt64BE(BigInt(this.#maxTimestamp), 35);
    batch.writeBigInt64BE(producerId, 43);
    batch.writeInt16BE(producerEpoch, 51);
    batch.writeInt32BE(baseSequence, 53);
    batch.writeInt32BE(this.#count, 57);
    batch.writeUInt32BE(crc32c(batch.subarray(ATTRIBUTES_AT)), CRC_AT);
    this.#end = HEADER_BYTES;
    this.#count = 0;
    return batch;
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#buffer.length, this.#end + bytes));
    larger.set(this.#buffer.subarray(0, this.#end));
    this.#buffer = larger;
  }

  /** A length, zigzag-encoded, and the bytes. */
  #bytes(content: Uint8Array | string | null | undefined, length: number): void {
    this.#varint(length);
    if (length <= 0) return;
    if (typeof content === "string") this.#buffer.write(content, this.#end, length, "utf8");
    else this.#buffer.set(content as Uint8Array, this.#end);
    this.#end += length;
  }

  /** Zigzag, seven bits a byte, the lowest first. */
  #varint(value: number): void {
    let rest = ((value << 1) ^ (value >> 31)) >>> 0;
    while (rest > 0x7f) {
      this.#buffer[this.#end++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#end++] = rest;
  }

  /** The same for whole numbers beyond 32 bits. */
  #varlong(value: number): void {
    let rest = zigzag(value);
    while (rest > 0x7f) {
      this.#buffer[this.#end++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#end++] = rest;
  }
}

/** Exact below 2^52: that far apart are timestamps below 2^51. */
function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function varintSize(value: number): number {
  const rest = ((value << 1) ^ (value >> 31)) >>> 0;
  return rest < 0x80 ? 1 : rest < 0x4000 ? 2 : rest < 0x200000 ? 3 : rest < 0x10000000 ? 4 : 5;
}

function varlongSize(value: number): number {
  let size = 1;
  for (let rest = zigzag(value); rest > 0x7f; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

function byteLength(content: Uint8Array | string | null | undefined): number {
  if (content === null || content === undefined) return NONE;
  return typeof content === "string" ? Buffer.byteLength(content) : content.length;
}

/** What content of a length takes with that length; `NONE` for null. */
function sized(length: number): number {
  return varintSize(length) + Math.max(0, length);
}

function sizeOfHeaders(headers: readonly RecordHeader[]): number {
  let size = varintSize(headers.length);
  for (const { key, value } of headers) size += sized(byteLength(key)) + sized(byteLength(value));
  return size;
}
