import { corruptFile } from "../../../errors.js";
import { typeToString } from "../types/type-text.js";
import type { PrimitiveType, PrimitiveValue } from "../types/types.js";
import { utf8Decode, utf8Encode, uuidFromBytes, uuidToBytes } from "./bytes.js";
import { unscaledFromBytes, unscaledToBytes } from "./decimal.js";
import { MICROS_PER_DAY, NANOS_PER_DAY } from "./temporal.js";

/** The binary single-value form of a canonical value (spec, Appendix D); the form of bounds in manifests. */
export function toBinary(type: PrimitiveType, value: PrimitiveValue): Uint8Array {
  switch (type.type) {
    case "boolean":
      return Uint8Array.of(value ? 1 : 0);
    case "int":
    case "date":
      return littleEndian(4, (view) => view.setInt32(0, value as number, true));
    case "long":
    case "time":
    case "timestamp":
    case "timestamptz":
    case "timestamp_ns":
    case "timestamptz_ns":
      return littleEndian(8, (view) => view.setBigInt64(0, value as bigint, true));
    case "float":
      return littleEndian(4, (view) => view.setFloat32(0, value as number, true));
    case "double":
      return littleEndian(8, (view) => view.setFloat64(0, value as number, true));
    case "decimal":
      return unscaledToBytes(value as bigint);
    case "string":
      return utf8Encode(value as string);
    case "uuid":
      return uuidToBytes(value as string);
    case "fixed":
    case "binary":
    case "variant":
    case "geometry":
    case "geography":
      return value as Uint8Array;
    case "unknown":
      throw new TypeError("A column of type unknown has no values");
  }
}

function littleEndian(length: number, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(length);
  write(new DataView(bytes.buffer));
  return bytes;
}

/**
 * The canonical value of a binary single value. A value written before the column's type was promoted is told by its
 * length and read as the promoted type (spec, "Schema Evolution"). Throws `CORRUPT_FILE` when the length fits no type.
 */
export function fromBinary(type: PrimitiveType, bytes: Uint8Array): PrimitiveValue {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = bytes.length;
  switch (type.type) {
    case "boolean":
      if (length === 1) return bytes[0] !== 0;
      break;
    case "int":
    case "date":
      if (length === 4) return view.getInt32(0, true);
      break;
    case "long":
      if (length === 8) return view.getBigInt64(0, true);
      if (length === 4) return BigInt(view.getInt32(0, true));
      break;
    case "time":
    case "timestamptz":
    case "timestamptz_ns":
      if (length === 8) return view.getBigInt64(0, true);
      break;
    case "timestamp":
      if (length === 8) return view.getBigInt64(0, true);
      if (length === 4) return BigInt(view.getInt32(0, true)) * MICROS_PER_DAY;
      break;
    case "timestamp_ns":
      if (length === 8) return view.getBigInt64(0, true);
      if (length === 4) return BigInt(view.getInt32(0, true)) * NANOS_PER_DAY;
      break;
    case "float":
      if (length === 4) return view.getFloat32(0, true);
      break;
    case "double":
      if (length === 8) return view.getFloat64(0, true);
      if (length === 4) return view.getFloat32(0, true);
      break;
    case "decimal":
      if (length >= 1 && length <= 32) return unscaledFromBytes(bytes);
      break;
    case "string":
      return utf8Decode(bytes);
    case "uuid":
      if (length === 16) return uuidFromBytes(bytes);
      break;
    case "fixed":
    case "binary":
    case "variant":
    case "geometry":
    case "geography":
      return bytes;
    case "unknown":
      break;
  }
  throw corruptFile(
    typeToString(type),
    `${length} bytes cannot be a single value of type ${typeToString(type)}.`,
  );
}

/**
 * A bound as a canonical value; `undefined` for one that is missing, cannot be decoded, or is NaN: it bounds nothing.
 * Text that was cut in the middle of a character is no such text: what stands for the rest is above what was cut.
 */
export function boundFromBinary(
  type: PrimitiveType,
  bytes: Uint8Array | undefined,
): PrimitiveValue | undefined {
  if (bytes === undefined) return undefined;
  try {
    const value = type.type === "string" ? strictDecoder.decode(bytes) : fromBinary(type, bytes);
    return Number.isNaN(value) ? undefined : value;
  } catch {
    return undefined;
  }
}

/** The two bounds of some values, as far as there are any that bound something. */
export interface Bounds {
  readonly lower?: PrimitiveValue | undefined;
  readonly upper?: PrimitiveValue | undefined;
}

/** What a file's or a manifest's two bounds of a column enclose, whichever writer they are from. */
export function boundsFromBinary(
  type: PrimitiveType,
  lower: Uint8Array | undefined,
  upper: Uint8Array | undefined,
): Bounds {
  const bounds = { lower: boundFromBinary(type, lower), upper: boundFromBinary(type, upper) };
  return type.type === "uuid" ? ofEitherOrder(bounds as UuidBounds) : bounds;
}

interface UuidBounds {
  readonly lower: string | undefined;
  readonly upper: string | undefined;
}

/**
 * Bounds of UUIDs in the order of their bytes, of bounds that may be in another: Iceberg for Java compares UUIDs as two
 * signed longs (apache/iceberg#14216), and nothing in a file tells. Where the first halves are in order, and
 * they are so in either order, all values between have a first half between them: the second halves say nothing.
 * Where they are not, or one bound is missing, any value may be there. Two equal bounds are the only value in any order.
 */
function ofEitherOrder({ lower, upper }: UuidBounds): Bounds {
  if (lower === undefined || upper === undefined) return {};
  if (lower === upper) return { lower, upper };
  const [first, last] = [lower.slice(0, FIRST_HALF), upper.slice(0, FIRST_HALF)];
  if (first > last) return {};
  return { lower: `${first}-0000-000000000000`, upper: `${last}-ffff-ffffffffffff` };
}

/** Of a UUID's text, `xxxxxxxx-xxxx-xxxx`: 64 bits. */
const FIRST_HALF = 18;

const strictDecoder = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
