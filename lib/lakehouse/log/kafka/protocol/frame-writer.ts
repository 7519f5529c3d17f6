const FIRST_BYTES = 512;
/** Smaller batches are copied: a piece of its own costs more than that. */
const COPIED_BYTES = 4096;
const LENGTH_BYTES = 4;

/** Writes one frame, with its length before it, as pieces: large batches stay where they are. */
export class FrameWriter {
  readonly #pieces: Buffer[] = [];
  #buffer = Buffer.allocUnsafe(FIRST_BYTES);
  /** Where the piece begins that is being written. */
  #start = 0;
  #at = LENGTH_BYTES;
  /** Bytes of the pieces before it. */
  #finished = 0;

  int8(value: number): void {
    const at = this.#reserve(1);
    this.#buffer.writeInt8(value, at);
  }

  int16(value: number): void {
    const at = this.#reserve(2);
    this.#buffer.writeInt16BE(value, at);
  }

  int32(value: number): void {
    const at = this.#reserve(4);
    this.#buffer.writeInt32BE(value, at);
  }

  int64(value: bigint): void {
    const at = this.#reserve(8);
    this.#buffer.writeBigInt64BE(value, at);
  }

  float64(value: number): void {
    const at = this.#reserve(8);
    this.#buffer.writeDoubleBE(value, at);
  }

  boolean(value: boolean): void {
    this.int8(value ? 1 : 0);
  }

  uuid(value: string): void {
    const at = this.#reserve(16);
    this.#buffer.write(value.replaceAll("-", ""), at, "hex");
  }

  /** Unsigned, seven bits a byte, the lowest first. */
  varint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.#byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.#byte(rest);
  }

  text(value: string, length: number): void {
    const at = this.#reserve(length);
    this.#buffer.write(value, at, length, "utf8");
  }

  bytes(value: Uint8Array): void {
    const at = this.#reserve(value.length);
    this.#buffer.set(value, at);
  }

  /** Bytes that stay as they are until the frame is sent: they are not copied where they are many. */
  stable(value: Uint8Array): void {
    if (value.length < COPIED_BYTES) {
      this.bytes(value);
      return;
    }
    this.#cut();
    this.#pieces.push(Buffer.from(value.buffer, value.byteOffset, value.length));
    this.#finished += value.length;
  }

  /** What `write` writes, with its length before it. */
  sized(write: (inside: FrameWriter) => void): void {
    const inside = new FrameWriter();
    write(inside);
    const content = Buffer.concat(inside.finish()).subarray(LENGTH_BYTES);
    this.varint(content.length);
    this.bytes(content);
  }

  /** The frame, in pieces. Nothing is written to it afterwards. */
  finish(): readonly Buffer[] {
    this.#cut();
    this.#pieces[0]?.writeInt32BE(this.#finished - LENGTH_BYTES, 0);
    return this.#pieces;
  }

  #cut(): void {
    if (this.#at === this.#start) return;
    this.#pieces.push(this.#buffer.subarray(this.#start, this.#at));
    this.#finished += this.#at - this.#start;
    this.#start = this.#at;
  }

  #byte(value: number): void {
    const at = this.#reserve(1);
    this.#buffer[at] = value;
  }

  /** Room for so many bytes, and where it begins: the buffer may be another one afterwards. */
  #reserve(length: number): number {
    const at = this.#at;
    if (at + length > this.#buffer.length) return this.#grow(length);
    this.#at = at + length;
    return at;
  }

  #grow(length: number): number {
    const written = this.#buffer.subarray(this.#start, this.#at);
    this.#buffer = Buffer.allocUnsafe(2 * (written.length + length) + FIRST_BYTES);
    this.#buffer.set(written);
    this.#start = 0;
    this.#at = written.length + length;
    return written.length;
  }
}
