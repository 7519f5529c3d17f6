import { type LakehouseError, unsupported } from "../errors.js";
import type { ObjectStore } from "../storage/index.js";
import { decompressPage } from "./format/codecs.js";
import { corrupt } from "./format/corrupt.js";
import { chunkStart, type ParquetColumnChunk, type ParquetFooter } from "./format/footer.js";
import type { NodePlace } from "./format/nodes.js";
import { int } from "./format/schema.js";
import { readThriftStruct, type ThriftStruct } from "./format/thrift.js";

/** parquet.thrift, PageType. */
const DATA_PAGE = 0;
const DATA_PAGE_V2 = 3;
/** parquet.thrift, Encoding. */
const RLE = 3;

/**
 * How often a node is null where all that it stands in is there, over the whole file. Statistics tell it where they
 * count no null at all; else the definition levels of the column are read, a row group at a time, and counted.
 *
 * @param place of a node that is optional, in the tree of `footer`.
 * @throws LakehouseError CORRUPT_FILE; OBJECT_NOT_FOUND; UNSUPPORTED_FEATURE for a codec that this version lacks.
 */
export async function countNulls(
  store: ObjectStore,
  uri: string,
  footer: ParquetFooter,
  place: NodePlace,
): Promise<bigint> {
  const column = footer.columns[place.leaf];
  if (column === undefined) return 0n;
  let nulls = 0n;
  for (const group of footer.rowGroups) {
    const chunk = group.columns[place.leaf];
    if (chunk === undefined || chunk.valueCount === 0n || chunk.statistics?.nullCount === 0n) continue;
    nulls += BigInt(await countInChunk(store, uri, chunk, { ...place, ...column }));
  }
  return nulls;
}

interface Levels {
  /** The highest levels of the column. */
  readonly maxDefinition: number;
  readonly maxRepetition: number;
  readonly definition: number;
}

async function countInChunk(
  store: ObjectStore,
  uri: string,
  chunk: ParquetColumnChunk,
  levels: Levels,
): Promise<number> {
  const start = Number(chunkStart(chunk));
  const bytes = await store.read(uri, { start, end: start + Number(chunk.compressedSize) });
  let nulls = 0;
  let at = 0;
  for (let left = Number(chunk.valueCount); left > 0; ) {
    if (at >= bytes.length) throw corrupt(uri, `its pages end ${left} values early`);
    const { struct: header, length } = readThriftStruct(bytes.subarray(at), uri);
    const size = int(header, 3) ?? 0;
    const page = bytes.subarray(at + length, at + length + size);
    at += length + size;
    if (size < 0 || page.length !== size) throw corrupt(uri, "a page ends early");
    const kind = int(header, 1);
    if (kind !== DATA_PAGE && kind !== DATA_PAGE_V2) continue;
    const data = header.get(kind === DATA_PAGE ? 5 : 8);
    const values = data?.type === "struct" ? (int(data.value, 1) ?? -1) : -1;
    if (data?.type !== "struct" || values < 0 || values > left) throw corrupt(uri, "a page has no values");
    const definitions =
      kind === DATA_PAGE
        ? levelsOfV1(page, header, data.value, chunk.codec, levels, uri)
        : levelsOfV2(page, data.value);
    nulls += countLevel(definitions, levels, values, uri);
    left -= values;
  }
  return nulls;
}

/** In a page of version 1 all is compressed, and the levels, each with its length, come first. */
function levelsOfV1(
  page: Uint8Array,
  header: ThriftStruct,
  data: ThriftStruct,
  codec: number,
  { maxRepetition }: Levels,
  uri: string,
): Uint8Array {
  if ((int(data, 3) ?? RLE) !== RLE) throw unreadable(uri, "levels in the encoding BIT_PACKED");
  const body = decompressPage(page, int(header, 2) ?? 0, codec, uri);
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  let at = 0;
  const next = (): Uint8Array => {
    const length = at + 4 <= body.length ? view.getUint32(at, true) : -1;
    const levels = body.subarray(at + 4, at + 4 + length);
    if (length < 0 || levels.length !== length) throw corrupt(uri, "a page ends within its levels");
    at += 4 + length;
    return levels;
  };
  if (maxRepetition > 0) next();
  return next();
}

/** In a page of version 2 the levels come first, never compressed. */
function levelsOfV2(page: Uint8Array, data: ThriftStruct): Uint8Array {
  const repetitions = int(data, 6) ?? 0;
  return page.subarray(repetitions, repetitions + (int(data, 5) ?? 0));
}

/** How many of the levels say that the node is null (parquet-format, "RLE / Bit-Packing Hybrid"). */
function countLevel(bytes: Uint8Array, levels: Levels, values: number, uri: string): number {
  const { maxDefinition, definition } = levels;
  const width = 32 - Math.clz32(maxDefinition);
  const wanted = definition - 1;
  let count = 0;
  let at = 0;
  for (let left = values; left > 0; ) {
    let header = 0;
    for (let shift = 0, byte = 0x80; byte >= 0x80; shift += 7) {
      if (at >= bytes.length || shift > 28) throw corrupt(uri, "its definition levels end early");
      byte = bytes[at++] as number;
      header += (byte & 0x7f) * 2 ** shift;
    }
    if (header % 2 === 0) {
      // A run: one value, in whole bytes.
      const run = Math.min(header / 2, left);
      if (run === 0 || at >= bytes.length) throw corrupt(uri, "its definition levels end early");
      if (bytes[at] === wanted) count += run;
      at += Math.ceil(width / 8);
      left -= run;
      continue;
    }
    const packed = Math.min(((header - 1) / 2) * 8, left);
    if (packed === 0 || at + Math.ceil((packed * width) / 8) > bytes.length) {
      throw corrupt(uri, "its definition levels end early");
    }
    for (let i = 0, bit = 0; i < packed; i++, bit += width) {
      const word = (bytes[at + (bit >> 3)] as number) | ((bytes[at + (bit >> 3) + 1] ?? 0) << 8);
      if (((word >> (bit & 7)) & ((1 << width) - 1)) === wanted) count++;
    }
    at += ((header - 1) / 2) * width;
    left -= packed;
  }
  return count;
}

function unreadable(subject: string, what: string): LakehouseError {
  return unsupported(subject, `${subject} has ${what}, which this version cannot read.`);
}
