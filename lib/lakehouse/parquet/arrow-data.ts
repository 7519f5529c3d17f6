import * as arrow from "apache-arrow";

/** The Arrow field metadata key that carries a Parquet (and so an Iceberg) field id. */
export const FIELD_ID_KEY = "PARQUET:field_id";

/** The field id of an Arrow field, where it has one. */
export function arrowFieldId(field: arrow.Field): number | undefined {
  const text = field.metadata.get(FIELD_ID_KEY);
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}

/** Bytes that the rows of `data` take in memory. Counts only the rows of a slice, not the buffers it is cut from. */
export function arrowBytes(data: arrow.Data): number {
  const bitmap = data.nullBitmap && data.nullBitmap.length > 0 ? data.length / 8 : 0;
  const { type, valueOffsets, length } = data;
  if (arrow.DataType.isDictionary(type)) return bitmap + data.values.byteLength;
  if (valueOffsets && length > 0 && !arrow.DataType.isUnion(type)) {
    const first = Number(valueOffsets[0]);
    const last = Number(valueOffsets[length]);
    const child = data.children[0];
    if (!child) return bitmap + length * 4 + (last - first);
    return bitmap + length * 4 + arrowBytes(child.slice(first, last - first));
  }
  if (data.children.length > 0) return data.children.reduce((sum, child) => sum + arrowBytes(child), bitmap);
  return bitmap + (data.values?.byteLength ?? 0);
}

/** Values looked at to tell whether a dictionary pays. */
const SAMPLE_ROWS = 1024;

/**
 * Names of number columns for which a dictionary is a waste of time and space: values that hardly repeat, or that come
 * sorted, which plain values and compression serve better. Judged from the first values of the batch; on any doubt
 * the dictionary stays.
 */
export function plainColumns(schema: arrow.Schema, batch: arrow.RecordBatch | undefined): string[] {
  return schema.fields.flatMap((field, i) => {
    const data = batch?.data.children[i];
    const { isInt, isFloat, isTimestamp, isDate, isTime } = arrow.DataType;
    const number = [isInt, isFloat, isTimestamp, isDate, isTime].some((is) => is(field.type));
    if (!data || !number || data.nullCount > 0 || data.length < SAMPLE_ROWS || field.name.includes("."))
      return [];
    const sample = data.values.subarray(0, SAMPLE_ROWS) as ArrayLike<number | bigint>;
    const distinct = new Set(Array.from(sample)).size;
    let sorted = true;
    for (let row = 1; row < SAMPLE_ROWS && sorted; row++)
      sorted = !((sample[row] ?? 0) < (sample[row - 1] ?? 0));
    return distinct > SAMPLE_ROWS / 2 || (sorted && distinct > SAMPLE_ROWS / 32) ? [field.name] : [];
  });
}

/** Adds the number of NaN values of each float column of `batch`, by field id, to `counts`. */
export function countNaNs(schema: arrow.Schema, batch: arrow.RecordBatch, counts: Map<number, bigint>): void {
  schema.fields.forEach((field, i) => {
    const data = batch.data.children[i];
    if (data && hasFloat(field.type)) visit(field, data, undefined, counts);
  });
}

function hasFloat(type: arrow.DataType): boolean {
  if (arrow.DataType.isFloat(type)) return true;
  return (type.children ?? []).some((child) => hasFloat(child.type));
}

type IsValid = ((row: number) => boolean) | undefined;

/** `parentValid` tells which rows exist at all: below a null struct, whatever the child holds is not a value. */
function visit(
  field: arrow.Field,
  data: arrow.Data,
  parentValid: IsValid,
  counts: Map<number, bigint>,
): void {
  const valid = both(parentValid, validity(data));
  if (arrow.DataType.isFloat(data.type)) {
    const id = arrowFieldId(field);
    if (id !== undefined) counts.set(id, (counts.get(id) ?? 0n) + BigInt(countIn(data, valid)));
    return;
  }
  if (!hasFloat(data.type)) return;
  if (arrow.DataType.isList(data.type) || arrow.DataType.isMap(data.type)) {
    const [child] = data.children;
    const [childField] = data.type.children;
    if (!child || !childField) return;
    const { valueOffsets } = data as { valueOffsets: Int32Array };
    for (let row = 0; row < data.length; row++) {
      if (valid && !valid(row)) continue;
      const first = valueOffsets[row] ?? 0;
      visit(childField, child.slice(first, (valueOffsets[row + 1] ?? first) - first), undefined, counts);
    }
    return;
  }
  data.children.forEach((child, i) => {
    const childField = field.type.children?.[i];
    if (childField) visit(childField, child, valid, counts);
  });
}

function countIn(data: arrow.Data, valid: IsValid): number {
  let count = 0;
  const values = data.values as Float32Array | Float64Array | Uint16Array;
  if (values instanceof Uint16Array) return 0;
  for (let row = 0; row < data.length; row++) {
    const value = values[row];
    // biome-ignore lint/suspicious/noSelfCompare: only NaN differs from itself, and this is the hot loop.
    if (value !== value && (!valid || valid(row))) count++;
  }
  return count;
}

function validity(data: arrow.Data): IsValid {
  const { nullBitmap, offset } = data;
  if (!nullBitmap || nullBitmap.length === 0 || data.nullCount === 0) return undefined;
  return (row) => (((nullBitmap[(offset + row) >> 3] ?? 0) >> ((offset + row) & 7)) & 1) === 1;
}

function both(a: IsValid, b: IsValid): IsValid {
  if (!a || !b) return a ?? b;
  return (row) => a(row) && b(row);
}

/**
 * `batches` as one Arrow IPC stream under `schema`, in a buffer from `allocate`: one copy, where the library's own
 * writer would allocate anew for each stream.
 */
export function toIpcStream(
  schema: arrow.Schema,
  batches: readonly arrow.RecordBatch[],
  allocate: (size: number) => Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const writer = new ChunkWriter();
  if (batches.length === 0) writer.write(new arrow.Table(schema));
  for (const batch of batches) writer.write(new arrow.RecordBatch(schema, batch.data));
  writer.finish();
  const out = allocate(writer.chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  let at = 0;
  for (const chunk of writer.chunks) {
    out.set(chunk, at);
    at += chunk.byteLength;
  }
  return out;
}

class ChunkWriter extends arrow.RecordBatchStreamWriter {
  readonly chunks: Uint8Array[] = [];

  protected override _write(chunk: Uint8Array | ArrayBufferView): this {
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (bytes.byteLength > 0) this.chunks.push(bytes);
    this._position += bytes.byteLength;
    return this;
  }
}
