/** Reads the numbers and contents of which records are made: Kafka's varints, zigzag-encoded, seven bits a byte. */
export class ByteReader {
  readonly bytes: Uint8Array;
  at = 0;
  readonly #fail: (why: string) => never;

  /** @param fail throws what the reader's user throws where the bytes are none of that. */
  constructor(bytes: Uint8Array, fail: (why: string) => never) {
    // A Buffer's views would be Buffers, and what a reader gets is the same whatever the codec.
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#fail = fail;
  }

  fail(why: string): never {
    return this.#fail(why);
  }

  /** Bytes with their length before them; null where that is -1. */
  content(): Uint8Array | null {
    const length = this.varint();
    if (length === -1) return null;
    const start = this.at;
    if (length < -1 || start + length > this.bytes.length)
      this.fail(`content of ${length} bytes does not fit`);
    this.at = start + length;
    return this.bytes.subarray(start, this.at);
  }

  /** Of 32 bits. */
  varint(): number {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < 5; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      factor *= 0x80;
    }
    return this.fail("a length in it has too many bytes");
  }

  /** Of 64 bits. */
  varlong(): bigint {
    const { bytes, at } = this;
    // Most are short: a bigint for each byte would take longer than the rest of the record.
    for (let i = 0; i < 3; i++) if ((bytes[at + i] as number) < 0x80) return BigInt(this.varint());
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
    }
    return this.fail("a timestamp in it has too many bytes");
  }

  byte(): number {
    return this.bytes[this.at++] ?? this.fail("it ends within a record");
  }
}
