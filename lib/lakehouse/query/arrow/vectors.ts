import duckdb from "@duckdb/node-bindings";
import * as arrow from "apache-arrow";

/**
 * Gathers vectors of one DuckDB type into one Arrow array. `append` copies rows `from` to `from + count` of a vector,
 * `finish` gives the Arrow data of everything appended and starts anew.
 */
export interface VectorGatherer {
  readonly type: arrow.DataType;
  append(vector: duckdb.Vector, from: number, count: number): void;
  finish(): arrow.Data;
}

/** Validity bits, kept only once a null was seen. Both sides number bits from the least significant. */
export class Validity {
  #bits = new Uint8Array(0);
  #length = 0;
  #nulls = 0;

  append(vector: duckdb.Vector, from: number, count: number): void {
    const source = duckdb.vector_get_validity(
      vector,
      Math.ceil((from + count) / 64) * 8,
    ) as Uint8Array | null;
    if (!source || source.length === 0) this.appendValid(count);
    else this.#appendBits(source, from, count);
  }

  appendValid(count: number): void {
    if (this.#nulls === 0) this.#length += count;
    else for (let i = 0; i < count; i++) this.push(true);
  }

  push(valid: boolean): void {
    const at = this.#length++;
    if (valid) {
      if (this.#nulls > 0) this.#set(at);
      return;
    }
    if (this.#nulls++ === 0) this.#materialize(at);
    this.#reserve(at);
  }

  finish(): { nullBitmap: Uint8Array | null; nullCount: number } {
    const nullCount = this.#nulls;
    const nullBitmap = nullCount > 0 ? this.#bits.slice(0, Math.ceil(this.#length / 8)) : null;
    this.#bits = new Uint8Array(0);
    this.#length = 0;
    this.#nulls = 0;
    return { nullBitmap, nullCount };
  }

  #appendBits(source: Uint8Array, from: number, count: number): void {
    let allValid = true;
    for (let i = from; i < from + count; i++) {
      if (((source[i >> 3] ?? 0) >> (i & 7)) % 2 === 0) {
        allValid = false;
        break;
      }
    }
    if (allValid) {
      this.appendValid(count);
      return;
    }
    for (let i = from; i < from + count; i++) this.push((((source[i >> 3] ?? 0) >> (i & 7)) & 1) === 1);
  }

  /** The first null: everything before it was valid. */
  #materialize(length: number): void {
    this.#reserve(length);
    this.#bits.fill(0xff, 0, length >> 3);
    for (let at = length & ~7; at < length; at++) this.#set(at);
  }

  #set(at: number): void {
    this.#reserve(at);
    this.#bits[at >> 3] = (this.#bits[at >> 3] ?? 0) | (1 << (at & 7));
  }

  #reserve(at: number): void {
    if (at >> 3 < this.#bits.length) return;
    const grown = new Uint8Array(Math.max(256, ((at >> 3) + 1) * 2));
    grown.set(this.#bits);
    this.#bits = grown;
  }
}

/** Bytes that grow by doubling. */
export class ByteBuffer {
  bytes = new Uint8Array(0);
  length = 0;

  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(1024, this.bytes.length * 2, this.length + count));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  append(source: Uint8Array): void {
    this.reserve(source.length);
    this.bytes.set(source, this.length);
    this.length += source.length;
  }

  /**
   * The bytes, in a buffer of their own that starts at offset 0, so that any typed array can view it. What they were
   * gathered in serves for the next ones: made anew, it would be most of what a stream leaves to the garbage collector.
   */
  finish(): Uint8Array<ArrayBuffer> {
    const done = this.bytes.slice(0, this.length);
    this.length = 0;
    return done;
  }
}

type TypedArrayFrom = (buffer: ArrayBuffer) => ArrayBufferView;

/** Types whose Arrow values are DuckDB's, byte for byte. */
export class FixedWidthGatherer implements VectorGatherer {
  readonly #validity = new Validity();
  readonly #values = new ByteBuffer();
  #rows = 0;

  constructor(
    readonly type: arrow.DataType,
    readonly width: number,
    readonly view: TypedArrayFrom,
  ) {}

  append(vector: duckdb.Vector, from: number, count: number): void {
    this.#validity.append(vector, from, count);
    const data = duckdb.vector_get_data(vector, (from + count) * this.width);
    this.#values.append(data.subarray(from * this.width, (from + count) * this.width));
    this.#rows += count;
  }

  finish(): arrow.Data {
    const length = this.#rows;
    this.#rows = 0;
    const data = this.view(this.#values.finish().buffer);
    return arrow.makeData({ type: this.type, length, data, ...this.#validity.finish() } as never);
  }
}

/** Types that are rewritten value by value: from `sourceWidth` bytes to `width`. */
export class ConvertingGatherer implements VectorGatherer {
  readonly #validity = new Validity();
  readonly #values = new ByteBuffer();
  #rows = 0;

  constructor(
    readonly type: arrow.DataType,
    readonly sourceWidth: number,
    readonly width: number,
    readonly convert: (source: DataView, sourceAt: number, target: DataView, targetAt: number) => void,
    readonly view: TypedArrayFrom,
  ) {}

  append(vector: duckdb.Vector, from: number, count: number): void {
    this.#validity.append(vector, from, count);
    const data = duckdb.vector_get_data(vector, (from + count) * this.sourceWidth);
    const source = new DataView(data.buffer, data.byteOffset, data.byteLength);
    this.#values.reserve(count * this.width);
    const target = new DataView(this.#values.bytes.buffer);
    for (let i = 0; i < count; i++) {
      this.convert(source, (from + i) * this.sourceWidth, target, this.#values.length);
      this.#values.length += this.width;
    }
    this.#rows += count;
  }

  finish(): arrow.Data {
    const length = this.#rows;
    this.#rows = 0;
    const data = this.view(this.#values.finish().buffer);
    return arrow.makeData({ type: this.type, length, data, ...this.#validity.finish() } as never);
  }
}

/** DuckDB keeps a byte per boolean, Arrow a bit. */
export class BooleanGatherer implements VectorGatherer {
  readonly type = new arrow.Bool();
  readonly #validity = new Validity();
  readonly #bytes = new ByteBuffer();

  append(vector: duckdb.Vector, from: number, count: number): void {
    this.#validity.append(vector, from, count);
    this.#bytes.append(duckdb.vector_get_data(vector, from + count).subarray(from, from + count));
  }

  finish(): arrow.Data {
    const bytes = this.#bytes.finish();
    const data = new Uint8Array(Math.ceil(bytes.length / 8));
    for (let i = 0; i < bytes.length; i++) {
      if (bytes[i]) data[i >> 3] = (data[i >> 3] ?? 0) | (1 << (i & 7));
    }
    return arrow.makeData({ type: this.type, length: bytes.length, data, ...this.#validity.finish() });
  }
}

const STRING_BYTES = 16;
const INLINE_BYTES = 12;

/**
 * Text and blobs. DuckDB's string has 16 bytes: a 32-bit length, then the bytes themselves up to 12, or else a prefix
 * of 4 and a pointer.
 */
export class BytesGatherer implements VectorGatherer {
  readonly #validity = new Validity();
  readonly #bytes = new ByteBuffer();
  #offsets = new Int32Array(1024);
  #rows = 0;

  constructor(readonly type: arrow.Utf8 | arrow.Binary) {}

  append(vector: duckdb.Vector, from: number, count: number): void {
    this.#validity.append(vector, from, count);
    const data = duckdb.vector_get_data(vector, (from + count) * STRING_BYTES);
    const validity = duckdb.vector_get_validity(
      vector,
      Math.ceil((from + count) / 64) * 8,
    ) as Uint8Array | null;
    const hasNulls = validity !== null && validity.length > 0;
    const words = new Uint32Array(data.buffer, data.byteOffset, data.byteLength >> 2);
    const bytes = this.#bytes;
    const offsets = this.#room(count);
    let row = this.#rows;
    bytes.reserve(INLINE_BYTES * count);
    let target = bytes.bytes;
    let end = bytes.length;
    for (let i = from; i < from + count; i++) {
      // What lies at a null's place is undefined, a pointer too: it must not be followed.
      if (!hasNulls || ((validity[i >> 3] as number) >> (i & 7)) & 1) {
        const at = i * STRING_BYTES;
        const length = words[at >> 2] as number;
        if (length <= INLINE_BYTES) {
          for (let k = at + 4; k < at + 4 + length; k++) target[end++] = data[k] as number;
        } else {
          bytes.length = end;
          bytes.append(
            duckdb.get_data_from_pointer(data.buffer as ArrayBuffer, data.byteOffset + at + 8, length),
          );
          bytes.reserve(INLINE_BYTES * (from + count - i));
          target = bytes.bytes;
          end = bytes.length;
        }
      }
      offsets[++row] = end;
    }
    bytes.length = end;
    this.#rows = row;
  }

  /** The offsets, with room for so many more rows. */
  #room(count: number): Int32Array {
    const least = this.#rows + count + 1;
    if (this.#offsets.length < least) {
      const grown = new Int32Array(Math.max(least, this.#offsets.length * 2));
      grown.set(this.#offsets);
      this.#offsets = grown;
    }
    return this.#offsets;
  }

  finish(): arrow.Data {
    const length = this.#rows;
    const valueOffsets = this.#offsets.slice(0, length + 1);
    this.#rows = 0;
    const data = this.#bytes.finish();
    return arrow.makeData({
      type: this.type,
      length,
      valueOffsets,
      data,
      ...this.#validity.finish(),
    } as never);
  }
}

/** Lists and maps. DuckDB's entry is offset and length, 64 bits each, into one child vector, in any order. */
export class ListGatherer implements VectorGatherer {
  readonly #validity = new Validity();
  #offsets: number[] = [0];
  #end = 0;

  constructor(
    readonly type: arrow.List | arrow.Map_,
    readonly child: VectorGatherer,
  ) {}

  append(vector: duckdb.Vector, from: number, count: number): void {
    const data = duckdb.vector_get_data(vector, (from + count) * 16);
    const entries = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const validity = duckdb.vector_get_validity(
      vector,
      Math.ceil((from + count) / 64) * 8,
    ) as Uint8Array | null;
    const childVector = duckdb.list_vector_get_child(vector);
    this.#validity.append(vector, from, count);
    // Runs of lists that lie one after another are copied in one go.
    let start = 0;
    let length = 0;
    const flush = () => {
      if (length > 0) this.child.append(childVector, start, length);
      length = 0;
    };
    for (let i = from; i < from + count; i++) {
      const isNull = validity && validity.length > 0 && (((validity[i >> 3] ?? 0) >> (i & 7)) & 1) === 0;
      const size = isNull ? 0 : Number(entries.getBigUint64(i * 16 + 8, true));
      if (size > 0) {
        const offset = Number(entries.getBigUint64(i * 16, true));
        if (length === 0 || offset !== start + length) {
          flush();
          start = offset;
        }
        length += size;
      }
      this.#end += size;
      this.#offsets.push(this.#end);
    }
    flush();
  }

  finish(): arrow.Data {
    const valueOffsets = Int32Array.from(this.#offsets);
    this.#offsets = [0];
    this.#end = 0;
    const child = this.child.finish();
    const length = valueOffsets.length - 1;
    return arrow.makeData({
      type: this.type,
      length,
      valueOffsets,
      child,
      ...this.#validity.finish(),
    } as never);
  }
}

export class FixedSizeListGatherer implements VectorGatherer {
  readonly #validity = new Validity();
  #rows = 0;

  constructor(
    readonly type: arrow.FixedSizeList,
    readonly child: VectorGatherer,
  ) {}

  append(vector: duckdb.Vector, from: number, count: number): void {
    const size = this.type.listSize;
    this.#validity.append(vector, from, count);
    this.child.append(duckdb.array_vector_get_child(vector), from * size, count * size);
    this.#rows += count;
  }

  finish(): arrow.Data {
    const length = this.#rows;
    this.#rows = 0;
    return arrow.makeData({
      type: this.type,
      length,
      child: this.child.finish(),
      ...this.#validity.finish(),
    });
  }
}

export class StructGatherer implements VectorGatherer {
  readonly #validity = new Validity();
  #rows = 0;

  constructor(
    readonly type: arrow.Struct,
    readonly children: readonly VectorGatherer[],
  ) {}

  append(vector: duckdb.Vector, from: number, count: number): void {
    this.#validity.append(vector, from, count);
    this.children.forEach((child, i) => {
      child.append(duckdb.struct_vector_get_child(vector, i), from, count);
    });
    this.#rows += count;
  }

  finish(): arrow.Data {
    const length = this.#rows;
    this.#rows = 0;
    const children = this.children.map((child) => child.finish());
    return arrow.makeData({ type: this.type, length, children, ...this.#validity.finish() });
  }
}
