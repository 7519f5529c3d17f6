import * as arrow from "apache-arrow";

/** One batch with the rows of all, in order, in buffers of its own. All batches have the schema of the first. */
export function concatBatches(batches: readonly arrow.RecordBatch[]): arrow.RecordBatch {
  const [first] = batches;
  if (first === undefined) throw new RangeError("no batches to concatenate");
  if (batches.length === 1) return first;
  const length = batches.reduce((sum, batch) => sum + batch.numRows, 0);
  const children = first.schema.fields.map((_, i) =>
    concat(batches.map((batch) => batch.data.children[i] as arrow.Data)),
  );
  const data = arrow.makeData({ type: first.data.type, length, nullCount: 0, children });
  return new arrow.RecordBatch(first.schema, data);
}

/** Joins chunks of one type. Dictionaries are not joined: stored columns have none. */
function concat(chunks: readonly arrow.Data[]): arrow.Data {
  const { type } = chunks[0] as arrow.Data;
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const init = { type, length, offset: 0, ...concatNulls(chunks, length) };
  if (arrow.DataType.isNull(type)) return make({ type, length });
  if (arrow.DataType.isBool(type)) {
    return make({ ...init, data: concatBits(chunks, length, (chunk) => chunk.values as Uint8Array) });
  }
  if (arrow.DataType.isUtf8(type) || arrow.DataType.isBinary(type)) {
    const { valueOffsets, ranges } = concatOffsets(chunks, length);
    const data = new Uint8Array(valueOffsets[length] as number);
    let at = 0;
    chunks.forEach((chunk, i) => {
      const [start, end] = ranges[i] as [number, number];
      data.set((chunk.values as Uint8Array).subarray(start, end), at);
      at += end - start;
    });
    return make({ ...init, valueOffsets, data });
  }
  if (arrow.DataType.isList(type) || arrow.DataType.isMap(type)) {
    const { valueOffsets, ranges } = concatOffsets(chunks, length);
    const child = concat(
      chunks.map((chunk, i) => {
        const [start, end] = ranges[i] as [number, number];
        return (chunk.children[0] as arrow.Data).slice(start, end - start);
      }),
    );
    return make({ ...init, valueOffsets, child });
  }
  if (arrow.DataType.isFixedSizeList(type)) {
    return make({ ...init, child: concat(chunks.map((chunk) => chunk.children[0] as arrow.Data)) });
  }
  if (arrow.DataType.isStruct(type)) {
    const children = type.children.map((_, i) =>
      concat(chunks.map((chunk) => chunk.children[i] as arrow.Data)),
    );
    return make({ ...init, children });
  }
  return make({ ...init, data: concatFixed(chunks) });
}

/** `makeData` is typed by its type argument; here the type is only known at run time. */
function make(props: Record<string, unknown>): arrow.Data {
  return arrow.makeData(props as unknown as Parameters<typeof arrow.makeData>[0]) as unknown as arrow.Data;
}

interface Elements {
  readonly length: number;
  set(values: Elements, at: number): void;
  subarray(start: number, end: number): Elements;
  readonly constructor: unknown;
}

function concatFixed(chunks: readonly arrow.Data[]): Elements {
  // A buffer read from IPC may be padded: the rows' own elements are counted from the type's width.
  const parts = chunks.map((chunk) => {
    const values = chunk.values as Elements;
    return values.subarray(0, chunk.length * chunk.stride);
  });
  const total = parts.reduce((sum, part) => sum + part.length, 0);
  const joined = new ((parts[0] as Elements).constructor as new (length: number) => Elements)(total);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function concatOffsets(
  chunks: readonly arrow.Data[],
  length: number,
): { valueOffsets: Int32Array; ranges: readonly (readonly [number, number])[] } {
  const valueOffsets = new Int32Array(length + 1);
  let row = 0;
  let base = 0;
  const ranges = chunks.map((chunk) => {
    const offsets = chunk.valueOffsets as Int32Array;
    const start = offsets[0] ?? 0;
    for (let i = 1; i <= chunk.length; i++) valueOffsets[++row] = base + (offsets[i] as number) - start;
    const end = chunk.length === 0 ? start : (offsets[chunk.length] as number);
    base += end - start;
    return [start, end] as const;
  });
  return { valueOffsets, ranges };
}

function concatNulls(
  chunks: readonly arrow.Data[],
  length: number,
): { nullCount: number; nullBitmap?: Uint8Array } {
  const nullCount = chunks.reduce((sum, chunk) => sum + chunk.nullCount, 0);
  if (nullCount === 0) return { nullCount };
  return {
    nullCount,
    nullBitmap: concatBits(chunks, length, (c) => (c.nullCount === 0 ? undefined : c.nullBitmap)),
  };
}

/** Joins bitmaps bit by bit; a chunk without one has all bits set. */
function concatBits(
  chunks: readonly arrow.Data[],
  length: number,
  bitsOf: (chunk: arrow.Data) => Uint8Array | undefined,
): Uint8Array {
  const joined = new Uint8Array(Math.ceil(length / 8));
  let at = 0;
  for (const chunk of chunks) {
    const bits = bitsOf(chunk);
    for (let i = 0; i < chunk.length; i++, at++) {
      const from = i + chunk.offset;
      if (bits === undefined || ((bits[from >> 3] as number) >> (from & 7)) & 1) {
        joined[at >> 3] = (joined[at >> 3] as number) | (1 << (at & 7));
      }
    }
  }
  return joined;
}
