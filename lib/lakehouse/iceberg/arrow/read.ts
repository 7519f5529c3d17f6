import * as arrow from "apache-arrow";
import type { PrimitiveType, PrimitiveValue } from "../schema/types.js";
import { utf8Decode, uuidFromBytes } from "../values/bytes.js";

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

/** True for a null at `index` of a chunk. */
export function nullTest(data: arrow.Data): (index: number) => boolean {
  if (arrow.DataType.isNull(data.type)) return () => true;
  if (data.nullCount === 0) return () => false;
  const { nullBitmap, offset } = data;
  return (index) => ((nullBitmap[(index + offset) >> 3]! >> ((index + offset) & 7)) & 1) === 0;
}

/** Multiplier from an Arrow unit to micro- or nanoseconds; fractions are never dropped, so only upwards. */
function unitFactor(unit: arrow.TimeUnit, to: "micros" | "nanos"): bigint {
  const digits = [0, 3, 6, 9][unit]!;
  return 10n ** BigInt((to === "micros" ? 6 : 9) - digits);
}

/**
 * Reads the canonical values of a chunk (a `Data`) as the Iceberg type. The chunk must have an Arrow type that
 * `checkArrowType` accepts for it.
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
    const dictionary = data.dictionary as arrow.Vector;
    const values: (PrimitiveValue | null)[] = [];
    for (const chunk of dictionary.data) {
      const read = canonicalReader(type, chunk);
      for (let i = 0; i < chunk.length; i += 1) values.push(read(i));
    }
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
      const to = type.type === "timestamp_ns" || type.type === "timestamptz_ns" ? "nanos" : "micros";
      const factor = unitFactor((data.type as arrow.Timestamp | arrow.Time).unit, to);
      const values = data.values as ArrayLike<number | bigint>;
      return (index) => BigInt(values[index] as number | bigint) * factor;
    }
    default: {
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
function decimalWords(words: Uint32Array, start: number, count: number): bigint {
  let value = 0n;
  for (let i = count - 1; i >= 0; i -= 1) value = (value << 32n) | BigInt(words[start + i]!);
  return BigInt.asIntN(count * 32, value);
}
