/** Looks through a batch that a client made, before it is taken: what is stored is what every later reader gets. */
import { crc32c } from "../../codecs/index.js";
import { invalidRecord, oldMessageFormat } from "../errors.js";
import { decompressRecords } from "./compression.js";
import {
  ATTRIBUTES_AT,
  type BatchHeader,
  CONTROL,
  CRC_AT,
  DELETE_HORIZON,
  HEADER_BYTES,
  LEADER_EPOCH_AT,
  LOG_APPEND_TIME,
  MAGIC,
  MAGIC_AT,
  MAX_TIMESTAMP_AT,
  readHeader,
  verifyChecksum,
  viewOf,
} from "./header.js";

/** As far from 1970, in milliseconds, as dates go; in microseconds, as tables have them, such times still have 64 bits. */
const MOST_TIME = 8.64e15;
/** Nor one further from its batch's first. */
const MOST_DELTA = 2 ** 52;
const NO_EPOCH = -1;
/** Of the bytes of a number: lengths and counts have 32 bits, times 64. */
const SHORT = 5;
const LONG = 10;

/**
 * Checks the records of a batch, one by one, as Kafka's broker does: that they are as many as the header says, that their
 * offsets count up by one, that each is exactly as long as it claims, and that nothing follows. A largest timestamp that
 * is not theirs is put right, in place, since the index by time goes by it; so is the epoch of a leader, which clients have
 * from nowhere but here.
 *
 * @param batch of any bytes. Its checksum is looked at where something is wrong; else that is for who appends it.
 * @param keysRequired the topic is compacted.
 * @throws LakehouseError CORRUPT_RECORD_BATCH for bytes that changed on their way, INVALID_RECORD for what was made wrongly,
 *   OLD_MESSAGE_FORMAT, UNSUPPORTED_FEATURE for a codec that is none
 */
export function validateBatch(batch: Uint8Array, keysRequired: boolean, subject: string): void {
  checkFormat(batch, subject);
  const header = readHeader(batch, 0, subject);
  try {
    validateRecords(batch, header, keysRequired, subject);
  } catch (error) {
    // Where the bytes changed on their way, sending them again helps; where they were made so, it does not.
    verifyChecksum(batch.subarray(0, header.size), subject);
    throw error;
  }
}

function checkFormat(batch: Uint8Array, subject: string): void {
  const magic = batch[MAGIC_AT];
  if (magic !== undefined && magic < MAGIC)
    throw oldMessageFormat(
      subject,
      `The records for ${subject} are in version ${magic} of Kafka's format, which ended with Kafka 0.11.`,
      "Produce with a newer client, or a newer message format.",
    );
}

function validateRecords(
  batch: Uint8Array,
  header: BatchHeader,
  keysRequired: boolean,
  subject: string,
): void {
  if (header.size !== batch.length)
    throw made(subject, "is not alone: one batch for each partition is taken");
  if ((header.attributes & LOG_APPEND_TIME) !== 0)
    throw made(subject, "has the time of its append, which is for the log to give");
  if ((header.attributes & DELETE_HORIZON) !== 0)
    throw made(subject, "says when its deletions may be forgotten, which is for the log to say");
  // What brokers alone write is refused by who appends it.
  if ((header.attributes & CONTROL) !== 0) return;
  const content = decompressRecords(batch.subarray(HEADER_BYTES), header.attributes, subject);
  const { least, most } = new RecordWalker(content, subject).walk(header.count, keysRequired);
  const maxTimestamp = header.baseTimestamp + BigInt(most);
  if (header.baseTimestamp + BigInt(least) < -MOST_TIME || maxTimestamp > MOST_TIME)
    throw made(subject, "has timestamps that no clock gives");
  const view = viewOf(batch);
  view.setInt32(LEADER_EPOCH_AT, NO_EPOCH);
  if (maxTimestamp === header.maxTimestamp) return;
  verifyChecksum(batch, subject);
  view.setBigInt64(MAX_TIMESTAMP_AT, maxTimestamp);
  view.setUint32(CRC_AT, crc32c(batch.subarray(ATTRIBUTES_AT)));
}

/** Goes from record to record, and takes nothing out of them. */
class RecordWalker {
  readonly #bytes: Uint8Array;
  readonly #subject: string;
  #at = 0;

  constructor(bytes: Uint8Array, subject: string) {
    this.#bytes = bytes;
    this.#subject = subject;
  }

  /** @returns the smallest and the largest timestamp, less the batch's first. */
  walk(count: number, keysRequired: boolean): { readonly least: number; readonly most: number } {
    let least = 0;
    let most = 0;
    for (let i = 0; i < count; i++) {
      const length = this.#varint();
      const end = this.#at + length;
      if (length < 0 || end > this.#bytes.length)
        this.#fail(`has a record of ${length} bytes, which does not fit`);
      // Attributes, which are not used.
      this.#at++;
      const timestamp = this.#varint(LONG);
      if (Math.abs(timestamp) > MOST_DELTA) this.#fail("has timestamps that no clock gives");
      if (i === 0 || timestamp < least) least = timestamp;
      if (i === 0 || timestamp > most) most = timestamp;
      const delta = this.#varint();
      if (delta !== i) this.#fail(`has the offset delta ${delta} at record ${i}`);
      const hasKey = this.#content();
      if (keysRequired && !hasKey)
        throw made(this.#subject, "has a record without a key, and its topic is compacted by keys");
      this.#content();
      this.#headers(end);
      if (this.#at !== end) this.#fail(`has a record that ends ${this.#at - end} bytes from where it should`);
    }
    if (this.#at !== this.#bytes.length)
      this.#fail(`has ${this.#bytes.length - this.#at} bytes behind its last record`);
    return { least, most };
  }

  #headers(end: number): void {
    const count = this.#varint();
    if (count < 0) this.#fail(`has a record with ${count} headers`);
    for (let i = 0; i < count && this.#at <= end; i++) {
      if (!this.#content()) this.#fail("has a header without a key");
      this.#content();
    }
  }

  /** Passes over content. @returns whether there is any: its length is -1 where it is null. */
  #content(): boolean {
    const length = this.#varint();
    if (length === -1) return false;
    if (length < -1 || length > this.#bytes.length) this.#fail(`has content of ${length} bytes`);
    this.#at += length;
    return true;
  }

  /** Zigzag, seven bits a byte, the lowest first; exact as far as numbers are. @param longest in bytes. */
  #varint(longest = SHORT): number {
    const bytes = this.#bytes;
    let byte = bytes[this.#at++] ?? this.#fail("ends within a record");
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    let value = byte & 0x7f;
    let factor = 0x80;
    for (let i = 1; i < longest; i++) {
      byte = bytes[this.#at++] ?? this.#fail("ends within a record");
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      factor *= 0x80;
    }
    return this.#fail(`has a number of more than ${longest} bytes, where no more belong`);
  }

  #fail(why: string): never {
    throw made(this.#subject, why);
  }
}

function made(subject: string, why: string) {
  return invalidRecord(
    subject,
    `A record batch for ${subject} ${why}.`,
    "Look at what makes it: it is not what Kafka's format wants.",
  );
}
