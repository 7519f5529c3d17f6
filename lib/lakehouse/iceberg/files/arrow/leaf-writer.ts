import * as arrow from "apache-arrow";
import type { PrimitiveType, PrimitiveValue } from "../../model/types/types.js";
import { hexToBytes, uuidToBytes } from "../../model/values/bytes.js";
import { typeToArrow } from "./schema.js";

/** `makeData` is typed by its type argument; here the type is only known at run time. */
export function makeData(
  props: { type: arrow.DataType; length: number; nullCount: number } & Record<string, unknown>,
): arrow.Data {
  return arrow.makeData(props as unknown as Parameters<typeof arrow.makeData>[0]) as unknown as arrow.Data;
}

/** Room that a column starts with; it doubles when full. A table may have thousands of columns, and few rows. */
const FIRST_VALUES = 64;

const SHORT_TEXT = 24;

/** A growing bitmap of which values are there. */
export class Validity {
  length = 0;
  nullCount = 0;
  private bits = new Uint8Array(FIRST_VALUES / 8);

  append(valid: boolean): void {
    const at = this.length;
    if (at >> 3 >= this.bits.length) this.bits = grow(this.bits, this.bits.length * 2);
    if (valid) this.bits[at >> 3]! |= 1 << (at & 7);
    else this.nullCount += 1;
    this.length += 1;
  }

  keep(length: number): void {
    for (let at = length; at < this.length; at++) {
      const bit = 1 << (at & 7);
      if ((this.bits[at >> 3]! & bit) === 0) this.nullCount -= 1;
      this.bits[at >> 3]! &= ~bit;
    }
    this.length = length;
  }

  finish(): { length: number; nullCount: number; nullBitmap?: Uint8Array } {
    const { length, nullCount } = this;
    return nullCount === 0
      ? { length, nullCount }
      : { length, nullCount, nullBitmap: this.bits.slice(0, (length + 7) >> 3) };
  }
}

function grow<T extends Uint8Array | Int32Array | Float32Array | Float64Array | BigInt64Array>(
  old: T,
  length: number,
): T {
  const next = new (old.constructor as new (length: number) => T)(length);
  next.set(old as never);
  return next;
}

/** Collects canonical values of a primitive column into Arrow buffers. */
export interface LeafWriter {
  append(value: PrimitiveValue | null): void;
  /** Drops what was appended behind so many values. */
  keep(length: number): void;
  /** Bytes held so far, about. */
  readonly bytes: number;
  finish(): arrow.Data;
}

export function leafWriter(type: PrimitiveType): LeafWriter {
  const arrowType = typeToArrow(type);
  switch (type.type) {
    case "boolean":
      return new BitWriter(arrowType);
    case "int":
    case "date":
      return new NumberWriter(arrowType, new Int32Array(FIRST_VALUES), 0);
    case "float":
      return new NumberWriter(arrowType, new Float32Array(FIRST_VALUES), 0);
    case "double":
      return new NumberWriter(arrowType, new Float64Array(FIRST_VALUES), 0);
    case "long":
    case "time":
    case "timestamp":
    case "timestamptz":
    case "timestamp_ns":
    case "timestamptz_ns":
      return new NumberWriter(arrowType, new BigInt64Array(FIRST_VALUES), 0n);
    case "decimal":
      return new FixedWriter(arrowType, 16, (value) => decimalBytes(value as bigint));
    case "uuid":
      return new FixedWriter(arrowType, 16, (value) => uuidToBytes(value as string));
    case "fixed":
      return new FixedWriter(arrowType, type.length, (value) => value as Uint8Array);
    case "unknown":
      return new NullWriter(arrowType);
    case "string":
    case "binary":
    case "variant":
    case "geometry":
    case "geography":
      return new BytesWriter(arrowType);
  }
}

/** 16 bytes, little-endian two's complement: Arrow's decimal128. */
function decimalBytes(unscaled: bigint): Uint8Array {
  const hex = BigInt.asUintN(128, unscaled).toString(16).padStart(32, "0");
  return hexToBytes(hex).reverse();
}

class NumberWriter<T extends Int32Array | Float32Array | Float64Array | BigInt64Array> implements LeafWriter {
  private readonly validity = new Validity();

  constructor(
    private readonly type: arrow.DataType,
    private values: T,
    private readonly zero: number | bigint,
  ) {}

  get bytes(): number {
    return this.validity.length * this.values.BYTES_PER_ELEMENT;
  }

  append(value: PrimitiveValue | null): void {
    const at = this.validity.length;
    if (at === this.values.length) this.values = grow(this.values, at * 2);
    this.values[at] = (value ?? this.zero) as never;
    this.validity.append(value !== null);
  }

  keep(length: number): void {
    this.validity.keep(length);
  }

  finish(): arrow.Data {
    return makeData({
      type: this.type,
      ...this.validity.finish(),
      data: this.values.slice(0, this.validity.length),
    });
  }
}

class BitWriter implements LeafWriter {
  private readonly validity = new Validity();
  private readonly bits = new Validity();

  constructor(private readonly type: arrow.DataType) {}

  get bytes(): number {
    return this.validity.length / 4;
  }

  append(value: PrimitiveValue | null): void {
    this.bits.append(value === true);
    this.validity.append(value !== null);
  }

  keep(length: number): void {
    this.bits.keep(length);
    this.validity.keep(length);
  }

  finish(): arrow.Data {
    const { nullBitmap, length } = this.bits.finish();
    const data = nullBitmap ?? new Uint8Array((length + 7) >> 3).fill(0xff);
    return makeData({ type: this.type, ...this.validity.finish(), data });
  }
}

class NullWriter implements LeafWriter {
  private length = 0;
  readonly bytes = 0;

  constructor(private readonly type: arrow.DataType) {}

  append(): void {
    this.length += 1;
  }

  keep(length: number): void {
    this.length = length;
  }

  finish(): arrow.Data {
    return makeData({ type: this.type, length: this.length, nullCount: this.length });
  }
}

/** Bytes one after another, growing. */
class ByteBuffer {
  length = 0;
  private buffer = Buffer.allocUnsafe(FIRST_VALUES);

  reserve(more: number): void {
    if (this.length + more <= this.buffer.length) return;
    const next = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.length + more));
    this.buffer.copy(next, 0, 0, this.length);
    this.buffer = next;
  }

  text(value: string): void {
    const { length } = value;
    this.reserve(length * 3);
    // A call into native code takes longer than some letters do.
    if (length <= SHORT_TEXT) {
      const { buffer } = this;
      const start = this.length;
      let i = 0;
      for (; i < length; i++) {
        const code = value.charCodeAt(i);
        if (code > 127) break;
        buffer[start + i] = code;
      }
      if (i === length) {
        this.length += length;
        return;
      }
    }
    this.length += this.buffer.write(value, this.length, "utf8");
  }

  raw(value: Uint8Array): void {
    this.reserve(value.length);
    this.buffer.set(value, this.length);
    this.length += value.length;
  }

  finish(): Uint8Array {
    return new Uint8Array(this.buffer.subarray(0, this.length));
  }
}

class FixedWriter implements LeafWriter {
  private readonly validity = new Validity();
  private readonly buffer = new ByteBuffer();
  private readonly empty: Uint8Array;

  constructor(
    private readonly type: arrow.DataType,
    width: number,
    private readonly encode: (value: PrimitiveValue) => Uint8Array,
  ) {
    this.empty = new Uint8Array(width);
  }

  get bytes(): number {
    return this.buffer.length;
  }

  append(value: PrimitiveValue | null): void {
    this.buffer.raw(value === null ? this.empty : this.encode(value));
    this.validity.append(value !== null);
  }

  keep(length: number): void {
    this.buffer.length = length * this.empty.length;
    this.validity.keep(length);
  }

  finish(): arrow.Data {
    const bytes = this.buffer.finish();
    // Decimals are read as 32-bit words.
    const data = arrow.DataType.isDecimal(this.type) ? new Uint32Array(bytes.buffer) : bytes;
    return makeData({ type: this.type, ...this.validity.finish(), data });
  }
}

/** Text as UTF-8, and binary. */
class BytesWriter implements LeafWriter {
  private readonly validity = new Validity();
  private readonly buffer = new ByteBuffer();
  private offsets = new Int32Array(FIRST_VALUES);

  constructor(private readonly type: arrow.DataType) {}

  get bytes(): number {
    return this.buffer.length + this.validity.length * 4;
  }

  append(value: PrimitiveValue | null): void {
    if (typeof value === "string") this.buffer.text(value);
    else if (value !== null) this.buffer.raw(value as Uint8Array);
    this.validity.append(value !== null);
    const { length } = this.validity;
    if (length === this.offsets.length) this.offsets = grow(this.offsets, length * 2);
    this.offsets[length] = this.buffer.length;
  }

  keep(length: number): void {
    this.buffer.length = this.offsets[length] as number;
    this.validity.keep(length);
  }

  finish(): arrow.Data {
    const validity = this.validity.finish();
    const valueOffsets = this.offsets.slice(0, validity.length + 1);
    return makeData({ type: this.type, ...validity, valueOffsets, data: this.buffer.finish() });
  }
}
