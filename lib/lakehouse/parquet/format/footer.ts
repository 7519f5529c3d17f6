import { unsupported } from "../../errors.js";
import { type ReadableStore, readTail } from "../../storage/index.js";
import { corrupt } from "./corrupt.js";
import {
  binary,
  flag,
  int,
  ints,
  leafColumns,
  long,
  type ParquetColumn,
  type ParquetNode,
  readSchemaTree,
  structAt,
  structs,
  text,
} from "./schema.js";
import { readThriftFields, readThriftStruct, type ThriftStruct } from "./thrift.js";

/** Statistics of one column chunk: bounds as the file has them, in the bytes of the column's physical type. */
export interface ParquetChunkStatistics {
  readonly min?: Uint8Array | undefined;
  readonly max?: Uint8Array | undefined;
  /** False where the writer shortened the bound: still a bound, not a value of the column. */
  readonly minExact: boolean;
  readonly maxExact: boolean;
  readonly nullCount?: bigint | undefined;
}

export interface ParquetColumnChunk {
  /** Values in the chunk, nulls included; below a list or map this differs from the row count. */
  readonly valueCount: bigint;
  /** Bytes in the file, page headers included. */
  readonly compressedSize: bigint;
  readonly uncompressedSize: bigint;
  /** parquet.thrift, CompressionCodec. */
  readonly codec: number;
  /** parquet.thrift, Encoding: those of its pages and of their levels, each once. */
  readonly encodings: readonly number[];
  readonly dataPageOffset: bigint;
  readonly dictionaryPageOffset?: bigint | undefined;
  /** Offset in the file of the chunk's Bloom filter. */
  readonly bloomFilterOffset?: bigint | undefined;
  readonly statistics?: ParquetChunkStatistics | undefined;
}

export interface ParquetRowGroup {
  readonly rowCount: bigint;
  /** Offset in the file of the first byte of the group's first column chunk. */
  readonly startOffset: bigint;
  /** In the order of `ParquetFooter.columns`. */
  readonly columns: readonly ParquetColumnChunk[];
}

/** What a footer says first, before its row groups, which are most of it. */
export interface ParquetSummary {
  /** Length of the file in bytes. */
  readonly fileSize: number;
  readonly rowCount: bigint;
  readonly schema: ParquetNode;
  /** The footer as it lies in the file: the Thrift FileMetaData struct. */
  readonly metadata: Uint8Array;
}

/** What the end of a Parquet file says about the rest of it. */
export interface ParquetFooter extends ParquetSummary {
  readonly columns: readonly ParquetColumn[];
  readonly rowGroups: readonly ParquetRowGroup[];
  readonly keyValueMetadata: ReadonlyMap<string, string>;
  readonly createdBy?: string | undefined;
}

/** Bytes read from the end at first: enough for the footer of most files, and for small files whole. */
const TAIL_BYTES = 64 * 1024;
const MAGIC = 0x31524150; // "PAR1", little-endian

/**
 * Reads the footer of one Parquet file: one ranged read from its end, two when the footer is longer than 64 KiB.
 *
 * @param recorded length of the file in bytes as its manifest has it: a hint that saves asking the store. The footer
 * at the file's real end is read, whatever was recorded.
 * @throws LakehouseError OBJECT_NOT_FOUND; CORRUPT_FILE when the file is cut off, is not Parquet, or its footer
 * is damaged; UNSUPPORTED_FEATURE when the footer is encrypted.
 */
export async function readFooter(
  store: ReadableStore,
  uri: string,
  recorded?: number,
): Promise<ParquetFooter> {
  const { metadata, size } = await readMetadata(store, uri, recorded);
  return parseFooter(metadata, uri, size);
}

/**
 * Reads no more of a footer than its schema and row count: for who reads many files, and leaves their row groups to
 * another. Otherwise as `readFooter`; damage further on in the footer does not show.
 */
export async function readSummary(
  store: ReadableStore,
  uri: string,
  recorded?: number,
): Promise<ParquetSummary> {
  const { metadata, size } = await readMetadata(store, uri, recorded, tailOf(recorded));
  const struct = readThriftFields(metadata, [SCHEMA, ROW_COUNT], uri);
  return { fileSize: size, rowCount: long(struct, ROW_COUNT) ?? 0n, schema: schemaOf(struct, uri), metadata };
}

async function readMetadata(
  store: ReadableStore,
  uri: string,
  recorded: number | undefined,
  tailBytes = TAIL_BYTES,
): Promise<{ readonly metadata: Uint8Array; readonly size: number }> {
  const { size, start, bytes: tail } = await readTail(store, uri, tailBytes, recorded);
  if (size < 12) throw corrupt(uri, `${size} bytes are too few for a Parquet file`);
  const footerLength = footerLengthOf(tail, size, uri, recorded);
  const footerStart = size - 8 - footerLength;
  if (footerStart >= start) {
    // A copy, so that a footer held for long does not hold the rest of the tail.
    return { metadata: new Uint8Array(tail.subarray(footerStart - start, tail.length - 8)), size };
  }
  const head = await store.read(uri, { start: footerStart, end: start });
  const metadata = new Uint8Array(footerLength);
  metadata.set(head);
  metadata.set(tail.subarray(0, tail.length - 8), head.length);
  return { metadata, size };
}

/** A small file has a small footer, and of many small files so many tails are work for the garbage collector. */
function tailOf(recorded = Number.POSITIVE_INFINITY): number {
  return Math.min(TAIL_BYTES, Math.max(TAIL_BYTES / 8, Math.ceil(recorded / 16)));
}

/** Field ids of parquet.thrift, FileMetaData. */
const SCHEMA = 2;
const ROW_COUNT = 3;

function schemaOf(struct: ThriftStruct, subject: string): ParquetNode {
  const elements = structs(struct, SCHEMA);
  if (!elements || elements.length === 0) throw corrupt(subject, "its footer has no schema");
  return readSchemaTree(elements, subject);
}

function footerLengthOf(
  tail: Uint8Array,
  fileLength: number,
  uri: string,
  recorded: number | undefined,
): number {
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  const magic = view.getUint32(tail.length - 4, true);
  if (magic === 0x45524150) {
    throw unsupported(uri, `${uri} is an encrypted Parquet file (it ends in PARE), which is not supported.`);
  }
  if (magic !== MAGIC) {
    const lengths =
      recorded === undefined || recorded === fileLength
        ? ""
        : ` (it has ${fileLength} bytes, its manifest says ${recorded})`;
    throw corrupt(uri, `it does not end in PAR1, so it was cut off or is no Parquet file${lengths}`);
  }
  const length = view.getUint32(tail.length - 8, true);
  if (length > fileLength - 12) throw corrupt(uri, `its footer says ${length} bytes, more than the file has`);
  return length;
}

/**
 * Reads a footer from its Thrift bytes (parquet.thrift, FileMetaData).
 *
 * @param fileSize length in bytes of the file that it ends.
 */
export function parseFooter(metadata: Uint8Array, subject: string, fileSize: number): ParquetFooter {
  const { struct } = readThriftStruct(metadata, subject);
  const schema = schemaOf(struct, subject);
  const columns = leafColumns(schema);
  const orders = structs(struct, 7);
  const sorted = columns.map((column, i) => statisticsOrder(column, orders?.[i]));
  const rowGroups = (structs(struct, 4) ?? []).map((group) => readRowGroup(group, sorted, subject));
  const keyValueMetadata = new Map<string, string>();
  for (const pair of structs(struct, 5) ?? []) keyValueMetadata.set(text(pair, 1) ?? "", text(pair, 2) ?? "");
  return {
    fileSize,
    rowCount: long(struct, ROW_COUNT) ?? 0n,
    schema,
    columns,
    rowGroups,
    keyValueMetadata,
    metadata,
    createdBy: text(struct, 6),
  };
}

/** Which of a column's bounds are in an order that is known: `old` are the fields `min` and `max`. */
interface StatisticsOrder {
  readonly old: boolean;
  readonly current: boolean;
}

/**
 * The old fields compare as signed: right for numbers with a sign, undefined for the rest. The current ones compare as
 * the file's column orders say, and without these are undefined (parquet.thrift, `FileMetaData.column_orders`); numbers
 * with a sign have one order only.
 */
function statisticsOrder({ node }: ParquetColumn, order: ThriftStruct | undefined): StatisticsOrder {
  const { physicalType, logicalType } = node;
  const unsigned = logicalType?.kind === "int" && !logicalType.signed;
  const number = ["BOOLEAN", "INT32", "INT64", "FLOAT", "DOUBLE"].includes(physicalType) && !unsigned;
  return { old: number, current: number || order?.has(TYPE_DEFINED_ORDER) === true };
}

/** parquet.thrift, ColumnOrder. */
const TYPE_DEFINED_ORDER = 1;

function readRowGroup(
  group: ThriftStruct,
  orders: readonly StatisticsOrder[],
  subject: string,
): ParquetRowGroup {
  const chunks = structs(group, 1) ?? [];
  if (chunks.length !== orders.length) {
    throw corrupt(subject, `a row group has ${chunks.length} columns where the schema has ${orders.length}`);
  }
  const columns = chunks.map((chunk, i) => readColumnChunk(chunk, orders[i] as StatisticsOrder, subject));
  const starts = columns.map((chunk) => chunkStart(chunk));
  return {
    rowCount: long(group, 3) ?? 0n,
    startOffset: starts.sort((a, b) => (a < b ? -1 : 1))[0] ?? 4n,
    columns,
  };
}

/** Offset in the file of a chunk's first page. */
export function chunkStart(chunk: ParquetColumnChunk): bigint {
  const dictionary = chunk.dictionaryPageOffset;
  // Some writers leave a zero where there is no dictionary page; no page lies at offset 0, the magic does.
  return dictionary !== undefined && dictionary > 0n && dictionary < chunk.dataPageOffset
    ? dictionary
    : chunk.dataPageOffset;
}

function readColumnChunk(chunk: ThriftStruct, order: StatisticsOrder, subject: string): ParquetColumnChunk {
  const fields = structAt(chunk, 3);
  if (fields === undefined) {
    throw unsupported(
      subject,
      `${subject} keeps the metadata of a column outside its footer (encrypted or in another file).`,
    );
  }
  const statistics = structAt(fields, 12);
  return {
    valueCount: long(fields, 5) ?? 0n,
    uncompressedSize: long(fields, 6) ?? 0n,
    compressedSize: long(fields, 7) ?? 0n,
    codec: int(fields, 4) ?? 0,
    encodings: ints(fields, 2),
    dataPageOffset: long(fields, 9) ?? 0n,
    dictionaryPageOffset: long(fields, 11),
    bloomFilterOffset: long(fields, 14),
    statistics: statistics && readStatistics(statistics, order),
  };
}

function readStatistics(fields: ThriftStruct, order: StatisticsOrder): ParquetChunkStatistics {
  const bound = (current: number, old: number) =>
    (order.current ? binary(fields, current) : undefined) ?? (order.old ? binary(fields, old) : undefined);
  return {
    min: bound(6, 2),
    max: bound(5, 1),
    minExact: flag(fields, 8) ?? true,
    maxExact: flag(fields, 7) ?? true,
    nullCount: long(fields, 3),
  };
}
