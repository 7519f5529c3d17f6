import * as arrow from "apache-arrow";
import { unsupported } from "../../../errors.js";

/** Row numbers within one `Data`, in the order wanted. */
export type RowNumbers = Uint32Array;

/** The rows of `batch` at `rows`, in that order, in new buffers of just their size. */
export function takeRows(batch: arrow.RecordBatch, rows: RowNumbers): arrow.RecordBatch {
  const children = batch.data.children.map((child) => take(child, rows));
  const data = arrow.makeData({ type: batch.data.type, length: rows.length, nullCount: 0, children });
  return new arrow.RecordBatch(batch.schema, data);
}

/** Gathers rows of one column. Covers every Arrow type that an Iceberg schema maps to. */
function take(data: arrow.Data, rows: RowNumbers): arrow.Data {
  const { type } = data;
  const length = rows.length;
  const nulls = takeNulls(data, rows);
  const init = { ...nulls, type, length, offset: 0 };
  if (arrow.DataType.isNull(type)) return make({ type, length });
  if (arrow.DataType.isBool(type))
    return make({ ...init, data: takeBits(data.values as Uint8Array, data.offset, rows) });
  if (arrow.DataType.isDictionary(type)) {
    return make({ ...init, data: takeFixed(data, rows, 1), dictionary: data.dictionary });
  }
  if (arrow.DataType.isUtf8(type) || arrow.DataType.isBinary(type)) {
    return make({ ...init, ...takeBytes(data, rows) });
  }
  if (arrow.DataType.isList(type) || arrow.DataType.isMap(type)) {
    const { valueOffsets, items } = takeLists(data, rows);
    return make({ ...init, valueOffsets, child: take(data.children[0] as arrow.Data, items) });
  }
  if (arrow.DataType.isFixedSizeList(type)) {
    const items = repeat(rows, type.listSize);
    return make({ ...init, child: take(data.children[0] as arrow.Data, items) });
  }
  if (arrow.DataType.isStruct(type)) {
    return make({ ...init, children: data.children.map((child) => take(child, rows)) });
  }
  return make({ ...init, data: takeFixed(data, rows, stride(type)) });
}

/** `makeData` is typed by its type argument; here the type is only known at run time. */
function make(props: Record<string, unknown>): arrow.Data {
  return arrow.makeData(props as unknown as Parameters<typeof arrow.makeData>[0]) as unknown as arrow.Data;
}

/** Elements of the values array for one row. */
function stride(type: arrow.DataType): number {
  if (arrow.DataType.isDecimal(type)) return type.bitWidth / 32;
  if (arrow.DataType.isFixedSizeBinary(type)) return type.byteWidth;
  if (
    arrow.DataType.isInt(type) ||
    arrow.DataType.isFloat(type) ||
    arrow.DataType.isDate(type) ||
    arrow.DataType.isTime(type) ||
    arrow.DataType.isTimestamp(type)
  ) {
    return 1;
  }
  throw unsupported(String(type), `Rows of Arrow type ${type} cannot be split by partition or sorted.`);
}

type FixedArray =
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Float32Array
  | Float64Array;

function takeFixed(data: arrow.Data, rows: RowNumbers, width: number): ArrayBufferView {
  const values = data.values as FixedArray | BigInt64Array | BigUint64Array;
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    // As pairs of 32 bits: gathering bigints would box each of them.
    const halves = new Int32Array(values.buffer, values.byteOffset, values.length * 2);
    const taken = new Int32Array(rows.length * 2);
    for (let i = 0; i < rows.length; i++) {
      const row = (rows[i] as number) * 2;
      taken[i * 2] = halves[row] as number;
      taken[i * 2 + 1] = halves[row + 1] as number;
    }
    return values instanceof BigInt64Array
      ? new BigInt64Array(taken.buffer)
      : new BigUint64Array(taken.buffer);
  }
  const taken = new (values.constructor as new (length: number) => FixedArray)(rows.length * width);
  if (width === 1) {
    for (let i = 0; i < rows.length; i++) taken[i] = values[rows[i] as number] as number;
  } else {
    for (let i = 0; i < rows.length; i++) {
      const row = (rows[i] as number) * width;
      for (let j = 0; j < width; j++) taken[i * width + j] = values[row + j] as number;
    }
  }
  return taken;
}

function takeBits(bits: Uint8Array, offset: number, rows: RowNumbers): Uint8Array {
  const taken = new Uint8Array(Math.ceil(rows.length / 8));
  for (let i = 0; i < rows.length; i++) {
    const bit = (rows[i] as number) + offset;
    if ((bits[bit >> 3] as number) & (1 << (bit & 7)))
      taken[i >> 3] = (taken[i >> 3] as number) | (1 << (i & 7));
  }
  return taken;
}

function takeNulls(data: arrow.Data, rows: RowNumbers): { nullCount: number; nullBitmap?: Uint8Array } {
  if (data.nullCount === 0 || !data.nullBitmap || data.nullBitmap.length === 0) return { nullCount: 0 };
  const nullBitmap = takeBits(data.nullBitmap, data.offset, rows);
  let valid = 0;
  for (const byte of nullBitmap) for (let bits = byte; bits !== 0; bits &= bits - 1) valid++;
  return { nullCount: rows.length - valid, nullBitmap };
}

function takeBytes(data: arrow.Data, rows: RowNumbers): { valueOffsets: Int32Array; data: Uint8Array } {
  const offsets = data.valueOffsets as Int32Array;
  const bytes = data.values as Uint8Array;
  const valueOffsets = new Int32Array(rows.length + 1);
  let total = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as number;
    total += (offsets[row + 1] as number) - (offsets[row] as number);
    valueOffsets[i + 1] = total;
  }
  const taken = new Uint8Array(total);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as number;
    const start = offsets[row] as number;
    const end = offsets[row + 1] as number;
    let at = valueOffsets[i] as number;
    // Short values, and most are, copy faster byte by byte than through a subarray.
    if (end - start < 32) for (let j = start; j < end; j++) taken[at++] = bytes[j] as number;
    else taken.set(bytes.subarray(start, end), at);
  }
  return { valueOffsets, data: taken };
}

/** New offsets of the lists at `rows`, and the row numbers of all their items. */
function takeLists(data: arrow.Data, rows: RowNumbers): { valueOffsets: Int32Array; items: RowNumbers } {
  const offsets = data.valueOffsets as Int32Array;
  const valueOffsets = new Int32Array(rows.length + 1);
  let total = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as number;
    total += (offsets[row + 1] as number) - (offsets[row] as number);
    valueOffsets[i + 1] = total;
  }
  const items = new Uint32Array(total);
  for (let i = 0, at = 0; i < rows.length; i++) {
    const row = rows[i] as number;
    for (let item = offsets[row] as number; item < (offsets[row + 1] as number); item++) items[at++] = item;
  }
  return { valueOffsets, items };
}

function repeat(rows: RowNumbers, size: number): RowNumbers {
  const items = new Uint32Array(rows.length * size);
  for (let i = 0; i < rows.length; i++) {
    for (let j = 0; j < size; j++) items[i * size + j] = (rows[i] as number) * size + j;
  }
  return items;
}
