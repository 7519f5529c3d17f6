import type { AsyncBuffer, FileMetaData } from "hyparquet";
import { invalidArgument, LakehouseError } from "../errors.js";
import { keyOf } from "../keys.js";
import type { ObjectStore } from "../storage/index.js";
import { decompressors } from "./format/codecs.js";
import { corrupt } from "./format/corrupt.js";
import { type ParquetFooter, readFooter } from "./format/footer.js";
import { bigEndian } from "./format/metrics.js";
import { bytesMean, type ParquetColumn } from "./format/schema.js";

/**
 * A value of a leaf column: boolean; number for INT32, FLOAT and DOUBLE; bigint for INT64, INT96 (nanoseconds) and,
 * unscaled, for decimals; string for text; Uint8Array for the rest. Dates are days, times and timestamps counts of
 * the logical type's unit since the epoch. Null where there is none.
 */
export type ParquetValue = boolean | number | bigint | string | Uint8Array | null;

export interface ParquetColumnData {
  readonly column: ParquetColumn;
  /** One value per row, in row order. */
  readonly values: readonly ParquetValue[];
}

export interface ParquetData {
  readonly rowCount: number;
  /** The leaf columns asked for, in file order. */
  readonly columns: readonly ParquetColumnData[];
}

export interface ReadParquetOptions {
  /** Field ids, or dot-separated paths, of leaf columns. Default: every leaf that is not below a list or a map. */
  readonly columns?: readonly (number | string)[];
  /** Indexes of row groups to read. Default: all. */
  readonly rowGroups?: readonly number[];
  /** A footer read before saves a read. */
  readonly footer?: ParquetFooter;
}

/** Files up to this length are read in one request. */
const WHOLE_FILE_BYTES = 4 * 1024 * 1024;

/**
 * Reads columns of one Parquet file into arrays, every value exact. For small files: delete files, statistics, tests;
 * it is a tenth as fast as the query engine. Columns below lists and maps have no value per row and are not read.
 *
 * @throws LakehouseError CORRUPT_FILE; OBJECT_NOT_FOUND; INVALID_ARGUMENT for a column that the file does not have.
 */
export async function readParquet(
  store: ObjectStore,
  uri: string,
  options: ReadParquetOptions = {},
): Promise<ParquetData> {
  const footer = options.footer ?? (await readFooter(store, uri));
  const selected = selectColumns(footer, options.columns, uri);
  const groups = options.rowGroups ?? footer.rowGroups.map((_, i) => i);
  const file = await asyncBuffer(store, uri, footer.fileSize);
  const { parquetRead } = await import("hyparquet");
  const metadata = await rawMetadata(footer);
  const values = selected.map((): ParquetValue[] => []);
  const names = [...new Set(selected.map((column) => column.path[0] ?? ""))];
  const places = new Map(selected.map((column, i) => [keyOf(column.path), i]));
  for (const group of groups) {
    const rowCount = Number(footer.rowGroups[group]?.rowCount ?? 0n);
    if (rowCount === 0 || selected.length === 0) continue;
    const rowStart = footer.rowGroups
      .slice(0, group)
      .reduce((sum, { rowCount: rows }) => sum + Number(rows), 0);
    const parts = selected.map(() => new Array<unknown>(rowCount).fill(null));
    try {
      await parquetRead({
        file,
        metadata,
        columns: names,
        rowStart,
        rowEnd: rowStart + rowCount,
        utf8: false,
        compressors: decompressors,
        parsers: { timestampFromNanoseconds: (nanos) => nanos },
        onPage: (page) => {
          const part = parts[places.get(keyOf(page.pathInSchema)) ?? -1];
          for (let i = 0; part && i < page.columnData.length; i++) {
            part[page.rowStart - rowStart + i] = page.columnData[i];
          }
        },
      });
    } catch (cause) {
      if (cause instanceof LakehouseError) throw cause;
      throw corrupt(uri, `row group ${group}: ${cause instanceof Error ? cause.message : cause}`, cause);
    }
    selected.forEach((column, i) => {
      const convert = converter(column);
      const target = values[i];
      for (const part of parts[i] ?? []) {
        // The decoder wraps a value in an array for each optional struct above it.
        let raw: unknown = part;
        while (Array.isArray(raw)) raw = raw[0];
        target?.push(raw === null || raw === undefined ? null : convert(raw));
      }
    });
  }
  const columns = selected.map((column, i) => ({ column, values: values[i] ?? [] }));
  const rowCount = groups.reduce((sum, group) => sum + Number(footer.rowGroups[group]?.rowCount ?? 0n), 0);
  return { rowCount, columns };
}

function selectColumns(
  footer: ParquetFooter,
  wanted: readonly (number | string)[] | undefined,
  uri: string,
): ParquetColumn[] {
  if (!wanted) return footer.columns.filter((column) => !column.repeated);
  const found = wanted.map((key) => {
    const column = footer.columns.find(({ node, path }) =>
      typeof key === "number" ? node.fieldId === key : path.join(".") === key,
    );
    if (column && !column.repeated) return column;
    throw invalidArgument(
      uri,
      `${uri} has no column ${typeof key === "number" ? `with field id ${key}` : `"${key}"`} with one value per row.`,
    );
  });
  return footer.columns.filter((column) => found.includes(column));
}

/** The footer for the decoder, with the leaves' logical types taken off: so that it gives values as they are stored. */
async function rawMetadata(footer: ParquetFooter): Promise<FileMetaData> {
  const { parquetMetadata } = await import("hyparquet");
  const file = new Uint8Array(footer.metadata.length + 8);
  file.set(footer.metadata);
  new DataView(file.buffer).setUint32(footer.metadata.length, footer.metadata.length, true);
  file.set([0x50, 0x41, 0x52, 0x31], footer.metadata.length + 4);
  const metadata = parquetMetadata(file, { geoparquet: false });
  for (const element of metadata.schema) {
    if (!element.type) continue;
    delete element.converted_type;
    delete element.logical_type;
  }
  return metadata;
}

const utf8 = new TextDecoder();

function converter({ node }: ParquetColumn): (raw: unknown) => ParquetValue {
  const kind = node.logicalType?.kind;
  if (kind === "decimal") {
    return (raw) => (raw instanceof Uint8Array ? bigEndian(raw) : BigInt(raw as number | bigint));
  }
  if (bytesMean(node.logicalType) === "text") return (raw) => utf8.decode(raw as Uint8Array);
  return (raw) => raw as ParquetValue;
}

async function asyncBuffer(store: ObjectStore, uri: string, size: number): Promise<AsyncBuffer> {
  if (size <= WHOLE_FILE_BYTES) {
    const whole = exactBuffer(await store.read(uri));
    return { byteLength: size, slice: (start, end) => whole.slice(start, end) };
  }
  return {
    byteLength: size,
    slice: async (start, end) => exactBuffer(await store.read(uri, { start, end: end ?? size })),
  };
}

function exactBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
