import * as arrow from "apache-arrow";
import { dayOrdinal, transformFunction, truncateInt } from "../../model/partitioning/apply.js";
import { hashBytes, hashLongParts } from "../../model/partitioning/murmur3.js";
import { transformResultType } from "../../model/partitioning/transform.js";
import type { Transform } from "../../model/partitioning/types.js";
import type { PrimitiveType, PrimitiveValue } from "../../model/types/types.js";
import { utf8Decode, uuidFromBytes } from "../../model/values/bytes.js";
import { valueKey } from "../../model/values/compare.js";
import { ByteInterner } from "./intern.js";
import { byteRanges, canonicalReader, nullTest } from "./read.js";

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
  if (
    transform.transform === "void" ||
    transform.transform === "unknown" ||
    arrow.DataType.isNull(data.type)
  ) {
    if (data.length > 0) codes.fill(out.ofNull());
    return;
  }
  if (arrow.DataType.isDictionary(data.type)) {
    dictionaryChunk(transform, source, data, out, codes);
    return;
  }
  const ordinal = ordinalReader(transform, source, data);
  if (ordinal !== undefined) {
    ordinalChunk(ordinal, data, out, codes);
    return;
  }
  if (bytesChunk(transform, source, data, out, codes)) return;
  const read = canonicalReader(source, data);
  const apply = transformFunction(transform, source);
  for (let i = 0; i < data.length; i += 1) codes[i] = out.of(apply(read(i)));
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

/** The transformed value at an index where that is a 32-bit integer and can be had from the buffers alone. */
function ordinalReader(
  transform: Transform,
  source: PrimitiveType,
  data: arrow.Data,
): ((index: number) => number) | undefined {
  if (data.values instanceof Int32Array && (source.type === "int" || source.type === "date")) {
    if (source.type === "date" && (data.type as arrow.Date_).unit !== arrow.DateUnit.DAY) return undefined;
    return intReader(transform, data.values);
  }
  if (!(data.values instanceof BigInt64Array)) return undefined;
  // Little-endian halves: arithmetic on doubles is an order of magnitude faster than on bigints.
  const halves = new Int32Array(data.values.buffer, data.values.byteOffset, data.values.length * 2);
  if (transform.transform === "bucket") return longBucketReader(transform.numBuckets, source, data, halves);
  if (arrow.DataType.isTimestamp(data.type) && data.type.unit !== arrow.TimeUnit.NANOSECOND) {
    const perSecond = [1, 1e3, 1e6][data.type.unit]!;
    return timestampReader(transform, halves, perSecond);
  }
  return undefined;
}

function intReader(transform: Transform, values: Int32Array): ((index: number) => number) | undefined {
  switch (transform.transform) {
    case "identity":
    case "day":
      return (i) => values[i]!;
    case "year":
    case "month": {
      const ordinal = dayOrdinal(transform.transform);
      return (i) => ordinal(values[i]!);
    }
    case "truncate":
      return (i) => truncateInt(values[i]!, transform.width);
    case "bucket":
      return (i) => (hashLongParts(values[i]!, values[i]! < 0 ? -1 : 0) & 0x7fffffff) % transform.numBuckets;
    default:
      return undefined;
  }
}

function longBucketReader(
  numBuckets: number,
  source: PrimitiveType,
  data: arrow.Data,
  halves: Int32Array,
): ((index: number) => number) | undefined {
  // Only where the buffer's unit is what is hashed: longs, and microseconds.
  const unit = (data.type as arrow.Timestamp | arrow.Time).unit;
  const direct = source.type === "long" || (source.type !== "date" && unit === arrow.TimeUnit.MICROSECOND);
  if (!direct) return undefined;
  return (i) => (hashLongParts(halves[2 * i]!, halves[2 * i + 1]!) & 0x7fffffff) % numBuckets;
}

function timestampReader(
  transform: Transform,
  halves: Int32Array,
  perSecond: number,
): ((index: number) => number) | undefined {
  const { transform: unit } = transform;
  if (unit !== "year" && unit !== "month" && unit !== "day" && unit !== "hour") return undefined;
  const per = perSecond * (unit === "hour" ? 3600 : 86_400);
  const ordinal = unit === "hour" ? undefined : dayOrdinal(unit);
  return (i) => {
    const high = halves[2 * i + 1]!;
    const low = halves[2 * i]! >>> 0;
    // Exact in a double up to 2^53 units, which is the year 2255 in microseconds; beyond that, by bigint.
    const count =
      high >= -0x200000 && high < 0x200000
        ? Math.floor((high * 4294967296 + low) / per)
        : exactFloorDiv((BigInt(high) << 32n) | BigInt(low), BigInt(per));
    return ordinal === undefined ? count : ordinal(count);
  };
}

function exactFloorDiv(a: bigint, b: bigint): number {
  const quotient = a / b;
  return Number(a % b < 0n ? quotient - 1n : quotient);
}

/** Transforms bytes in place: hashes ranges, or interns them (cut first for truncate). False where the column is not bytes. */
function bytesChunk(
  transform: Transform,
  source: PrimitiveType,
  data: arrow.Data,
  out: Codes,
  codes: Int32Array,
): boolean {
  const ranges = byteRanges(data);
  if (ranges === undefined || arrow.DataType.isNull(data.type)) return false;
  const { bytes, start, end } = ranges;
  if (transform.transform === "bucket") {
    ordinalChunk(
      (i) => (hashBytes(bytes, start(i), end(i)) & 0x7fffffff) % transform.numBuckets,
      data,
      out,
      codes,
    );
    return true;
  }
  if (transform.transform !== "identity" && transform.transform !== "truncate") return false;
  const width = transform.transform === "truncate" ? transform.width : Number.POSITIVE_INFINITY;
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
  return true;
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
