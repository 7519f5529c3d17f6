import { crc32 } from "../../codecs/index.js";
import { compressPage, type ParquetCompression } from "../format/codecs.js";
import { type ThriftValue, writeThriftStruct } from "../format/thrift.js";
import { i32, struct } from "../format/thrift-values.js";
import { type BloomFilterOptions, bloomFilter } from "./bloom.js";
import { type Bound, boundOf, compareValues, countNaNs, type Extremes, extremes } from "./bounds.js";
import { buildDictionary, type Dictionary } from "./dictionary.js";
import { bitWidth, hybridSize, writeHybrid, writeRun } from "./hybrid.js";
import type { LeafColumn } from "./layout.js";
import type { LeafStream } from "./shred.js";
import { leafValues, plainSize, type Values, writePlain } from "./values.js";

/** How one leaf column is encoded. */
export interface ChunkOptions {
  readonly compression: ParquetCompression;
  readonly compressionLevel?: number | undefined;
  /** False where the values are known not to repeat. */
  readonly dictionary: boolean;
  readonly dictionaryBytes: number;
  readonly pageBytes: number;
  readonly pageRows: number;
  readonly bloomFilter?: BloomFilterOptions | undefined;
}

/** One data page: where it lies in its chunk, and what is in it. */
export interface EncodedPage {
  readonly offset: number;
  /** Bytes in the file, header included. */
  readonly size: number;
  readonly firstRow: number;
  readonly nulls: number;
  /** True where the page has no value. */
  readonly empty: boolean;
  readonly min?: Bound | undefined;
  readonly max?: Bound | undefined;
}

/** One column chunk. Plain data: it crosses back from the encoder's thread. */
export interface EncodedChunk {
  readonly size: number;
  readonly uncompressedSize: number;
  readonly compression: ParquetCompression;
  /** Values and nulls; below a list, also empty lists. */
  readonly count: number;
  readonly nulls: number;
  readonly nans: number;
  readonly dictionary: boolean;
  readonly pages: readonly EncodedPage[];
  readonly min?: Bound | undefined;
  readonly max?: Bound | undefined;
  /** parquet.thrift, BoundaryOrder of the pages' bounds. */
  readonly boundaryOrder: number;
  readonly bloomFilter?: Uint8Array | undefined;
}

/**
 * A chunk is compressed where that takes at least this part of its first page away. Zstandard gives back some 800 MB a
 * second: what saves less costs more time than fetching it would, at 120 MB a second. Numbers in a dictionary, which are
 * packed bit by bit, are such.
 */
const LEAST_SAVED = 0.15;
/** A smaller first page says little about its chunk, which keeps the codec that it was given. */
const TELLING_BYTES = 16 * 1024;
/** Rows that an engine such as DuckDB reads at a time. A page that ends between them is read faster. */
const VECTOR_ROWS = 2048;

/** parquet.thrift, Encoding and PageType. */
export const PLAIN = 0;
export const RLE = 3;
export const RLE_DICTIONARY = 8;
export const DATA_PAGE = 0;
export const DICTIONARY_PAGE = 2;

/** The page under way, uncompressed. Encoding is synchronous, so one serves all. */
let scratch = new Uint8Array(64 * 1024);
/** A mark for each dictionary key that occurs in the page. */
let seen = new Uint8Array(1024);
/** The keys that are marked. */
let found = new Int32Array(1024);

/**
 * Encodes one leaf column of a row group as a column chunk of version 1 data pages, which every engine reads.
 *
 * @param emit takes the chunk's bytes part by part: pages with their headers, the dictionary's first. A part is gone
 * when the next one comes.
 */
export function encodeChunk(
  leaf: LeafColumn,
  stream: LeafStream,
  options: ChunkOptions,
  emit: (part: Uint8Array) => void,
): EncodedChunk {
  const values = leafValues(leaf, stream);
  const dictionary = options.dictionary ? buildDictionary(values, options.dictionaryBytes) : undefined;
  const pageCuts = [...cuts(leaf, stream, values, dictionary, options)];
  const compression = codecThatPays(options, () => {
    const [first] = pageCuts;
    const length = first ? writePage(leaf, stream, values, dictionary, first) : 0;
    return scratch.subarray(0, length);
  });
  let size = 0;
  let uncompressedSize = 0;
  const add = (length: number, type: number, content: ThriftValue) => {
    const body = compressPage(scratch.subarray(0, length), compression, options.compressionLevel);
    const head = pageHeader(type, length, body, content);
    emit(head);
    emit(body);
    size += head.length + body.length;
    uncompressedSize += head.length + length;
    return head.length + body.length;
  };

  if (dictionary) {
    const { keys } = dictionary;
    const length = plainSize(keys, 0, keys.length);
    reserve(length);
    writePlain(keys, 0, keys.length, scratch, 0);
    add(length, DICTIONARY_PAGE, struct([1, i32(keys.length)], [2, i32(PLAIN)]));
  }
  const ordered = dictionary ? dictionary.keys : values;
  const pages: EncodedPage[] = [];
  const bounds: Extremes[] = [];
  for (const cut of pageCuts) {
    const length = writePage(leaf, stream, values, dictionary, cut);
    const offset = size;
    const count = cut.toLevel - cut.fromLevel;
    const encoding = i32(dictionary ? RLE_DICTIONARY : PLAIN);
    const content = struct([1, i32(count)], [2, encoding], [3, i32(RLE)], [4, i32(RLE)]);
    const written = add(length, DATA_PAGE, content);
    const page = dictionary
      ? dictionaryExtremes(dictionary, leaf, cut)
      : extremes(values, leaf, cut.fromValue, cut.toValue);
    bounds.push(page);
    pages.push({
      offset,
      size: written,
      firstRow: cut.firstRow,
      nulls: count - (cut.toValue - cut.fromValue),
      empty: cut.toValue === cut.fromValue,
      ...boundsOf(ordered, leaf, page),
    });
  }
  const filter =
    options.bloomFilter &&
    bloomFilter(dictionary ? dictionary.keys : distinct(values), leaf, options.bloomFilter);
  return {
    size,
    uncompressedSize,
    compression,
    count: stream.count,
    nulls: stream.count - values.length,
    nans: countNaNs(values, leaf),
    dictionary: dictionary !== undefined,
    pages,
    ...boundsOf(ordered, leaf, merged(ordered, leaf, bounds)),
    boundaryOrder: boundaryOrder(ordered, leaf, bounds),
    bloomFilter: filter,
  };
}

/** The codec of a chunk, or none where it would not pay. */
function codecThatPays(
  { compression, compressionLevel }: ChunkOptions,
  firstPage: () => Uint8Array,
): ParquetCompression {
  if (compression === "uncompressed") return compression;
  const page = firstPage();
  if (page.length < TELLING_BYTES) return compression;
  const { length } = compressPage(page, compression, compressionLevel);
  return length > page.length * (1 - LEAST_SAVED) ? "uncompressed" : compression;
}

/** The values of one page: a range of levels and the range of values that belongs to it. */
interface Cut {
  readonly firstRow: number;
  readonly fromLevel: number;
  readonly toLevel: number;
  readonly fromValue: number;
  readonly toValue: number;
}

/** Cuts a chunk into pages, between rows. */
function* cuts(
  leaf: LeafColumn,
  stream: LeafStream,
  values: Values,
  dictionary: Dictionary | undefined,
  { pageBytes, pageRows }: ChunkOptions,
): Generator<Cut> {
  const { count, definitions, repetitions } = stream;
  const bytes = dictionary
    ? (values.length * bitWidth(dictionary.keys.length - 1)) / 8
    : plainSize(values, 0, values.length);
  const fitting = Math.max(1, Math.floor(pageBytes / Math.max(bytes / Math.max(1, count), 1 / 8)));
  const levelsPerPage = fitting < VECTOR_ROWS ? fitting : fitting - (fitting % VECTOR_ROWS);
  let row = 0;
  let level = 0;
  let value = 0;
  while (level < count) {
    const firstRow = row;
    const fromLevel = level;
    const fromValue = value;
    if (repetitions) {
      while (level < count && row - firstRow < pageRows && level - fromLevel < levelsPerPage) {
        do level++;
        while (level < count && repetitions[level] !== 0);
        row++;
      }
    } else {
      level = Math.min(count, level + pageRows, level + levelsPerPage);
      row = level;
    }
    if (definitions) {
      for (let i = fromLevel; i < level; i++) if (definitions[i] === leaf.maxDefinition) value++;
    } else value += level - fromLevel;
    yield { firstRow, fromLevel, toLevel: level, fromValue, toValue: value };
  }
}

/** Writes a page to `scratch`: repetition levels, definition levels, values. Returns its length. */
function writePage(
  leaf: LeafColumn,
  { definitions, repetitions }: LeafStream,
  values: Values,
  dictionary: Dictionary | undefined,
  { fromLevel, toLevel, fromValue, toValue }: Cut,
): number {
  const levels = toLevel - fromLevel;
  const present = toValue - fromValue;
  const width = dictionary ? bitWidth(dictionary.keys.length - 1) : 0;
  reserve(
    2 * hybridSize(levels, 8) +
      (dictionary ? 1 + hybridSize(present, width) : plainSize(values, fromValue, toValue)),
  );
  let at = 0;
  if (leaf.maxRepetition > 0) at = writeLevels(repetitions, fromLevel, toLevel, leaf.maxRepetition, at);
  if (leaf.maxDefinition > 0) at = writeLevels(definitions, fromLevel, toLevel, leaf.maxDefinition, at);
  if (!dictionary) return writePlain(values, fromValue, toValue, scratch, at);
  scratch[at++] = width;
  return writeHybrid(dictionary.indices, fromValue, toValue, width, scratch, at);
}

/** Levels after their length. Without levels all are the highest. */
function writeLevels(
  levels: Int32Array | undefined,
  from: number,
  to: number,
  max: number,
  start: number,
): number {
  const width = bitWidth(max);
  const end = levels
    ? writeHybrid(levels, from, to, width, scratch, start + 4)
    : writeRun(max, to - from, width, scratch, start + 4);
  const length = end - start - 4;
  for (let byte = 0; byte < 4; byte++) scratch[start + byte] = length >>> (8 * byte);
  return end;
}

function reserve(length: number): void {
  if (scratch.length < length) scratch = new Uint8Array(Math.max(length, scratch.length * 2));
}

/** The extremes of a page from the dictionary keys that occur in it, each looked at once. */
function dictionaryExtremes(
  { keys, indices }: Dictionary,
  leaf: LeafColumn,
  { fromValue, toValue }: Cut,
): Extremes {
  if (seen.length < keys.length) {
    seen = new Uint8Array(keys.length * 2);
    found = new Int32Array(keys.length * 2);
  }
  return extremes(keys, leaf, 0, listKeys(indices, fromValue, toValue, keys.length, seen, found), found);
}

/** Lists in `list` each number below `count` that occurs, and returns how many do. */
function listKeys(
  indices: Int32Array,
  from: number,
  to: number,
  count: number,
  marks: Uint8Array,
  list: Int32Array,
): number {
  marks.fill(0, 0, count);
  let listed = 0;
  for (let i = from; i < to; i++) {
    const key = indices[i]!;
    if (marks[key] === 0) {
      marks[key] = 1;
      list[listed++] = key;
    }
  }
  return listed;
}

function merged(values: Values, leaf: LeafColumn, pages: readonly Extremes[]): Extremes {
  const found = pages.filter(({ least }) => least >= 0);
  const least = Int32Array.from(found, (page) => page.least);
  const greatest = Int32Array.from(found, (page) => page.greatest);
  return {
    least: extremes(values, leaf, 0, least.length, least).least,
    greatest: extremes(values, leaf, 0, greatest.length, greatest).greatest,
  };
}

function boundsOf(
  values: Values,
  leaf: LeafColumn,
  { least, greatest }: Extremes,
): { min: Bound | undefined; max: Bound | undefined } {
  const min = least < 0 ? undefined : boundOf(values, leaf, least, "min");
  const max = greatest < 0 ? undefined : boundOf(values, leaf, greatest, "max");
  return { min, max };
}

/** parquet.thrift, BoundaryOrder: 1 where neither bound ever falls, 2 where neither rises, else 0. Empty pages do not count. */
function boundaryOrder(values: Values, leaf: LeafColumn, pages: readonly Extremes[]): number {
  const found = pages.filter(({ least }) => least >= 0);
  let rises = true;
  let falls = true;
  for (let i = 1; i < found.length; i++) {
    const before = found[i - 1]!;
    const page = found[i]!;
    const least = compareValues(values, leaf, before.least, page.least);
    const greatest = compareValues(values, leaf, before.greatest, page.greatest);
    if (least > 0 || greatest > 0) rises = false;
    if (least < 0 || greatest < 0) falls = false;
  }
  return rises ? 1 : falls ? 2 : 0;
}

/** For a filter, values without repeats where a dictionary can tell; with them where it cannot. */
function distinct(values: Values): Values {
  return buildDictionary(values, Number.MAX_SAFE_INTEGER)?.keys ?? values;
}

/**
 * parquet.thrift, PageHeader. Its checksum is that of the page as it lies in the file, without this header
 * (parquet-format, "Checksumming").
 */
function pageHeader(type: number, length: number, body: Uint8Array, content: ThriftValue): Uint8Array {
  return writeThriftStruct(
    struct(
      [1, i32(type)],
      [2, i32(length)],
      [3, i32(body.length)],
      [4, i32(crc32(body) | 0)],
      [type === DICTIONARY_PAGE ? 7 : 5, content],
    ).value,
  );
}
