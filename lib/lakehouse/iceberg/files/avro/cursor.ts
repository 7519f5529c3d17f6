import { corruptFile, type LakehouseError } from "../../../errors.js";

/**
 * A position in a buffer of Avro binary data. Every read checks the buffer's end, so corrupt input ends in
 * `CORRUPT_FILE` and never in a read past the end, an endless loop, or an allocation that the input's own
 * length does not justify.
 */
export class Cursor {
  readonly buffer: Buffer;
  pos: number;
  readonly end: number;
  readonly #view: DataView;
  /** What is being read, for messages. */
  readonly subject: string;

  constructor(bytes: Uint8Array, subject: string) {
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.pos = 0;
    this.end = bytes.byteLength;
    this.subject = subject;
  }

  get remaining(): number {
    return this.end - this.pos;
  }

  fail(why: string): LakehouseError {
    return corruptFile(
      this.subject,
      `Corrupt Avro data in ${this.subject} near byte ${this.pos} of a block: ${why}.`,
    );
  }

  /** Moves forward over `count` bytes and returns where they started. */
  take(count: number): number {
    const start = this.pos;
    if (count < 0 || count > this.end - start)
      throw this.fail(`${count} bytes expected, ${this.end - start} left`);
    this.pos = start + count;
    return start;
  }

  /** A zigzag varint that must fit a safe integer: counts, lengths, `int` values. */
  readNumber(): number {
    const { buffer } = this;
    let pos = this.pos;
    let byte = pos < this.end ? (buffer[pos++] as number) : -1;
    if (byte >= 0 && byte < 0x80) {
      this.pos = pos;
      return (byte >>> 1) ^ -(byte & 1);
    }
    if (byte < 0) throw this.fail("the data ends inside a number");
    let low = byte & 0x7f;
    let shift = 7;
    while (shift < 28) {
      if (pos >= this.end) throw this.fail("the data ends inside a number");
      byte = buffer[pos++] as number;
      low |= (byte & 0x7f) << shift;
      shift += 7;
      if (byte < 0x80) {
        this.pos = pos;
        return (low >>> 1) ^ -(low & 1);
      }
    }
    let value = low;
    let scale = 2 ** 28;
    for (;;) {
      if (pos >= this.end) throw this.fail("the data ends inside a number");
      byte = buffer[pos++] as number;
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) break;
      if (scale > 2 ** 63) throw this.fail("a number is longer than 64 bits");
    }
    this.pos = pos;
    if (value > Number.MAX_SAFE_INTEGER)
      throw this.fail("a number is larger than 2^53 where a small one belongs");
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** A zigzag varint of up to 64 bits. */
  readLong(): bigint {
    const { buffer } = this;
    const start = this.pos;
    let pos = start;
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      if (pos >= this.end) throw this.fail("the data ends inside a number");
      const byte = buffer[pos++] as number;
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.pos = pos;
        return BigInt((low >>> 1) ^ -(low & 1));
      }
    }
    let middle = 0;
    let high = 0;
    let done = false;
    for (let shift = 0; shift < 28; shift += 7) {
      if (pos >= this.end) throw this.fail("the data ends inside a number");
      const byte = buffer[pos++] as number;
      middle |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        done = true;
        break;
      }
    }
    if (!done) {
      for (let shift = 0; ; shift += 7) {
        if (shift > 7) throw this.fail("a number is longer than 64 bits");
        if (pos >= this.end) throw this.fail("the data ends inside a number");
        const byte = buffer[pos++] as number;
        high |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
    }
    this.pos = pos;
    if (high === 0 && middle < 2 ** 24) {
      const value = low + middle * 2 ** 28;
      return BigInt(value % 2 === 0 ? value / 2 : -(value + 1) / 2);
    }
    const unsigned = BigInt.asUintN(64, (BigInt(high) << 56n) | (BigInt(middle) << 28n) | BigInt(low));
    return (unsigned >> 1n) ^ -(unsigned & 1n);
  }

  /** Passes over a varint of any value. */
  skipVarint(): void {
    const { buffer, end, pos: start } = this;
    let pos = start;
    while (pos < end && (buffer[pos] as number) >= 0x80) pos++;
    if (pos === end || pos - start > 9) throw this.fail("a number has no end");
    this.pos = pos + 1;
  }

  readBoolean(): boolean {
    const byte = this.buffer[this.take(1)];
    if (byte !== 0 && byte !== 1) throw this.fail(`${byte} is no boolean`);
    return byte === 1;
  }

  readFloat(): number {
    return this.#view.getFloat32(this.take(4), true);
  }

  readDouble(): number {
    return this.#view.getFloat64(this.take(8), true);
  }

  /** A view of the bytes, valid as long as nobody writes to the buffer. */
  readFixed(size: number): Uint8Array {
    const start = this.take(size);
    const { buffer } = this;
    return new Uint8Array(buffer.buffer, buffer.byteOffset + start, size);
  }

  readBytes(): Uint8Array {
    return this.readFixed(this.readNumber());
  }

  readString(): string {
    const size = this.readNumber();
    const start = this.take(size);
    return this.buffer.toString("utf8", start, start + size);
  }

  skipBytes(): void {
    this.take(this.readNumber());
  }

  /**
   * The next block's number of items in an array or map; 0 ends it. `minimum` is the fewest bytes that one item
   * takes, which bounds a count that the rest of the data could never hold.
   */
  readBlockCount(minimum: number): number {
    let count = this.readNumber();
    if (count < 0) {
      count = -count;
      this.skipVarint(); // the block's size in bytes, for those who skip whole blocks
    }
    if (count * Math.max(minimum, 1 / 4096) > this.remaining)
      throw this.fail(`${count} items cannot fit in what is left`);
    return count;
  }

  /** As `readBlockCount`, but a block whose size is written is passed over at once: the answer is then -1. */
  skipBlock(minimum: number): number {
    const start = this.pos;
    const count = this.readNumber();
    if (count >= 0) {
      this.pos = start;
      return this.readBlockCount(minimum);
    }
    this.take(this.readNumber());
    return -1;
  }
}
