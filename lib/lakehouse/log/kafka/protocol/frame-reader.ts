import { malformedRequest } from "../../errors.js";

/** Structures and values in arrays that one frame may have: each costs memory that its few bytes in the frame do not show. */
const MOST_ELEMENTS = 250_000;
const LONGEST_VARINT = 5;

/**
 * Reads the bytes of one frame, in Kafka's encodings (kafka.apache.org/protocol, "Protocol Primitive Types"). A length that
 * goes beyond the frame is an error before anything is allocated for it.
 */
export class FrameReader {
  readonly #bytes: Buffer;
  #at = 0;
  #elements = 0;

  /** @param bytes of the frame, without its length. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  int8(): number {
    return this.#bytes.readInt8(this.#skip(1));
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#skip(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#skip(4));
  }

  int64(): bigint {
    return this.#bytes.readBigInt64BE(this.#skip(8));
  }

  float64(): number {
    return this.#bytes.readDoubleBE(this.#skip(8));
  }

  boolean(): boolean {
    return this.#bytes[this.#skip(1)] !== 0;
  }

  uuid(): string {
    const at = this.#skip(16);
    const hex = this.#bytes.toString("hex", at, at + 16);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  /** Unsigned, seven bits a byte, the lowest first. */
  varint(): number {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < LONGEST_VARINT; i++) {
      const byte = this.#bytes[this.#skip(1)] as number;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 0x80;
    }
    return this.#fail(`a number in it has more than ${LONGEST_VARINT} bytes`);
  }

  text(length: number): string {
    const at = this.#skip(length);
    return this.#bytes.toString("utf8", at, at + length);
  }

  /** A view of the frame. */
  view(length: number): Buffer {
    const at = this.#skip(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** What `read` reads of exactly so many bytes. */
  within<T>(length: number, read: (from: FrameReader) => T): T {
    const end = this.#at + length;
    const value = read(this);
    if (this.#at !== end) this.#fail(`a tagged field of ${length} bytes ends elsewhere`);
    return value;
  }

  /** Before an array is read. @param least how many bytes each of its elements takes at least. */
  claim(count: number, least: number): void {
    this.#elements += count;
    if (count * least > this.left)
      this.#fail(`an array in it claims ${count} elements, and ${this.left} bytes are left`);
    if (this.#elements > MOST_ELEMENTS) this.#fail(`its arrays have more than ${MOST_ELEMENTS} elements`);
  }

  /** Fails unless all was read. */
  end(): void {
    if (this.left > 0) this.#fail(`${this.left} bytes are left over`);
  }

  missing(what: string): never {
    return this.#fail(`it has no ${what}`);
  }

  #skip(length: number): number {
    const at = this.#at;
    if (length < 0 || length > this.#bytes.length - at)
      this.#fail(`it ends within a field of ${length} bytes`);
    this.#at = at + length;
    return at;
  }

  #fail(why: string): never {
    throw malformedRequest(
      "request",
      `A Kafka message cannot be read: ${why}.`,
      "Look whether what connects speaks Kafka's protocol, without TLS where the listener has none.",
    );
  }
}
