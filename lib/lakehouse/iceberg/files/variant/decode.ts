import { corruptFile, LakehouseError, unsupported } from "../../../errors.js";
import { uuidFromBytes } from "../../model/values/bytes.js";
import { formatDecimal } from "../../model/values/decimal.js";
import { formatDate, formatTime, formatTimestamp } from "../../model/values/temporal.js";

/**
 * A variant as JavaScript: int8 to int32, float and double as `number`, int64 as `bigint`; decimal, date, time,
 * timestamp and uuid as the text that other columns of these types have in rows; binary as bytes.
 */
export type VariantValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | VariantValue[]
  | { [name: string]: VariantValue };

/** Deeper nesting is refused: a stack is not endless. */
const MAX_DEPTH = 500;

/**
 * Decodes an unshredded variant (Parquet, "Variant Binary Encoding", version 1).
 *
 * @param metadata the dictionary of field names
 * @param value the encoded value; bytes behind it are passed over, as writers may pad
 * @param subject what the bytes are, for errors
 * @throws CORRUPT_FILE when the bytes break the encoding; UNSUPPORTED_FEATURE for another version or a later type
 */
export function decodeVariant(metadata: Uint8Array, value: Uint8Array, subject: string): VariantValue {
  const names = new Dictionary(metadata, subject);
  // Values never share bytes, so more values than bytes means offsets that point to the same place again and again.
  const state: DecodeState = { names, subject, valuesLeft: value.length };
  return decodeValue(new VariantBytes(value, subject), 0, state, 0);
}

interface DecodeState {
  readonly names: Dictionary;
  readonly subject: string;
  valuesLeft: number;
}

function decodeValue(bytes: VariantBytes, at: number, state: DecodeState, depth: number): VariantValue {
  if (depth > MAX_DEPTH) throw corrupt(state.subject, `it nests deeper than ${MAX_DEPTH}`);
  if (state.valuesLeft-- <= 0) throw corrupt(state.subject, "its values overlap");
  const head = bytes.unsigned(at, 1);
  const header = head >>> 2;
  switch (head & 3) {
    case 0:
      return decodePrimitive(bytes, at + 1, header, state.subject);
    case 1:
      return bytes.text(at + 1, header);
    case 2:
      return decodeObject(bytes, at + 1, header, state, depth);
    default:
      return decodeArray(bytes, at + 1, header, state, depth);
  }
}

function decodeObject(
  bytes: VariantBytes,
  start: number,
  header: number,
  state: DecodeState,
  depth: number,
): { [name: string]: VariantValue } {
  const offsetSize = (header & 3) + 1;
  const idSize = ((header >>> 2) & 3) + 1;
  const countSize = (header & 16) === 0 ? 1 : 4;
  const count = bytes.unsigned(start, countSize);
  const ids = start + countSize;
  const offsets = ids + count * idSize;
  const values = offsets + (count + 1) * offsetSize;
  bytes.check(start, values - start);
  const object: { [name: string]: VariantValue } = {};
  for (let i = 0; i < count; i++) {
    const name = state.names.name(bytes.unsigned(ids + i * idSize, idSize));
    const at = values + bytes.unsigned(offsets + i * offsetSize, offsetSize);
    const value = decodeValue(bytes, at, state, depth + 1);
    // Plain assignment to `__proto__` would set the prototype, and lose the field.
    if (name === "__proto__")
      Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
    else object[name] = value;
  }
  return object;
}

function decodeArray(
  bytes: VariantBytes,
  start: number,
  header: number,
  state: DecodeState,
  depth: number,
): VariantValue[] {
  const offsetSize = (header & 3) + 1;
  const countSize = (header & 4) === 0 ? 1 : 4;
  const count = bytes.unsigned(start, countSize);
  const offsets = start + countSize;
  const values = offsets + (count + 1) * offsetSize;
  bytes.check(start, values - start);
  const array: VariantValue[] = [];
  for (let i = 0; i < count; i++) {
    const at = values + bytes.unsigned(offsets + i * offsetSize, offsetSize);
    array.push(decodeValue(bytes, at, state, depth + 1));
  }
  return array;
}

function decodePrimitive(bytes: VariantBytes, at: number, type: number, subject: string): VariantValue {
  switch (type) {
    case 0:
      return null;
    case 1:
      return true;
    case 2:
      return false;
    case 3:
      return Number(bytes.signed(at, 1));
    case 4:
      return Number(bytes.signed(at, 2));
    case 5:
      return Number(bytes.signed(at, 4));
    case 6:
      return bytes.signed(at, 8);
    case 7:
      return bytes.view(at, 8).getFloat64(0, true);
    case 8:
      return decimal(bytes, at, 4);
    case 9:
      return decimal(bytes, at, 8);
    case 10:
      return decimal(bytes, at, 16);
    case 11:
      return formatDate(Number(bytes.signed(at, 4)));
    case 12:
      return `${formatTimestamp(bytes.signed(at, 8), "micros")}+00:00`;
    case 13:
      return formatTimestamp(bytes.signed(at, 8), "micros");
    case 14:
      return bytes.view(at, 4).getFloat32(0, true);
    case 15:
      return bytes.slice(at + 4, bytes.unsigned(at, 4)).slice();
    case 16:
      return bytes.text(at + 4, bytes.unsigned(at, 4));
    case 17:
      return formatTime(bytes.signed(at, 8));
    case 18:
      return `${formatTimestamp(bytes.signed(at, 8), "nanos")}+00:00`;
    case 19:
      return formatTimestamp(bytes.signed(at, 8), "nanos");
    case 20:
      return uuidFromBytes(bytes.slice(at, 16));
    default:
      throw unsupported(
        subject,
        `A variant in ${subject} has a value of type ${type}, which this version does not know.`,
      );
  }
}

function decimal(bytes: VariantBytes, at: number, size: number): string {
  return formatDecimal(bytes.signed(at + 1, size), bytes.unsigned(at, 1));
}

/** The field names of a variant; each is decoded when it is used. */
class Dictionary {
  readonly #bytes: VariantBytes;
  readonly #subject: string;
  readonly #offsetSize: number;
  readonly #count: number;
  readonly #names: (string | undefined)[] = [];

  constructor(metadata: Uint8Array, subject: string) {
    this.#bytes = new VariantBytes(metadata, subject);
    this.#subject = subject;
    const head = this.#bytes.unsigned(0, 1);
    if ((head & 15) !== 1) {
      throw unsupported(
        subject,
        `A variant in ${subject} has version ${head & 15} of the encoding; 1 can be read.`,
      );
    }
    this.#offsetSize = (head >>> 6) + 1;
    this.#count = this.#bytes.unsigned(1, this.#offsetSize);
    this.#bytes.check(1, (this.#count + 2) * this.#offsetSize);
  }

  name(id: number): string {
    if (id >= this.#count) throw corrupt(this.#subject, `it has no field name ${id}`);
    const known = this.#names[id];
    if (known !== undefined) return known;
    const offset = (i: number): number =>
      this.#bytes.unsigned(1 + (1 + i) * this.#offsetSize, this.#offsetSize);
    const start = 1 + (this.#count + 2) * this.#offsetSize;
    const name = this.#bytes.text(start + offset(id), offset(id + 1) - offset(id));
    this.#names[id] = name;
    return name;
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Little-endian reads that throw CORRUPT_FILE where the bytes end. */
class VariantBytes {
  readonly #bytes: Uint8Array;
  readonly #subject: string;

  constructor(bytes: Uint8Array, subject: string) {
    this.#bytes = bytes;
    this.#subject = subject;
  }

  check(at: number, length: number): void {
    if (length < 0 || at + length > this.#bytes.length) throw corrupt(this.#subject, "it ends early");
  }

  slice(at: number, length: number): Uint8Array {
    this.check(at, length);
    return this.#bytes.subarray(at, at + length);
  }

  view(at: number, length: number): DataView {
    this.check(at, length);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, length);
  }

  /** An unsigned integer of 1 to 4 bytes. */
  unsigned(at: number, size: number): number {
    this.check(at, size);
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + this.#bytes[at + i]!;
    return value;
  }

  /** A two's complement integer of 1 to 16 bytes. */
  signed(at: number, size: number): bigint {
    const view = this.view(at, size);
    if (size === 8) return view.getBigInt64(0, true);
    if (size === 16) return (view.getBigInt64(8, true) << 64n) | view.getBigUint64(0, true);
    return BigInt(
      size === 4 ? view.getInt32(0, true) : size === 2 ? view.getInt16(0, true) : view.getInt8(0),
    );
  }

  text(at: number, length: number): string {
    try {
      return utf8.decode(this.slice(at, length));
    } catch (cause) {
      throw cause instanceof LakehouseError
        ? cause
        : corrupt(this.#subject, "text in it is not UTF-8", cause);
    }
  }
}

function corrupt(subject: string, detail: string, cause?: unknown): LakehouseError {
  return corruptFile(subject, `A variant in ${subject} cannot be read: ${detail}.`, undefined, cause);
}
