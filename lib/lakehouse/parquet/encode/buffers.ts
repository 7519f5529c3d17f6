import * as arrow from "apache-arrow";

/**
 * The rows of one column of a row group, its batches put end to end. Every array is a view of one buffer, so that
 * all of it moves to another thread without a copy.
 *
 * `validity` has a bit per row, from bit 0, and is left out where no row is null. `offsets` has one entry more than
 * there are rows: into `values` for text and binary, into the child for lists.
 */
export interface ColumnBuffers {
  readonly length: number;
  readonly nulls: number;
  readonly validity?: Uint8Array | undefined;
  readonly offsets?: Int32Array | undefined;
  readonly values?: Uint8Array | undefined;
  readonly children: readonly ColumnBuffers[];
}

/** Gives out parts of one buffer, each at a multiple of 8 bytes, where every kind of value is aligned. */
export class Arena {
  readonly #buffer: Uint8Array<ArrayBuffer>;
  #at = 0;

  constructor(buffer: Uint8Array<ArrayBuffer>) {
    this.#buffer = buffer;
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    const part = this.#buffer.subarray(this.#at, this.#at + length);
    this.#at = aligned(this.#at + length);
    return part;
  }
}

const aligned = (length: number) => (length + 7) & ~7;

/** Bytes that `gather` takes from its arena for the same data. */
export function gatheredBytes(parts: readonly arrow.Data[]): number {
  const rows = rowsOf(parts);
  const type = parts[0]?.type;
  let size = aligned((rows + 7) >> 3);
  if (!type) return size;
  if (hasOffsets(type) || arrow.DataType.isFixedSizeList(type)) size += aligned((rows + 1) * 4);
  if (arrow.DataType.isBool(type)) return size + aligned((rows + 7) >> 3);
  const children = childParts(type, parts);
  if (children.length > 0) return children.reduce((sum, child) => sum + gatheredBytes(child), size);
  return size + aligned(parts.reduce((sum, part) => sum + valueBytes(part).length, 0));
}

/** Copies the rows of one column, batch after batch, into buffers of `arena`. None of the data is dictionary-encoded. */
export function gather(parts: readonly arrow.Data[], arena: Arena): ColumnBuffers {
  const length = rowsOf(parts);
  const type = parts[0]?.type ?? new arrow.Null();
  const nulls = parts.reduce((sum, part) => sum + part.nullCount, 0);
  const validity = nulls > 0 ? gatherBits(parts, (part) => part.nullBitmap, length, arena) : undefined;
  const base = { length, nulls, validity, children: [] };
  if (arrow.DataType.isBool(type))
    return { ...base, values: gatherBits(parts, (part) => part.values as Uint8Array, length, arena) };
  const offsets = gatherOffsets(type, parts, length, arena);
  const children = childParts(type, parts).map((child) => gather(child, arena));
  if (children.length > 0) return { ...base, offsets, children };
  const sources = parts.map(valueBytes);
  const values = arena.bytes(sources.reduce((sum, source) => sum + source.length, 0));
  let at = 0;
  for (const source of sources) {
    values.set(source, at);
    at += source.length;
  }
  return { ...base, offsets, values };
}

function rowsOf(parts: readonly arrow.Data[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

function hasOffsets(type: arrow.DataType): boolean {
  const { isUtf8, isBinary, isLargeUtf8, isLargeBinary, isList, isMap } = arrow.DataType;
  return [isUtf8, isBinary, isLargeUtf8, isLargeBinary, isList, isMap].some((is) => is(type));
}

/** The rows of each child that belong to the parts: a slice of a list still has the whole child. */
function childParts(type: arrow.DataType, parts: readonly arrow.Data[]): arrow.Data[][] {
  if (arrow.DataType.isList(type) || arrow.DataType.isMap(type)) {
    return [
      parts.map((part) => {
        const { first, last } = range(part);
        return (part.children[0] as arrow.Data).slice(first, last - first);
      }),
    ];
  }
  return (type.children ?? []).map((_, i) =>
    parts.map((part) => {
      const child = part.children[i] as arrow.Data;
      const length = arrow.DataType.isFixedSizeList(type) ? part.length * type.listSize : part.length;
      return child.length > length ? child.slice(0, length) : child;
    }),
  );
}

function range(part: arrow.Data): { first: number; last: number } {
  const offsets = part.valueOffsets as ArrayLike<number | bigint> | undefined;
  if (part.length === 0 || !offsets) return { first: 0, last: 0 };
  return { first: Number(offsets[0]), last: Number(offsets[part.length]) };
}

function valueBytes(part: arrow.Data): Uint8Array {
  const values = part.values as ArrayBufferView | undefined;
  if (!values || part.length === 0) return new Uint8Array(0);
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (hasOffsets(part.type)) {
    const { first, last } = range(part);
    return bytes.subarray(first, last);
  }
  // A buffer from a file may be padded.
  return bytes.subarray(0, part.length * part.stride * (values as Uint8Array).BYTES_PER_ELEMENT);
}

function gatherOffsets(
  type: arrow.DataType,
  parts: readonly arrow.Data[],
  length: number,
  arena: Arena,
): Int32Array | undefined {
  if (arrow.DataType.isFixedSizeList(type)) {
    const offsets = int32(arena.bytes((length + 1) * 4));
    for (let i = 0; i <= length; i++) offsets[i] = i * type.listSize;
    return offsets;
  }
  if (!hasOffsets(type)) return undefined;
  const offsets = int32(arena.bytes((length + 1) * 4));
  offsets[0] = 0;
  let at = 0;
  let base = 0;
  for (const part of parts) {
    const { first, last } = range(part);
    if (part.valueOffsets instanceof Int32Array)
      rebase(part.valueOffsets, part.length, base - first, offsets, at);
    else {
      const source = part.valueOffsets as ArrayLike<number | bigint>;
      for (let i = 1; i <= part.length; i++) offsets[at + i] = Number(source[i]) - first + base;
    }
    at += part.length;
    base += last - first;
  }
  return offsets;
}

function rebase(source: Int32Array, length: number, shift: number, target: Int32Array, at: number): void {
  if (shift === 0) target.set(source.subarray(1, length + 1), at + 1);
  else for (let i = 1; i <= length; i++) target[at + i] = source[i]! + shift;
}

/** Puts bitmaps end to end. A missing one is all ones. */
function gatherBits(
  parts: readonly arrow.Data[],
  bitmap: (part: arrow.Data) => Uint8Array | null | undefined,
  length: number,
  arena: Arena,
): Uint8Array {
  const out = arena.bytes((length + 7) >> 3);
  out.fill(0);
  let at = 0;
  for (const part of parts) {
    const source = bitmap(part);
    const { offset } = part;
    const present = source !== null && source !== undefined && source.length > 0;
    if (present && (at & 7) === 0 && (offset & 7) === 0) {
      out.set(source.subarray(offset >> 3, (offset + part.length + 7) >> 3), at >> 3);
      // The next part adds its bits to the last byte, which must be clear above this part's.
      if (((at + part.length) & 7) !== 0)
        out[(at + part.length) >> 3]! &= (1 << ((at + part.length) & 7)) - 1;
    } else {
      for (let i = 0; i < part.length; i++) {
        const bit = present ? (source[(offset + i) >> 3]! >> ((offset + i) & 7)) & 1 : 1;
        out[(at + i) >> 3]! |= bit << ((at + i) & 7);
      }
    }
    at += part.length;
  }
  return out;
}

function int32(bytes: Uint8Array): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
}
