// Arrow data from plain values and back, one value at a time: slow, and nothing to do with how the library does it.
import * as arrow from "apache-arrow";

/**
 * A value of a column: boolean; number; bigint for 64 bits, times and, unscaled, decimals; string for text; lower-case
 * hex for bytes; an array for lists; an object for structs; an array of [key, value] for maps. Null where there is none.
 */
export type Plain =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly Plain[]
  | { readonly [name: string]: Plain };

const isWide = (type: arrow.DataType) =>
  (arrow.DataType.isInt(type) && type.bitWidth === 64) ||
  arrow.DataType.isTimestamp(type) ||
  (arrow.DataType.isTime(type) && type.bitWidth === 64);

const utf8 = new TextEncoder();

/**
 * Arrow data of the given values. What lies below a null is not zero and not empty: a child of a null struct or list
 * may hold anything (Arrow columnar format, "Validity bitmaps"), and nobody may read it.
 */
export function build(type: arrow.DataType, values: readonly Plain[]): arrow.Data {
  const nullBitmap = new Uint8Array((values.length + 7) >> 3);
  values.forEach((value, i) => {
    if (value !== null) nullBitmap[i >> 3]! |= 1 << (i & 7);
  });
  const nullCount = values.filter((value) => value === null).length;
  const base = { length: values.length, nullCount, ...(nullCount > 0 && { nullBitmap }) };
  if (arrow.DataType.isStruct(type)) {
    const children = type.children.map((child) =>
      build(
        child.type,
        values.map((row) => (row === null ? noise(child) : (row as { [name: string]: Plain })[child.name]!)),
      ),
    );
    return arrow.makeData({ ...base, type, children });
  }
  if (arrow.DataType.isList(type) || arrow.DataType.isMap(type)) {
    const item = type.children[0]!;
    const valueOffsets = new Int32Array(values.length + 1);
    const below: Plain[] = [];
    values.forEach((value, i) => {
      if (value === null) below.push(noise(item));
      else if (arrow.DataType.isMap(type))
        below.push(...(value as [Plain, Plain][]).map(([key, of]) => ({ key, value: of })));
      else below.push(...(value as Plain[]));
      valueOffsets[i + 1] = below.length;
    });
    const child = build(item.type, below);
    return arrow.makeData({ ...base, type: type as arrow.List, valueOffsets, child });
  }
  if (arrow.DataType.isFixedSizeList(type)) {
    const item = type.children[0]!;
    const below = values.flatMap((value) =>
      value === null ? Array.from({ length: type.listSize }, () => noise(item)) : (value as Plain[]),
    );
    return arrow.makeData({ ...base, type, child: build(item.type, below) });
  }
  if (arrow.DataType.isBool(type)) {
    const data = new Uint8Array((values.length + 7) >> 3);
    values.forEach((value, i) => {
      if (value) data[i >> 3]! |= 1 << (i & 7);
    });
    return arrow.makeData({ ...base, type, data });
  }
  if (arrow.DataType.isUtf8(type) || arrow.DataType.isBinary(type)) {
    const parts = values.map((value) => bytesOf(type, value ?? "00"));
    const valueOffsets = new Int32Array(values.length + 1);
    parts.forEach((part, i) => {
      valueOffsets[i + 1] = valueOffsets[i]! + part.length;
    });
    return arrow.makeData({ ...base, type: type as arrow.Binary, valueOffsets, data: Buffer.concat(parts) });
  }
  if (arrow.DataType.isFixedSizeBinary(type)) {
    const parts = values.map((value) => bytesOf(type, value ?? "a5".repeat(type.byteWidth)));
    return arrow.makeData({ ...base, type, data: Buffer.concat(parts) });
  }
  if (arrow.DataType.isDecimal(type)) {
    const data = new Uint32Array(values.length * 4);
    values.forEach((value, i) => {
      for (let word = 0; word < 4; word++)
        data[4 * i + word] = Number(BigInt.asUintN(32, ((value ?? 77n) as bigint) >> BigInt(32 * word)));
    });
    return arrow.makeData({ ...base, type, data });
  }
  const { ArrayType } = type as unknown as { ArrayType: { from(values: unknown[]): never } };
  const filler = isWide(type) ? 77n : 77;
  return arrow.makeData({
    ...base,
    type: type as arrow.Int,
    data: ArrayType.from(values.map((value) => value ?? filler)),
  });
}

/** What may lie below a null. */
function noise({ type, nullable }: arrow.Field): Plain {
  if (nullable) return null;
  if (arrow.DataType.isStruct(type))
    return Object.fromEntries(type.children.map((child) => [child.name, noise(child)]));
  if (arrow.DataType.isList(type)) return [noise(type.children[0]!)];
  if (arrow.DataType.isMap(type)) return [];
  if (arrow.DataType.isFixedSizeList(type))
    return Array.from({ length: type.listSize }, () => noise(type.children[0]!));
  if (arrow.DataType.isBool(type)) return true;
  if (arrow.DataType.isFixedSizeBinary(type)) return "5a".repeat(type.byteWidth);
  if (arrow.DataType.isUtf8(type) || arrow.DataType.isBinary(type)) return "4e";
  return isWide(type) || arrow.DataType.isDecimal(type) ? 9n : 9;
}

const bytesOf = (type: arrow.DataType, value: Plain): Uint8Array =>
  arrow.DataType.isUtf8(type) ? utf8.encode(value as string) : Buffer.from(value as string, "hex");

/** The value at one place of Arrow data. */
export function plainAt(data: arrow.Data, i: number): Plain {
  if (!data.getValid(i)) return null;
  const { type } = data;
  if (arrow.DataType.isDictionary(type)) {
    let key = Number(data.values[i]);
    for (const part of data.dictionary!.data) {
      if (key < part.length) return plainAt(part, key);
      key -= part.length;
    }
    throw new Error("a key without a dictionary");
  }
  if (arrow.DataType.isStruct(type))
    return Object.fromEntries(type.children.map(({ name }, c) => [name, plainAt(data.children[c]!, i)]));
  const offsets = data.valueOffsets as Int32Array | BigInt64Array | undefined;
  const [from, to] = offsets ? [Number(offsets[i]), Number(offsets[i + 1])] : [0, 0];
  if (arrow.DataType.isList(type)) return range(from, to).map((at) => plainAt(data.children[0]!, at));
  if (arrow.DataType.isFixedSizeList(type))
    return range(i * type.listSize, (i + 1) * type.listSize).map((at) => plainAt(data.children[0]!, at));
  if (arrow.DataType.isMap(type)) {
    const [keys, values] = data.children[0]!.children as [arrow.Data, arrow.Data];
    return range(from, to).map((at) => [plainAt(keys, at), plainAt(values, at)]);
  }
  if (arrow.DataType.isBool(type)) {
    const bit = data.offset + i;
    return ((data.values[bit >> 3] >> (bit & 7)) & 1) === 1;
  }
  if (arrow.DataType.isUtf8(type) || arrow.DataType.isLargeUtf8(type))
    return Buffer.from(data.values.subarray(from, to)).toString("utf8");
  if (arrow.DataType.isBinary(type) || arrow.DataType.isLargeBinary(type))
    return Buffer.from(data.values.subarray(from, to)).toString("hex");
  if (arrow.DataType.isFixedSizeBinary(type))
    return Buffer.from(data.values.subarray(i * type.byteWidth, (i + 1) * type.byteWidth)).toString("hex");
  if (arrow.DataType.isDecimal(type)) {
    const words = new Uint32Array(data.values.buffer, data.values.byteOffset + 16 * i, 4);
    return BigInt.asIntN(
      128,
      words.reduce((sum, word, at) => sum | (BigInt(word) << BigInt(32 * at)), 0n),
    );
  }
  const value = data.values[i];
  return typeof value === "bigint" || !isWide(type) ? value : BigInt(value);
}

/** All rows of a table, as objects by column. */
export function plainRows(table: arrow.Table): Plain[] {
  return table.batches.flatMap((batch) => range(0, batch.numRows).map((i) => plainAt(batch.data, i)));
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
