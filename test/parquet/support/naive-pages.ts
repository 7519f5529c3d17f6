// The pages of a column chunk, read as parquet-format says and byte by byte: the model that page indexes, statistics
// and sizes are held against.
import { compressors } from "hyparquet-compressors";
import { int, long } from "../../../lib/lakehouse/parquet/format/schema.js";
import { readThriftStruct, type ThriftStruct } from "../../../lib/lakehouse/parquet/format/thrift.js";
import type { ParquetColumn } from "../../../lib/lakehouse/parquet/index.js";

export interface NaivePage {
  readonly offset: number;
  /** Bytes in the file, header included. */
  readonly size: number;
  /** The same before compression. */
  readonly uncompressedSize: number;
  readonly dictionary: boolean;
  /** parquet.thrift, Encoding of the values. */
  readonly encoding: number;
  /** Of a data page: one of each for every value, null and empty list. Empty for the highest level 0. */
  readonly repetitions: readonly number[];
  readonly definitions: readonly number[];
  /** The values' bytes: after the levels. */
  readonly values: Uint8Array;
  /** Values and nulls that the header counts. */
  readonly count: number;
}

const CODECS = ["UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4", "ZSTD", "LZ4_RAW"] as const;

/** How many levels each part of a column's path adds. */
export function maxLevels(path: readonly { readonly repetition: string }[]) {
  return {
    repetition: path.filter(({ repetition }) => repetition === "repeated").length,
    definition: path.filter(({ repetition }) => repetition !== "required").length,
  };
}

/** All pages from `start` on, until `bytes` have been read. */
export function pagesOf(
  file: Uint8Array,
  metadata: ThriftStruct,
  levels: { readonly repetition: number; readonly definition: number },
): NaivePage[] {
  const start = Number(long(metadata, 11) ?? long(metadata, 9));
  const end = start + Number(long(metadata, 7));
  const codec = CODECS[int(metadata, 4) ?? 0]!;
  const pages: NaivePage[] = [];
  for (let at = start; at < end; ) {
    const header = readThriftStruct(file.subarray(at), "page");
    const [uncompressed, compressed] = [int(header.struct, 2) ?? -1, int(header.struct, 3) ?? -1];
    const from = at + header.length;
    const stored = file.subarray(from, from + compressed);
    const body =
      codec === "UNCOMPRESSED" ? stored : (compressors[codec]?.(stored, uncompressed) as Uint8Array);
    const dictionary = int(header.struct, 1) === 2;
    const page = header.struct.get(dictionary ? 7 : 5);
    if (page?.type !== "struct") throw new Error(`a page of type ${int(header.struct, 1)}`);
    const count = int(page.value, 1) ?? -1;
    let rest = body;
    const take = (max: number): number[] => {
      if (max === 0 || dictionary) return [];
      const length = new DataView(rest.buffer, rest.byteOffset).getUint32(0, true);
      const found = hybrid(rest.subarray(4, 4 + length), 32 - Math.clz32(max), count);
      rest = rest.subarray(4 + length);
      return found;
    };
    const repetitions = take(levels.repetition);
    const definitions = take(levels.definition);
    pages.push({
      offset: at,
      size: header.length + compressed,
      uncompressedSize: header.length + body.length,
      dictionary,
      encoding: int(page.value, 2) ?? -1,
      repetitions,
      definitions,
      values: rest,
      count,
    });
    at = from + compressed;
  }
  return pages;
}

/** Encodings.md, "Run Length Encoding / Bit-Packing Hybrid". */
export function hybrid(bytes: Uint8Array, width: number, count: number): number[] {
  // One value needs no bits to be told.
  if (width === 0) return new Array(count).fill(0);
  const found: number[] = [];
  let at = 0;
  while (found.length < count) {
    let header = 0;
    for (let shift = 0; ; shift += 7) {
      if (at >= bytes.length) throw new Error("levels or keys that end too early");
      const byte = bytes[at++]!;
      header |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    if (header & 1) {
      for (let bit = 0; bit < (header >> 1) * 8 * width; bit += width) {
        let value = 0;
        for (let i = 0; i < width; i++)
          value |= ((bytes[at + ((bit + i) >> 3)]! >> ((bit + i) & 7)) & 1) << i;
        found.push(value >>> 0);
      }
      at += (header >> 1) * width;
    } else {
      let value = 0;
      for (let byte = 0; byte < Math.ceil(width / 8); byte++) value |= bytes[at++]! << (8 * byte);
      for (let i = 0; i < header >> 1; i++) found.push(value);
    }
  }
  return found.slice(0, count);
}

/** The values of plain pages and dictionaries: the bytes of each. Bits for booleans. */
export function plainBytes(column: ParquetColumn, bytes: Uint8Array, count: number): Uint8Array[] {
  const { physicalType, typeLength } = column.node;
  if (physicalType === "BOOLEAN")
    return Array.from({ length: count }, (_, i) => Uint8Array.of((bytes[i >> 3]! >> (i & 7)) & 1));
  const found: Uint8Array[] = [];
  for (let at = 0; found.length < count; ) {
    let width = { INT32: 4, FLOAT: 4, INT64: 8, DOUBLE: 8, FIXED_LEN_BYTE_ARRAY: typeLength }[
      physicalType as "INT32"
    ];
    if (physicalType === "BYTE_ARRAY") {
      width = new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
      at += 4;
    }
    found.push(bytes.slice(at, at + width!));
    at += width!;
  }
  return found;
}
