/** The records in a batch of version 2. */
import { ByteReader } from "./byte-reader.js";
import { decompressRecords } from "./compression.js";
import {
  type BatchHeader,
  CONTROL,
  damaged,
  HEADER_BYTES,
  LOG_APPEND_TIME,
  readHeader,
  verifyChecksum,
} from "./header.js";

/** A record as it is read. `key`, `value` and the headers' values are views of the batch's bytes. */
export interface LogRecord {
  readonly offset: bigint;
  /** Milliseconds since the epoch, by convention: whatever the producer wrote. -1 where it has none. */
  readonly timestamp: bigint;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly ReadHeader[];
}

export interface ReadHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

const NO_HEADERS: readonly ReadHeader[] = [];
const utf8 = new TextDecoder();

/**
 * The records of the one batch that `bytes` are; none for a control batch, which ends a transaction.
 *
 * @param subject what the batch is read from, for errors.
 * @throws LakehouseError CORRUPT_RECORD_BATCH, UNSUPPORTED_FEATURE
 */
export function readRecords(bytes: Uint8Array, subject: string): LogRecord[] {
  const header = readHeader(bytes, 0, subject);
  if (header.size !== bytes.length)
    throw damaged(subject, `it has ${bytes.length} bytes, and claims ${header.size}`);
  verifyChecksum(bytes, subject);
  if ((header.attributes & CONTROL) !== 0) return [];
  const content = decompressRecords(bytes.subarray(HEADER_BYTES), header.attributes, subject);
  return new RecordReader(content, header, subject).all();
}

class RecordReader extends ByteReader {
  readonly #header: BatchHeader;
  /** Of the record that was read last. */
  #delta = -1;

  constructor(bytes: Uint8Array, header: BatchHeader, subject: string) {
    super(bytes, (why) => {
      throw damaged(subject, why);
    });
    this.#header = header;
  }

  all(): LogRecord[] {
    const { count } = this.#header;
    const records: LogRecord[] = [];
    let last = -1;
    for (let i = 0; i < count; i++) {
      records.push(this.#record(last, i));
      last = this.#delta;
    }
    if (this.at !== this.bytes.length)
      this.fail(`${this.bytes.length - this.at} bytes follow its last record`);
    return records;
  }

  #record(last: number, i: number): LogRecord {
    const length = this.varint();
    const end = this.at + length;
    if (length < 0 || end > this.bytes.length) this.fail(`a record of ${length} bytes does not fit`);
    this.at++;
    const timestampDelta = this.varlong();
    const delta = this.varint();
    if (delta <= last || delta > this.#header.lastOffsetDelta)
      this.fail(`record ${i} has the offset delta ${delta}`);
    this.#delta = delta;
    const { baseOffset, baseTimestamp, maxTimestamp, attributes } = this.#header;
    const key = this.content();
    const value = this.content();
    const headers = this.#headers();
    if (this.at !== end) this.fail(`a record ends ${this.at - end} bytes from where it should`);
    const timestamp = (attributes & LOG_APPEND_TIME) !== 0 ? maxTimestamp : baseTimestamp + timestampDelta;
    return { offset: baseOffset + BigInt(delta), timestamp, key, value, headers };
  }

  #headers(): readonly ReadHeader[] {
    const count = this.varint();
    if (count === 0) return NO_HEADERS;
    // Each takes two bytes at least: a claim beyond is not allocated.
    if (count < 0 || count > (this.bytes.length - this.at) / 2) this.fail(`a record claims ${count} headers`);
    const headers: ReadHeader[] = [];
    for (let i = 0; i < count; i++) {
      const key = this.content();
      if (key === null) this.fail("a header has no key");
      headers.push({ key: utf8.decode(key), value: this.content() });
    }
    return headers;
  }
}
