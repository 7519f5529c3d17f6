import { LakehouseError } from "../errors.js";
import type { ObjectStore } from "../storage/index.js";
import {
  binary,
  flag,
  int,
  leafColumns,
  long,
  type ParquetColumn,
  type ParquetNode,
  readSchemaTree,
  structs,
  text,
} from "./schema.js";
import { readThriftStruct, type ThriftStruct } from "./thrift.js";

/** Statistics of one column chunk: bounds as the file has them, in the bytes of the column's physical type. */
export interface ParquetChunkStatistics {
  readonly min?: Uint8Array;
  readonly max?: Uint8Array;
  /** False where the writer shortened the bound: still a bound, not a value of the column. */
  readonly minExact: boolean;
  readonly maxExact: boolean;
  readonly nullCount?: bigint;
}

export interface ParquetColumnChunk {
  /** Values in the chunk, nulls included; below a list or map this differs from the row count. */
  readonly valueCount: bigint;
  /** Bytes in the file, page headers included. */
  readonly compressedSize: bigint;
  readonly uncompressedSize: bigint;
  readonly dataPageOffset: bigint;
  readonly dictionaryPageOffset?: bigint;
  readonly statistics?: ParquetChunkStatistics;
}

export interface ParquetRowGroup {
  readonly rowCount: bigint;
  /** Offset in the file of the first byte of the group's first column chunk. */
  readonly startOffset: bigint;
  /** In the order of `ParquetFooter.columns`. */
  readonly columns: readonly ParquetColumnChunk[];
}

/** What the end of a Parquet file says about the rest of it. */
export interface ParquetFooter {
  readonly rowCount: bigint;
  readonly schema: ParquetNode;
  readonly columns: readonly ParquetColumn[];
  readonly rowGroups: readonly ParquetRowGroup[];
  readonly keyValueMetadata: ReadonlyMap<string, string>;
  readonly createdBy?: string;
  /** The footer as it lies in the file: the Thrift FileMetaData struct. */
  readonly metadata: Uint8Array;
}

/** Bytes read from the end at first: enough for the footer of most files, and for small files whole. */
const TAIL_BYTES = 64 * 1024;
const MAGIC = 0x31524150; // "PAR1", little-endian

/**
 * Reads the footer of one Parquet file: one ranged read from its end, two when the footer is longer than 64 KiB.
 *
 * @param size length of the object in bytes where it is known, which saves asking the store for it.
 * @throws LakehouseError OBJECT_NOT_FOUND; CORRUPT_FILE when the file is cut off, is not Parquet, or its footer
 * is damaged; UNSUPPORTED_FEATURE when the footer is encrypted.
 */
export async function readFooter(store: ObjectStore, uri: string, size?: number): Promise<ParquetFooter> {
  const length = size ?? (await sizeOf(store, uri));
  if (length < 12) throw corrupt(uri, `${length} bytes are too few for a Parquet file`);
  const start = Math.max(0, length - TAIL_BYTES);
  const tail = await store.read(uri, { start, end: length });
  if (tail.length !== length - start) throw corrupt(uri, `it should be ${length} bytes long but is shorter`);
  const footerLength = footerLengthOf(tail, length, uri);
  const footerStart = length - 8 - footerLength;
  if (footerStart >= start) {
    // A copy, so that a footer held for long does not hold the rest of the tail.
    return parseFooter(new Uint8Array(tail.subarray(footerStart - start, tail.length - 8)), uri);
  }
  const head = await store.read(uri, { start: footerStart, end: start });
  const whole = new Uint8Array(footerLength);
  whole.set(head);
  whole.set(tail.subarray(0, tail.length - 8), head.length);
  return parseFooter(whole, uri);
}

async function sizeOf(store: ObjectStore, uri: string): Promise<number> {
  const info = await store.head(uri);
  if (!info)
    throw new LakehouseError({
      code: "OBJECT_NOT_FOUND",
      subject: uri,
      message: `There is no object ${uri}.`,
    });
  return info.size;
}

function footerLengthOf(tail: Uint8Array, fileLength: number, uri: string): number {
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  const magic = view.getUint32(tail.length - 4, true);
  if (magic === 0x45524150) {
    throw new LakehouseError({
      code: "UNSUPPORTED_FEATURE",
      subject: uri,
      message: `${uri} is an encrypted Parquet file (it ends in PARE), which is not supported.`,
    });
  }
  if (magic !== MAGIC) throw corrupt(uri, "it does not end in PAR1, so it was cut off or is no Parquet file");
  const length = view.getUint32(tail.length - 8, true);
  if (length > fileLength - 12) throw corrupt(uri, `its footer says ${length} bytes, more than the file has`);
  return length;
}

/** Reads a footer from its Thrift bytes (parquet.thrift, FileMetaData). */
export function parseFooter(metadata: Uint8Array, subject: string): ParquetFooter {
  const { struct } = readThriftStruct(metadata, subject);
  const elements = structs(struct, 2);
  if (!elements || elements.length === 0) throw corrupt(subject, "its footer has no schema");
  const schema = readSchemaTree(elements, subject);
  const columns = leafColumns(schema);
  const rowGroups = (structs(struct, 4) ?? []).map((group) => readRowGroup(group, columns.length, subject));
  const createdBy = text(struct, 6);
  const keyValueMetadata = new Map<string, string>();
  for (const pair of structs(struct, 5) ?? []) keyValueMetadata.set(text(pair, 1) ?? "", text(pair, 2) ?? "");
  return {
    rowCount: long(struct, 3) ?? 0n,
    schema,
    columns,
    rowGroups,
    keyValueMetadata,
    metadata,
    ...(createdBy !== undefined && { createdBy }),
  };
}

function readRowGroup(group: ThriftStruct, columnCount: number, subject: string): ParquetRowGroup {
  const chunks = structs(group, 1) ?? [];
  if (chunks.length !== columnCount) {
    throw corrupt(subject, `a row group has ${chunks.length} columns where the schema has ${columnCount}`);
  }
  const columns = chunks.map((chunk) => readColumnChunk(chunk, subject));
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

function readColumnChunk(chunk: ThriftStruct, subject: string): ParquetColumnChunk {
  const meta = chunk.get(3);
  if (meta?.type !== "struct") {
    throw new LakehouseError({
      code: "UNSUPPORTED_FEATURE",
      subject,
      message: `${subject} keeps the metadata of a column outside its footer (encrypted or in another file).`,
    });
  }
  const fields = meta.value;
  const dictionaryPageOffset = long(fields, 11);
  const statistics = fields.get(12);
  return {
    valueCount: long(fields, 5) ?? 0n,
    uncompressedSize: long(fields, 6) ?? 0n,
    compressedSize: long(fields, 7) ?? 0n,
    dataPageOffset: long(fields, 9) ?? 0n,
    ...(dictionaryPageOffset !== undefined && { dictionaryPageOffset }),
    ...(statistics?.type === "struct" && { statistics: readStatistics(statistics.value, int(fields, 1)) }),
  };
}

function readStatistics(fields: ThriftStruct, physicalType: number | undefined): ParquetChunkStatistics {
  // The old fields `min` and `max` (2 and 1) compare bytes as signed: right for numbers, undefined for the rest.
  const oldFieldsHold = physicalType !== undefined && [0, 1, 2, 4, 5].includes(physicalType);
  const min = binary(fields, 6) ?? (oldFieldsHold ? binary(fields, 2) : undefined);
  const max = binary(fields, 5) ?? (oldFieldsHold ? binary(fields, 1) : undefined);
  const nullCount = long(fields, 3);
  return {
    minExact: flag(fields, 8) ?? true,
    maxExact: flag(fields, 7) ?? true,
    ...(min && { min }),
    ...(max && { max }),
    ...(nullCount !== undefined && { nullCount }),
  };
}

function corrupt(subject: string, why: string): LakehouseError {
  return new LakehouseError({
    code: "CORRUPT_FILE",
    subject,
    message: `${subject} cannot be read: ${why}.`,
    remedy: "Restore the object from a backup, or drop the snapshot that refers to it.",
  });
}
