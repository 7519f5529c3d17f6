import { codecNumber } from "../format/codecs.js";
import { physicalTypeNumber } from "../format/schema.js";
import { type ThriftStruct, type ThriftValue, writeThriftStruct } from "../format/thrift.js";
import { boolean, bytes, i16, i32, i64, list, struct, text } from "../format/thrift-values.js";
import { DATA_PAGE, DICTIONARY_PAGE, type EncodedPage, PLAIN, RLE, RLE_DICTIONARY } from "./chunk.js";
import type { FileLayout, LeafColumn } from "./layout.js";
import type { EncodedRowGroup, PlacedChunk } from "./row-group.js";

const MAGIC = Uint8Array.of(0x50, 0x41, 0x52, 0x31);
/** What footers say wrote their files. */
export const CREATED_BY = "SoloLakehouse";

/**
 * Puts row groups one after another into a Parquet file.
 *
 * Lifecycle: write the bytes of `start`, then those that each `add` returns, then those of `finish`.
 * Layout: magic, row groups, column indexes, offset indexes, footer, its length, magic.
 */
export class ParquetFile {
  readonly start = MAGIC;
  readonly #layout: FileLayout;
  readonly #metadata: Readonly<Record<string, string>>;
  readonly #groups: ThriftValue[] = [];
  readonly #indexes: {
    readonly chunk: ThriftStruct;
    readonly column: ThriftStruct | undefined;
    readonly offset: ThriftStruct;
  }[] = [];
  readonly #nans: number[];
  #position = MAGIC.length;
  #rows = 0n;

  constructor(layout: FileLayout, keyValueMetadata: Readonly<Record<string, string>>) {
    this.#layout = layout;
    this.#metadata = keyValueMetadata;
    this.#nans = layout.leaves.map(() => 0);
  }

  /** NaN values of each leaf column so far: the one count of a column that a footer does not have. */
  get nans(): readonly number[] {
    return this.#nans;
  }

  /** Takes the next row group and returns the bytes to write for it. */
  add({ bytes: data, rows, chunks }: EncodedRowGroup): Uint8Array {
    const base = this.#position;
    const columns = chunks.map((chunk, i) => {
      this.#nans[i]! += chunk.nans;
      return this.#chunk(this.#layout.leaves[i]!, chunk, base + chunk.offset, base);
    });
    const total = (size: (chunk: PlacedChunk) => number) =>
      i64(chunks.reduce((sum, chunk) => sum + size(chunk), 0));
    this.#groups.push(
      struct(
        [1, list("struct", columns)],
        [2, total((chunk) => chunk.uncompressedSize)],
        [3, i64(rows)],
        [5, i64(base)],
        [6, total((chunk) => chunk.size)],
        // The ordinal has 16 bits; it is of use to encrypted files alone.
        ...(this.#groups.length < 0x8000 ? [[7, i16(this.#groups.length)] as const] : []),
      ),
    );
    this.#position += data.length;
    this.#rows += BigInt(rows);
    return data;
  }

  /** The page indexes; the footer; what ends the file. */
  finish(): { readonly indexes: Uint8Array[]; readonly footer: Uint8Array; readonly trailer: Uint8Array } {
    const indexes: Uint8Array[] = [];
    const place = (index: ThriftStruct, chunk: ThriftStruct, field: number) => {
      const written = writeThriftStruct(index);
      chunk.set(field, i64(this.#position));
      chunk.set(field + 1, i32(written.length));
      this.#position += written.length;
      indexes.push(written);
    };
    for (const { chunk, column } of this.#indexes) if (column) place(column, chunk, 6);
    for (const { chunk, offset } of this.#indexes) place(offset, chunk, 4);
    const pairs = Object.entries(this.#metadata).map(([key, value]) =>
      struct([1, text(key)], [2, text(value)]),
    );
    const order = struct([1, struct()]);
    const footer = writeThriftStruct(
      struct(
        [1, i32(2)],
        [2, list("struct", this.#layout.elements)],
        [3, i64(this.#rows)],
        [4, list("struct", this.#groups)],
        ...(pairs.length > 0 ? [[5, list("struct", pairs)] as const] : []),
        [6, text(CREATED_BY)],
        [
          7,
          list(
            "struct",
            this.#layout.leaves.map(() => order),
          ),
        ],
      ).value,
    );
    const trailer = new Uint8Array(8);
    new DataView(trailer.buffer).setUint32(0, footer.length, true);
    trailer.set(MAGIC, 4);
    return { indexes, footer, trailer };
  }

  #chunk(leaf: LeafColumn, chunk: PlacedChunk, at: number, base: number): ThriftValue {
    const { pages, dictionary, min, max } = chunk;
    const encoding = dictionary ? RLE_DICTIONARY : PLAIN;
    const encodings = dictionary ? [PLAIN, RLE, RLE_DICTIONARY] : [PLAIN, RLE];
    const statistics = struct([3, i64(chunk.nulls)]).value;
    if (max) statistics.set(5, bytes(max.bytes)).set(7, boolean(max.exact));
    if (min) statistics.set(6, bytes(min.bytes)).set(8, boolean(min.exact));
    const counts = [struct([1, i32(DATA_PAGE)], [2, i32(encoding)], [3, i32(pages.length)])];
    if (dictionary) counts.unshift(struct([1, i32(DICTIONARY_PAGE)], [2, i32(PLAIN)], [3, i32(1)]));
    const metadata = struct(
      [1, i32(physicalTypeNumber(leaf.physicalType))],
      [2, list("i32", encodings.map(i32))],
      [3, list("binary", leaf.path.map(text))],
      [4, i32(codecNumber(chunk.compression))],
      [5, i64(chunk.count)],
      [6, i64(chunk.uncompressedSize)],
      [7, i64(chunk.size)],
      [9, i64(at + (pages[0]?.offset ?? 0))],
      [12, { type: "struct", value: statistics }],
      [13, list("struct", counts)],
    ).value;
    if (dictionary) metadata.set(11, i64(at));
    if (chunk.bloomFilterOffset !== undefined) {
      metadata.set(14, i64(base + chunk.bloomFilterOffset));
      metadata.set(15, i32(chunk.bloomFilterLength ?? 0));
    }
    const value = struct([2, i64(0)], [3, { type: "struct", value: metadata }]).value;
    const column = columnIndex(pages, chunk.boundaryOrder);
    this.#indexes.push({ chunk: value, column, offset: offsetIndex(pages, at) });
    return { type: "struct", value };
  }
}

/** parquet.thrift, ColumnIndex; `undefined` where a page with values has no bounds, since the index needs them all. */
function columnIndex(pages: readonly EncodedPage[], boundaryOrder: number): ThriftStruct | undefined {
  if (pages.some((page) => !page.empty && !(page.min && page.max))) return undefined;
  const none = new Uint8Array(0);
  return struct(
    [
      1,
      list(
        "boolean",
        pages.map((page) => boolean(page.empty)),
      ),
    ],
    [
      2,
      list(
        "binary",
        pages.map((page) => bytes(page.min?.bytes ?? none)),
      ),
    ],
    [
      3,
      list(
        "binary",
        pages.map((page) => bytes(page.max?.bytes ?? none)),
      ),
    ],
    [4, i32(boundaryOrder)],
    [
      5,
      list(
        "i64",
        pages.map((page) => i64(page.nulls)),
      ),
    ],
  ).value;
}

function offsetIndex(pages: readonly EncodedPage[], at: number): ThriftStruct {
  const locations = pages.map((page) =>
    struct([1, i64(at + page.offset)], [2, i32(page.size)], [3, i64(page.firstRow)]),
  );
  return struct([1, list("struct", locations)]).value;
}
