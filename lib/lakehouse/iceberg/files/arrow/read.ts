import * as arrow from "apache-arrow";
import type { PrimitiveType, PrimitiveValue } from "../../model/types/types.js";
import { utf8Decode, uuidFromBytes } from "../../model/values/bytes.js";

/** The bytes of the i-th value of a column of bytes, as a range: no copy. */
export interface ByteRanges {
  readonly bytes: Uint8Array;
  start(index: number): number;
  end(index: number): number;
}

/** Where the values of a utf8, binary or fixed-size chunk lie; `undefined` for other types. */
export function byteRanges(data: arrow.Data): ByteRanges | undefined {
  const { type } = data;
  if (arrow.DataType.isFixedSizeBinary(type)) {
    const width = type.byteWidth;
    return { bytes: data.values, start: (i) => i * width, end: (i) => (i + 1) * width };
  }
  if (arrow.DataType.isUtf8(type) || arrow.DataType.isBinary(type)) {
    const offsets = data.valueOffsets as Int32Array;
    return { bytes: data.values, start: (i) => offsets[i]!, end: (i) => offsets[i + 1]! };
  }
  if (arrow.DataType.isLargeUtf8(type) || arrow.DataType.isLargeBinary(type)) {
    const offsets = data.valueOffsets as unknown as BigInt64Array;
    return { bytes: data.values, start: (i) => Number(offsets[i]), end: (i) => Number(offsets[i + 1]) };
  }
  return undefined;
}

/** False where it is sure that no value of a chunk is null. */
export function mayHaveNulls(data: arrow.Data): boolean {
  if (data.nullCount > 0 || arrow.DataType.isNull(data.type)) return true;
  return arrow.DataType.isDictionary(data.type) && (data.dictionary as arrow.Vector).nullCount > 0;
}

/** True for a null at `index` of a chunk: in a dictionary column the key can be null, or the value that it leads to. */
export function nullTest(data: arrow.Data): (index: number) => boolean {
  if (arrow.DataType.isNull(data.type)) return () => true;
  const ofKeys = bitmapTest(data);
  if (!arrow.DataType.isDictionary(data.type) || (data.dictionary as arrow.Vector).nullCount === 0)
    return ofKeys;
  const values = dictionaryValues(data, nullTest);
  const keys = data.values as ArrayLike<number | bigint>;
  return (index) => ofKeys(index) || values[Number(keys[index])] === true;
}

/** Something of each value of a dictionary, in the order of the keys. */
export function dictionaryValues<T>(
  data: arrow.Data,
  ofChunk: (chunk: arrow.Data) => (index: number) => T,
): readonly T[] {
  return (data.dictionary as arrow.Vector).data.flatMap((chunk) => {
    const read = ofChunk(chunk);
    return Array.from({ length: chunk.length }, (_, i) => read(i));
  });
}

function bitmapTest(data: arrow.Data): (index: number) => boolean {
  if (data.nullCount === 0) return () => false;
  const { nullBitmap, offset } = data;
  return (index) => ((nullBitmap[(index + offset) >> 3]! >> ((index + offset) & 7)) & 1) === 0;
}

export function unitsPerSecond(unit: arrow.TimeUnit): bigint {
  return 10n ** BigInt([0, 3, 6, 9][unit]!);
}

/**
 * Reads the canonical values of a chunk (a `Data`) as the Iceberg type. The chunk must have an Arrow type that can be
 * cast to it; whether each value comes through is for `lossOf` to say.
 */
export function canonicalReader(
  type: PrimitiveType,
  data: arrow.Data,
): (index: number) => PrimitiveValue | null {
  const isNull = nullTest(data);
  const read = valueReader(type, data);
  return (index) => (isNull(index) ? null : read(index));
}

function valueReader(type: PrimitiveType, data: arrow.Data): (index: number) => PrimitiveValue {
  if (arrow.DataType.isDictionary(data.type)) {
    const values = dictionaryValues(data, (chunk) => canonicalReader(type, chunk));
    const keys = data.values as Int32Array;
    return (index) => values[Number(keys[index])] as PrimitiveValue;
  }
  switch (type.type) {
    case "boolean": {
      const bits = data.values as Uint8Array;
      const { offset } = data;
      return (index) => ((bits[(index + offset) >> 3]! >> ((index + offset) & 7)) & 1) === 1;
    }
    case "long": {
      const values = data.values as ArrayLike<number | bigint>;
      return (index) => BigInt(values[index] as number | bigint);
    }
    case "int":
    case "float":
    case "double": {
      const values = data.values as ArrayLike<number | bigint>;
      return (index) => Number(values[index]);
    }
    case "date": {
      const values = data.values as ArrayLike<number | bigint>;
      if ((data.type as arrow.Date_).unit === arrow.DateUnit.DAY) return (index) => Number(values[index]);
      return (index) => Math.floor(Number(values[index]) / 86_400_000);
    }
    case "decimal": {
      const words = data.values as Uint32Array;
      const stride = (data.type as arrow.Decimal).bitWidth / 32;
      return (index) => decimalWords(words, index * stride, stride);
    }
    case "time":
    case "timestamp":
    case "timestamptz":
    case "timestamp_ns":
    case "timestamptz_ns": {
      const perSecond = type.type.endsWith("_ns") ? 1_000_000_000n : 1_000_000n;
      const from = unitsPerSecond((data.type as arrow.Timestamp | arrow.Time).unit);
      const values = data.values as ArrayLike<number | bigint>;
      if (from > perSecond) return (index) => BigInt(values[index]!) / (from / perSecond);
      return (index) => BigInt(values[index]!) * (perSecond / from);
    }
    case "string":
    case "uuid":
    case "fixed":
    case "binary":
    case "unknown":
    case "variant":
    case "geometry":
    case "geography": {
      const ranges = byteRanges(data);
      if (ranges === undefined) {
        // Views: their own accessor resolves inline and out-of-line values.
        const vector = new arrow.Vector([data]);
        return (index) => vector.get(index) as PrimitiveValue;
      }
      const { bytes, start, end } = ranges;
      if (type.type === "string") return (index) => utf8Decode(bytes.subarray(start(index), end(index)));
      if (type.type === "uuid") return (index) => uuidFromBytes(bytes.subarray(start(index), end(index)));
      return (index) => bytes.slice(start(index), end(index));
    }
  }
}

/** A two's complement integer from little-endian 32-bit words. */
export function decimalWords(words: Uint32Array, start: number, count: number): bigint {
  let value = 0n;
  for (let i = count - 1; i >= 0; i -= 1) value = (value << 32n) | BigInt(words[start + i]!);
  return BigInt.asIntN(count * 32, value);
}
