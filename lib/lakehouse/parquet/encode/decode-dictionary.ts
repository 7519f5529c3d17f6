import * as arrow from "apache-arrow";

/** A batch without dictionary-encoded columns, at any depth: their values stand in their place. */
export function withoutDictionaries(batch: arrow.RecordBatch, schema: arrow.Schema): arrow.RecordBatch {
  if (!batch.data.children.some((child) => hasDictionary(child.type))) return batch;
  const children = batch.data.children.map(plainData);
  const data = arrow.makeData({
    type: new arrow.Struct(schema.fields),
    length: batch.numRows,
    nullCount: 0,
    children,
  });
  return new arrow.RecordBatch(schema, data);
}

function hasDictionary(type: arrow.DataType): boolean {
  return (
    arrow.DataType.isDictionary(type) || (type.children ?? []).some((child) => hasDictionary(child.type))
  );
}

function plainData(data: arrow.Data): arrow.Data {
  const { type } = data;
  if (!hasDictionary(type)) return data;
  if (!arrow.DataType.isDictionary(type)) {
    const children = data.children.map(plainData);
    return data.clone(type, data.offset, data.length, data.nullCount, data.buffers, children);
  }
  const dictionary = data.dictionary as arrow.Vector;
  const [source] = dictionary.data;
  if (
    source &&
    dictionary.data.length === 1 &&
    source.nullCount === 0 &&
    arrow.DataType.isUtf8(type.dictionary)
  )
    return plainText(data, source);
  const values = Array.from({ length: data.length }, (_, row) =>
    data.getValid(row) ? dictionary.get(Number(data.values[row])) : null,
  );
  return arrow.vectorFromArray(values, type.dictionary).data[0] as arrow.Data;
}

/** Text, the usual case, copied as bytes. */
function plainText(data: arrow.Data, { values: bytes, valueOffsets: starts }: arrow.Data): arrow.Data {
  const keys = data.values as Int32Array;
  const valid = (row: number) => data.nullCount === 0 || data.getValid(row);
  const valueOffsets = new Int32Array(data.length + 1);
  for (let row = 0; row < data.length; row++) {
    const key = keys[row]!;
    valueOffsets[row + 1] = valueOffsets[row]! + (valid(row) ? starts[key + 1]! - starts[key]! : 0);
  }
  const out = new Uint8Array(valueOffsets[data.length]!);
  for (let row = 0; row < data.length; row++) {
    let at = valueOffsets[row]!;
    if (at === valueOffsets[row + 1]) continue;
    const end = starts[keys[row]! + 1]!;
    for (let byte = starts[keys[row]!]!; byte < end; byte++) out[at++] = bytes[byte];
  }
  return arrow.makeData({
    type: new arrow.Utf8(),
    offset: 0,
    length: data.length,
    nullCount: data.nullCount,
    nullBitmap: data.nullCount === 0 ? null : shifted(data),
    valueOffsets,
    data: out,
  });
}

/** The validity of the rows, from bit 0. */
function shifted(data: arrow.Data): Uint8Array {
  const bitmap = new Uint8Array((data.length + 7) >> 3);
  for (let row = 0; row < data.length; row++) if (data.getValid(row)) bitmap[row >> 3]! |= 1 << (row & 7);
  return bitmap;
}
