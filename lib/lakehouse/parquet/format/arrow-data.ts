import * as arrow from "apache-arrow";

/** The Arrow field metadata key that carries a Parquet (and so an Iceberg) field id. */
export const FIELD_ID_KEY = "PARQUET:field_id";

/** The field id of an Arrow field, where it has one. */
export function arrowFieldId(field: arrow.Field): number | undefined {
  const text = field.metadata.get(FIELD_ID_KEY);
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}

/**
 * A schema whose batches can be made in time that grows with their columns. Arrow's own has each new batch assign its
 * fields to the schema by name, one search through all fields for each of them: for 10,000 columns, longer than all else.
 */
export class BatchSchema extends arrow.Schema {
  // biome-ignore lint/suspicious/noExplicitAny: the signature that is overridden
  override assign(...args: any[]): arrow.Schema<any> {
    const [fields] = args as [unknown];
    const same = Array.isArray(fields) && fields.length === this.fields.length;
    return same && this.fields.every((field, i) => field === fields[i]) ? this : super.assign(...args);
  }
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
