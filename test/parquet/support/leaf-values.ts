// Values of a leaf as the encoder holds them, and leaves of any order.
import type { LeafColumn, LeafOrder } from "../../../lib/lakehouse/parquet/encode/layout.js";
import type { ByteValues, WordValues } from "../../../lib/lakehouse/parquet/encode/values.js";

export function wordValues(values: readonly (readonly number[])[], width: number): WordValues {
  return { kind: "words", length: values.length, width, words: Int32Array.from(values.flat()) };
}

/** With `contiguous: false` the values lie in reverse order with gaps between, as after nulls were taken out. */
export function byteValues(
  values: readonly Uint8Array[],
  { fixed = 0, contiguous = true }: { readonly fixed?: number; readonly contiguous?: boolean },
): ByteValues {
  const parts: Uint8Array[] = [];
  const starts = new Int32Array(values.length);
  let at = 0;
  const place = (i: number) => {
    if (!contiguous) parts.push(Uint8Array.of(0xaa, 0xbb));
    at += contiguous ? 0 : 2;
    starts[i] = at;
    parts.push(values[i]!);
    at += values[i]!.length;
  };
  for (let i = 0; i < values.length; i++) place(contiguous ? i : values.length - 1 - i);
  const ends = starts.map((start, i) => start + values[i]!.length);
  return {
    kind: "bytes",
    length: values.length,
    bytes: Buffer.concat(parts),
    starts,
    ends,
    fixed,
    contiguous,
  };
}

export function leafOf(order: LeafOrder, more: Partial<LeafColumn> = {}): LeafColumn {
  return {
    path: ["c"],
    physicalType: "INT64",
    typeLength: 0,
    storage: "double-words",
    order,
    text: false,
    maxDefinition: 0,
    maxRepetition: 0,
    ...more,
  };
}
