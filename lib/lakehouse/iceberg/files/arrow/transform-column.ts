import * as arrow from "apache-arrow";
import type { TransformOf } from "../../model/transforms/definition.js";
import { hashBytes, hashLongParts } from "../../model/transforms/murmur3.js";
import { DAY, HOUR, MONTH, type TimeUnit, YEAR } from "../../model/transforms/times.js";
import { transformFunction, transformResultType } from "../../model/transforms/transform.js";
import { truncateInt } from "../../model/transforms/truncate.js";
import type { Transform, TransformKind } from "../../model/transforms/types.js";
import type { PrimitiveType, PrimitiveValue } from "../../model/types/types.js";
import { utf8Decode, uuidFromBytes } from "../../model/values/bytes.js";
import { valueKey } from "../../model/values/compare.js";
import { ByteInterner } from "./intern.js";
import { type ByteRanges, byteRanges, canonicalReader, nullTest } from "./read.js";

/** A transformed column, dictionary-encoded: row i has the value `values[codes[i]]`. Few values, whatever the rows. */
export interface TransformedColumn {
  readonly type: PrimitiveType;
  /** Canonical values without duplicates, in the order of their first row; null is one of them where it occurs. */
  readonly values: readonly (PrimitiveValue | null)[];
  readonly codes: Int32Array;
}

/** Numbers values as they come. */
class Codes {
  readonly values: (PrimitiveValue | null)[] = [];
  private readonly byKey = new Map<unknown, number>();
  private nullCode = -1;

  of(value: PrimitiveValue | null): number {
    if (value === null) return this.ofNull();
    const key = valueKey(value);
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    this.values.push(value);
    this.byKey.set(key, this.values.length - 1);
    return this.values.length - 1;
  }

  ofNull(): number {
    if (this.nullCode < 0) this.nullCode = this.values.push(null) - 1;
    return this.nullCode;
  }
}

/**
 * Applies a transform to a whole Arrow column. Integers, timestamps and bytes are read from their buffers without
 * making a JavaScript value of each row; dictionaries are transformed once per entry.
 * Throws `INVALID_ARGUMENT` when the transform cannot be applied to `source`, the Iceberg type of the column.
 */
export function transformColumn(
  transform: Transform,
  source: PrimitiveType,
  column: arrow.Vector,
): TransformedColumn {
  const type = transformResultType(transform, source);
  const out = new Codes();
  const codes = new Int32Array(column.length);
  let row = 0;
  for (const data of column.data) {
    transformChunk(transform, source, data, out, codes.subarray(row, row + data.length));
    row += data.length;
  }
  return { type, values: out.values, codes };
}

function transformChunk(
  transform: Transform,
  source: PrimitiveType,
  data: arrow.Data,
  out: Codes,
  codes: Int32Array,
): void {
  const form = COLUMN_FORMS[transform.transform] as ColumnForm | undefined;
  if (form === undefined || arrow.DataType.isNull(data.type)) {
    if (data.length > 0) codes.fill(out.ofNull());
    return;
  }
  if (arrow.DataType.isDictionary(data.type)) {
    dictionaryChunk(transform, source, data, out, codes);
    return;
  }
  const reader = ordinalReader(form, transform, source, data);
  if (reader !== undefined) {
    ordinalChunk(reader, data, out, codes);
    return;
  }
  const ranges = byteRanges(data);
  if (form.bytes !== undefined && ranges !== undefined) {
    form.bytes(transform, { source, data, ranges, out, codes });
    return;
  }
  const read = canonicalReader(source, data);
  const apply = transformFunction(transform, source);
  for (let i = 0; i < data.length; i += 1) codes[i] = out.of(apply(read(i)));
}

/** The transformed value at an index, where that is a 32-bit integer. */
type OrdinalReader = (index: number) => number;

/** A chunk of bytes on its way to codes. */
interface BytesChunk {
  readonly source: PrimitiveType;
  readonly data: arrow.Data;
  readonly ranges: ByteRanges;
  readonly out: Codes;
  readonly codes: Int32Array;
}

/** How a transform reads the buffers of a column; where it cannot, values are made and transformed one by one. */
interface ColumnForm<T extends Transform = Transform> {
  /** Of ints, and of dates in days. */
  int?(transform: T, values: Int32Array): OrdinalReader;
  /** Of 64-bit integers, as little-endian halves: arithmetic on doubles is an order of magnitude faster than on bigints. */
  long?(
    transform: T,
    source: PrimitiveType,
    type: arrow.DataType,
    halves: Int32Array,
  ): OrdinalReader | undefined;
  /** Of text and bytes, in place. */
  bytes?(transform: T, chunk: BytesChunk): void;
}

/** The column form of each transform; `undefined` for one that gives null for all. */
const COLUMN_FORMS: { readonly [Kind in TransformKind]: ColumnForm<TransformOf<Kind>> | undefined } = {
  identity: {
    int: (_, values) => (i) => values[i]!,
    bytes: (_, chunk) => internedChunk(chunk, Number.POSITIVE_INFINITY),
  },
  bucket: {
    int:
      ({ numBuckets }, values) =>
      (i) =>
        (hashLongParts(values[i]!, values[i]! < 0 ? -1 : 0) & 0x7fffffff) % numBuckets,
    long: ({ numBuckets }, source, type, halves) => {
      // Only where the buffer's unit is what is hashed: longs, and microseconds.
      const { unit } = type as arrow.Timestamp | arrow.Time;
      const direct =
        source.type === "long" || (source.type !== "date" && unit === arrow.TimeUnit.MICROSECOND);
      if (!direct) return undefined;
      return (i) => (hashLongParts(halves[2 * i]!, halves[2 * i + 1]!) & 0x7fffffff) % numBuckets;
    },
    bytes: ({ numBuckets }, { ranges: { bytes, start, end }, data, out, codes }) =>
      ordinalChunk((i) => (hashBytes(bytes, start(i), end(i)) & 0x7fffffff) % numBuckets, data, out, codes),
  },
  truncate: {
    int:
      ({ width }, values) =>
      (i) =>
        truncateInt(values[i]!, width),
    bytes: ({ width }, chunk) => internedChunk(chunk, width),
  },
  year: timeForm(YEAR),
  month: timeForm(MONTH),
  day: timeForm(DAY),
  hour: timeForm(HOUR),
  void: undefined,
  unknown: undefined,
};

function timeForm<T extends Transform>({ ofDays }: TimeUnit): ColumnForm<T> {
  return {
    ...(ofDays && { int: (_: T, values: Int32Array) => (i: number) => ofDays(values[i]!) }),
    long: (_, __, type, halves) => {
      if (!arrow.DataType.isTimestamp(type) || type.unit === arrow.TimeUnit.NANOSECOND) return undefined;
      const perSecond = [1, 1e3, 1e6][type.unit]!;
      const count = floorDivReader(halves, perSecond * (ofDays === undefined ? 3600 : 86_400));
      return ofDays === undefined ? count : (i) => ofDays(count(i));
    },
  };
}

function dictionaryChunk(
  transform: Transform,
  source: PrimitiveType,
  data: arrow.Data,
  out: Codes,
  codes: Int32Array,
): void {
  const entries = transformColumn(transform, source, data.dictionary as arrow.Vector);
  const isNull = nullTest(data);
  const keys = data.values as ArrayLike<number | bigint>;
  // Entries get their code when a row first uses them: a dictionary may hold values that no row has.
  const byEntry = new Int32Array(entries.values.length).fill(-1);
  for (let i = 0; i < data.length; i += 1) {
    if (isNull(i)) {
      codes[i] = out.ofNull();
      continue;
    }
    const entry = entries.codes[Number(keys[i])]!;
    if (byEntry[entry]! < 0) byEntry[entry] = out.of(entries.values[entry]!);
    codes[i] = byEntry[entry]!;
  }
}

/** Codes from 32-bit results; the last result is remembered, since rows of a kind come together. */
function ordinalChunk(
  ordinal: (index: number) => number,
  data: arrow.Data,
  out: Codes,
  codes: Int32Array,
): void {
  const isNull = nullTest(data);
  let last = 0;
  let lastCode = -1;
  for (let i = 0; i < data.length; i += 1) {
    if (isNull(i)) {
      codes[i] = out.ofNull();
      continue;
    }
    const value = ordinal(i);
    if (lastCode < 0 || value !== last) {
      last = value;
      lastCode = out.of(value);
    }
    codes[i] = lastCode;
  }
}

/** A reader of the buffers alone, where there is one. */
function ordinalReader(
  form: ColumnForm,
  transform: Transform,
  source: PrimitiveType,
  data: arrow.Data,
): OrdinalReader | undefined {
  if (data.values instanceof Int32Array && (source.type === "int" || source.type === "date")) {
    if (source.type === "date" && (data.type as arrow.Date_).unit !== arrow.DateUnit.DAY) return undefined;
    return form.int?.(transform, data.values);
  }
  if (!(data.values instanceof BigInt64Array)) return undefined;
  const halves = new Int32Array(data.values.buffer, data.values.byteOffset, data.values.length * 2);
  return form.long?.(transform, source, data.type, halves);
}

/** 64-bit integers divided, rounded down. */
function floorDivReader(halves: Int32Array, per: number): OrdinalReader {
  return (i) => {
    const high = halves[2 * i + 1]!;
    const low = halves[2 * i]! >>> 0;
    // Exact in a double up to 2^53 units, which is the year 2255 in microseconds; beyond that, by bigint.
    return high >= -0x200000 && high < 0x200000
      ? Math.floor((high * 4294967296 + low) / per)
      : exactFloorDiv((BigInt(high) << 32n) | BigInt(low), BigInt(per));
  };
}

function exactFloorDiv(a: bigint, b: bigint): number {
  const quotient = a / b;
  return Number(a % b < 0n ? quotient - 1n : quotient);
}

/** Interns bytes, cut to `width` first: bytes, or characters of text. */
function internedChunk({ source, data, ranges, out, codes }: BytesChunk, width: number): void {
  const { bytes, start, end } = ranges;
  const cut = source.type === "string" ? cutCodePoints : cutBytes;
  const interner = new ByteInterner();
  const byInterned: number[] = [];
  const isNull = nullTest(data);
  for (let i = 0; i < data.length; i += 1) {
    if (isNull(i)) {
      codes[i] = out.ofNull();
      continue;
    }
    const interned = interner.code(bytes, start(i), cut(bytes, start(i), end(i), width));
    byInterned[interned] ??= out.of(fromBytes(source, interner.values[interned]!));
    codes[i] = byInterned[interned]!;
  }
}

function fromBytes(type: PrimitiveType, bytes: Uint8Array): PrimitiveValue {
  if (type.type === "string") return utf8Decode(bytes);
  return type.type === "uuid" ? uuidFromBytes(bytes) : bytes;
}

function cutBytes(_bytes: Uint8Array, start: number, end: number, width: number): number {
  return Math.min(end, start + width);
}

/** Where the first `width` code points end: every byte but a continuation byte starts one. */
function cutCodePoints(bytes: Uint8Array, start: number, end: number, width: number): number {
  if (end - start <= width) return end;
  let points = 0;
  for (let i = start; i < end; i += 1) {
    if ((bytes[i]! & 0xc0) === 0x80) continue;
    if (points === width) return i;
    points += 1;
  }
  return end;
}
