import * as arrow from "apache-arrow";
import type { LakehouseError } from "../../errors.js";
import { schemaMismatch } from "../../parquet/index.js";

/**
 * The same rows under another schema of the same shape: names, nullability, metadata and zones are the target's. Bytes
 * that DuckDB knows as BLOB become fixed-size binaries where the target says so; nothing else is copied.
 */
export function conformBatch(batch: arrow.RecordBatch, target: arrow.Schema): arrow.RecordBatch {
  const type = new arrow.Struct(target.fields);
  const children = target.fields.map((field, i) =>
    conform(batch.data.children[i] as arrow.Data, field.type, field.name),
  );
  return new arrow.RecordBatch(
    target,
    arrow.makeData({ type, length: batch.numRows, nullCount: 0, children }),
  );
}

function conform(data: arrow.Data, type: arrow.DataType, name: string): arrow.Data {
  if (arrow.DataType.isFixedSizeBinary(type) && arrow.DataType.isBinary(data.type))
    return toFixed(data, type, name);
  const children = (type.children ?? []).map((field, i) =>
    conform(data.children[i] as arrow.Data, field.type, `${name}.${field.name}`),
  );
  return data.clone(type, data.offset, data.length, data.nullCount, data.buffers as never, children);
}

function toFixed(data: arrow.Data, type: arrow.FixedSizeBinary, name: string): arrow.Data {
  const { byteWidth } = type;
  const fixed = new Uint8Array(data.length * byteWidth);
  const offsets = data.valueOffsets as Int32Array;
  const bytes = data.values as Uint8Array;
  for (let row = 0; row < data.length; row++) {
    const value = bytes.subarray(offsets[row], offsets[row + 1]);
    // A null has no bytes; its place stays zero.
    if (value.length === byteWidth) fixed.set(value, row * byteWidth);
    else if (data.getValid(row)) throw wrongLength(name, byteWidth, value.length);
  }
  const { length, nullCount, nullBitmap } = data;
  return arrow.makeData({ type, length, nullCount, nullBitmap: nullBitmap ?? null, data: fixed });
}

function wrongLength(column: string, expected: number, found: number): LakehouseError {
  return schemaMismatch(
    column,
    `Column ${JSON.stringify(column)}: expected fixed[${expected}], found ${found} bytes.`,
  );
}
