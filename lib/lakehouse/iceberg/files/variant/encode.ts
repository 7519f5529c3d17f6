import { invalidArgument, type LakehouseError } from "../../../errors.js";
import { utf8Encode } from "../../model/values/bytes.js";
import { compareStrings } from "../../model/values/compare.js";

/** What can be encoded: JSON's values, and `bigint`, `Date` (a timestamp with zone, in ms) and bytes. */
export type VariantInput =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uint8Array
  | readonly VariantInput[]
  | { readonly [name: string]: VariantInput };

/** An encoded variant: the two columns of its Parquet group. */
export interface EncodedVariant {
  readonly metadata: Uint8Array;
  readonly value: Uint8Array;
}

/**
 * Encodes a value (Parquet, "Variant Binary Encoding", version 1), unshredded, with a sorted dictionary. Whole
 * numbers take the smallest integer type that holds them; a `bigint` beyond 64 bits becomes a decimal.
 *
 * @throws INVALID_ARGUMENT for an integer of more than 38 digits, or nesting deeper than 500
 */
export function encodeVariant(input: VariantInput): EncodedVariant {
  const names = [...collectNames(input, new Set(), 0)].sort(compareStrings);
  const ids = new Map(names.map((name, id) => [name, id]));
  return { metadata: encodeMetadata(names), value: encodeValue(input, ids) };
}

const MAX_DEPTH = 500;
const VERSION = 1;
const SORTED = 16;

function isArray(input: VariantInput): input is readonly VariantInput[] {
  return Array.isArray(input);
}

function collectNames(input: VariantInput, names: Set<string>, depth: number): Set<string> {
  if (depth > MAX_DEPTH) throw invalid(`it nests deeper than ${MAX_DEPTH}`);
  if (isArray(input)) {
    for (const element of input) collectNames(element, names, depth + 1);
  } else if (
    input !== null &&
    typeof input === "object" &&
    !(input instanceof Date || input instanceof Uint8Array)
  ) {
    for (const [name, value] of Object.entries(input)) {
      names.add(name);
      collectNames(value, names, depth + 1);
    }
  }
  return names;
}

function encodeMetadata(names: readonly string[]): Uint8Array {
  const texts = names.map(utf8Encode);
  const total = texts.reduce((sum, text) => sum + text.length, 0);
  const size = widthOf(Math.max(total, names.length));
  const offsets = offsetsOf(texts);
  const head = VERSION | SORTED | ((size - 1) << 6);
  return concat([
    Uint8Array.of(head),
    unsigned(names.length, size),
    ...offsets.map((at) => unsigned(at, size)),
    ...texts,
  ]);
}

function encodeValue(input: VariantInput, ids: ReadonlyMap<string, number>): Uint8Array {
  if (input === null) return Uint8Array.of(0);
  if (isArray(input)) return encodeArray(input.map((element) => encodeValue(element, ids)));
  switch (typeof input) {
    case "boolean":
      return primitive(input ? 1 : 2, new Uint8Array(0));
    case "number":
      return Number.isSafeInteger(input) && !Object.is(input, -0)
        ? encodeInteger(BigInt(input))
        : encodeDouble(input);
    case "bigint":
      return encodeInteger(input);
    case "string":
      return encodeString(input);
  }
  if (input instanceof Date) return primitive(12, signed(BigInt(input.getTime()) * 1000n, 8));
  if (input instanceof Uint8Array) return primitive(15, concat([unsigned(input.length, 4), input]));
  return encodeObject(input as { readonly [name: string]: VariantInput }, ids);
}

function encodeObject(
  input: { readonly [name: string]: VariantInput },
  ids: ReadonlyMap<string, number>,
): Uint8Array {
  const fields = Object.entries(input).map(([name, value]) => ({
    id: ids.get(name)!,
    bytes: encodeValue(value, ids),
  }));
  // By name, which is the order of ids, for the dictionary is sorted.
  fields.sort((a, b) => a.id - b.id);
  const offsets = offsetsOf(fields.map(({ bytes }) => bytes));
  const offsetSize = widthOf(offsets.at(-1)!);
  const idSize = widthOf(fields.at(-1)?.id ?? 0);
  const large = fields.length > 255;
  const header = (offsetSize - 1) | ((idSize - 1) << 2) | (large ? 16 : 0);
  return concat([
    Uint8Array.of((header << 2) | 2),
    unsigned(fields.length, large ? 4 : 1),
    ...fields.map(({ id }) => unsigned(id, idSize)),
    ...offsets.map((offset) => unsigned(offset, offsetSize)),
    ...fields.map(({ bytes }) => bytes),
  ]);
}

function encodeArray(elements: readonly Uint8Array[]): Uint8Array {
  const offsets = offsetsOf(elements);
  const offsetSize = widthOf(offsets.at(-1)!);
  const large = elements.length > 255;
  const header = (offsetSize - 1) | (large ? 4 : 0);
  return concat([
    Uint8Array.of((header << 2) | 3),
    unsigned(elements.length, large ? 4 : 1),
    ...offsets.map((offset) => unsigned(offset, offsetSize)),
    ...elements,
  ]);
}

function encodeInteger(value: bigint): Uint8Array {
  for (const [type, size] of [
    [3, 1],
    [4, 2],
    [5, 4],
    [6, 8],
  ] as const) {
    if (BigInt.asIntN(8 * size, value) === value) return primitive(type, signed(value, size));
  }
  if (value >= 10n ** 38n || value <= -(10n ** 38n))
    throw invalid("an integer in it has more than 38 digits");
  return primitive(10, concat([Uint8Array.of(0), signed(value, 16)]));
}

function encodeDouble(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return primitive(7, bytes);
}

function encodeString(value: string): Uint8Array {
  const text = utf8Encode(value);
  if (text.length < 64) return concat([Uint8Array.of((text.length << 2) | 1), text]);
  return primitive(16, concat([unsigned(text.length, 4), text]));
}

function primitive(type: number, bytes: Uint8Array): Uint8Array {
  return concat([Uint8Array.of(type << 2), bytes]);
}

/** Where each part starts behind the first, and where the last ends. */
function offsetsOf(parts: readonly Uint8Array[]): number[] {
  const offsets = [0];
  for (const part of parts) offsets.push(offsets.at(-1)! + part.length);
  return offsets;
}

/** Bytes that an unsigned integer needs: 1 to 4. */
function widthOf(value: number): number {
  return value < 0x100 ? 1 : value < 0x10000 ? 2 : value < 0x1000000 ? 3 : 4;
}

function unsigned(value: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = Math.floor(value / 256 ** i);
  return bytes;
}

function signed(value: bigint, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = Number((value >> BigInt(8 * i)) & 0xffn);
  return bytes;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = Buffer.concat(parts);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

function invalid(problem: string): LakehouseError {
  return invalidArgument("variant", `The value cannot be encoded as a variant: ${problem}.`);
}
