import {
  chunkStart,
  codecName,
  encodingName,
  type ParquetChunkStatistics,
  type ParquetColumn,
  type ParquetColumnChunk,
  type ParquetFooter,
  readFooter,
} from "sololakehouse/parquet";
import { type Bound, readBound } from "./bounds.js";

/** What the footer says of one column, in one row group or over several. */
export interface ColumnReport {
  /** The way to the column through structs, lists and maps. */
  readonly path: string;
  readonly type: string;
  /** Bytes in the file: the dictionary, and the rest. */
  readonly bytes: number;
  readonly dictionaryBytes: number;
  /** Bytes before compression. */
  readonly uncompressed: number;
  /** Values, nulls included; below a list or a map, one for each element. */
  readonly values: bigint;
  readonly nulls: bigint | undefined;
  /** Least and greatest value; none where a row group with values states none. */
  readonly lower: string | undefined;
  readonly upper: string | undefined;
  readonly codecs: readonly string[];
  readonly encodings: readonly string[];
}

export interface RowGroupReport {
  readonly rows: bigint;
  readonly bytes: number;
  readonly start: bigint;
}

export interface FileReport {
  readonly name: string;
  readonly size: number;
  readonly rows: bigint;
  readonly createdBy: string | undefined;
  readonly columns: readonly ColumnReport[];
  readonly rowGroups: readonly RowGroupReport[];
  /** Bytes of the footer with its length and both magic words. */
  readonly footerBytes: number;
  /** What is left: page indexes, Bloom filters, gaps. */
  readonly otherBytes: number;
  /** Keys that the writer left with the schema, and how long their values are. */
  readonly keys: readonly (readonly [key: string, characters: number])[];
  readonly footer: ParquetFooter;
}

/** Reads the footer of a file: its last bytes alone, whatever the size of the file. */
export async function inspectFile(name: string, file: Blob): Promise<FileReport> {
  const footer = await readFooter(
    {
      head: async (uri) => ({ uri, size: file.size, etag: "", lastModified: new Date(0) }),
      read: async (_, range) =>
        new Uint8Array(await file.slice(range?.start ?? 0, range?.end ?? file.size).arrayBuffer()),
    },
    name,
  );
  const columns = columnReports(footer);
  const footerBytes = footer.metadata.length + 12;
  const columnBytes = columns.reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    name,
    size: footer.fileSize,
    rows: footer.rowCount,
    createdBy: footer.createdBy,
    columns,
    rowGroups: footer.rowGroups.map(({ rowCount, startOffset, columns: chunks }) => ({
      rows: rowCount,
      start: startOffset,
      bytes: chunks.reduce((sum, { compressedSize }) => sum + Number(compressedSize), 0),
    })),
    footerBytes,
    otherBytes: Math.max(0, footer.fileSize - footerBytes - columnBytes),
    keys: [...footer.keyValueMetadata].map(([key, value]) => [key, value.length]),
    footer,
  };
}

/** Each leaf column, in the order of the file. @param group index of one row group; all when left out. */
export function columnReports(footer: ParquetFooter, group?: number): ColumnReport[] {
  const groups = group === undefined ? footer.rowGroups : footer.rowGroups.slice(group, group + 1);
  return footer.columns.map((column, index) => {
    const chunks = groups.flatMap(({ columns }) => columns[index] ?? []);
    const sum = (size: (chunk: ParquetColumnChunk) => bigint) =>
      chunks.reduce((total, chunk) => total + size(chunk), 0n);
    const nulls = chunks.map(({ statistics }) => statistics?.nullCount);
    const filled = chunks.filter(
      ({ valueCount, statistics }) => valueCount > 0n && statistics?.nullCount !== valueCount,
    );
    const statistics = filled.map((chunk) => chunk.statistics);
    return {
      path: column.path.join("."),
      type: typeText(column),
      bytes: Number(sum(({ compressedSize }) => compressedSize)),
      dictionaryBytes: Number(sum((chunk) => chunk.dataPageOffset - chunkStart(chunk))),
      uncompressed: Number(sum(({ uncompressedSize }) => uncompressedSize)),
      values: sum(({ valueCount }) => valueCount),
      nulls: nulls.every((count) => count !== undefined)
        ? nulls.reduce((total, count) => total + count, 0n)
        : undefined,
      lower: extreme(column, statistics, "min")?.text,
      upper: extreme(column, statistics, "max")?.text,
      codecs: [...new Set(chunks.map(({ codec }) => codecName(codec)))],
      encodings: [...new Set(chunks.flatMap(({ encodings }) => encodings.map(encodingName)))],
    };
  });
}

/** The outermost bound, if every chunk states one. */
function extreme(
  { node }: ParquetColumn,
  statistics: readonly (ParquetChunkStatistics | undefined)[],
  side: "min" | "max",
): Bound | undefined {
  let best: Bound | undefined;
  for (const chunk of statistics) {
    const bytes = chunk?.[side];
    const exact = side === "min" ? chunk?.minExact : chunk?.maxExact;
    const bound = bytes && readBound(node, bytes, exact);
    if (!bound) return undefined;
    if (!best || (side === "min" ? bound.order < best.order : bound.order > best.order)) best = bound;
  }
  return best;
}

/** `INT64 timestamp (micros, UTC)`, `optional`. */
function typeText({ node, repeated }: ParquetColumn): string {
  const { physicalType, logicalType: type, typeLength, repetition } = node;
  const physical = typeLength === undefined ? physicalType : `${physicalType}(${typeLength})`;
  const logical = () => {
    switch (type?.kind) {
      case undefined:
        return [];
      case "decimal":
        return [`decimal(${type.precision}, ${type.scale})`];
      case "timestamp":
        return [`timestamp (${type.unit}${type.adjustedToUtc ? ", UTC" : ""})`];
      case "time":
        return [`time (${type.unit})`];
      case "int":
        return [`${type.signed ? "int" : "uint"}${type.bits}`];
      default:
        return [type?.kind ?? ""];
    }
  };
  const rules = repeated ? ["repeated"] : repetition === "optional" ? ["optional"] : [];
  return [physical, ...logical(), ...rules].join(" ");
}
