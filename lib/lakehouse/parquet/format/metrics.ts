import type { ParquetChunkStatistics, ParquetFooter } from "./footer.js";
import {
  bytesMean,
  type ParquetColumn,
  type ParquetLogicalType,
  type ParquetPhysicalType,
} from "./schema.js";

/**
 * One bound of a column. The value in JavaScript: boolean; number for INT32, FLOAT and DOUBLE; bigint for INT64 and,
 * unscaled, for every decimal; string for text; Uint8Array for other byte arrays. Dates are days, times and
 * timestamps counts of the logical type's unit since the epoch.
 */
export interface ParquetStat {
  readonly value: boolean | number | bigint | string | Uint8Array;
  readonly physicalType: ParquetPhysicalType;
  readonly logicalType?: ParquetLogicalType | undefined;
  /** False where the writer shortened it: still a bound, but no value of the column. */
  readonly exact: boolean;
}

/** What the footer proves of one leaf column, over all row groups. */
export interface ColumnMetrics {
  readonly fieldId: number;
  /** Bytes in the file. */
  readonly columnSize: bigint;
  /** Values, nulls and NaNs included; below a list or map, one per element. */
  readonly valueCount: bigint;
  readonly nullCount?: bigint | undefined;
  readonly nanCount?: bigint | undefined;
  readonly lower?: ParquetStat | undefined;
  readonly upper?: ParquetStat | undefined;
  /** True below a list or a map. */
  readonly repeated: boolean;
}

/**
 * Metrics of every leaf column that has a field id, in file order. A bound is given only when the footer proves it:
 * every row group with a non-null value must state one, none may be NaN, and a zero is widened to the zero of the
 * outward sign, since writers disagree on -0 (parquet.thrift, ColumnOrder).
 *
 * @param nanCounts NaN values by field id, counted by the writer: footers do not have them.
 */
export function columnMetrics(
  footer: ParquetFooter,
  nanCounts: ReadonlyMap<number, bigint> = new Map(),
): ColumnMetrics[] {
  const metrics: ColumnMetrics[] = [];
  footer.columns.forEach((column, index) => {
    const { fieldId } = column.node;
    if (fieldId === undefined) return;
    let columnSize = 0n;
    let valueCount = 0n;
    let nullCount: bigint | undefined = 0n;
    const bounds: (ParquetChunkStatistics | undefined)[] = [];
    for (const group of footer.rowGroups) {
      const chunk = group.columns[index];
      if (!chunk) continue;
      columnSize += chunk.compressedSize;
      if (chunk.valueCount === 0n) continue;
      valueCount += chunk.valueCount;
      const nulls = chunk.statistics?.nullCount;
      nullCount = nullCount === undefined || nulls === undefined ? undefined : nullCount + nulls;
      if (nulls === undefined || nulls < chunk.valueCount) bounds.push(chunk.statistics);
    }
    metrics.push({
      fieldId,
      columnSize,
      valueCount,
      repeated: column.repeated,
      nullCount,
      nanCount: nanCounts.get(fieldId),
      lower: mergeBounds(column, bounds, "min"),
      upper: mergeBounds(column, bounds, "max"),
    });
  });
  return metrics;
}

/** Where each row group starts, in bytes from the start of the file: the points where a reader may split it. */
export function splitOffsets(footer: ParquetFooter): bigint[] {
  return footer.rowGroups.map((group) => group.startOffset).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

function mergeBounds(
  column: ParquetColumn,
  statistics: readonly (ParquetChunkStatistics | undefined)[],
  side: "min" | "max",
): ParquetStat | undefined {
  let best: { order: Comparable; bytes: Uint8Array; exact: boolean } | undefined;
  for (const stats of statistics) {
    const bytes = stats?.[side];
    if (!stats || !bytes) return undefined;
    const order = comparable(column, bytes);
    if (order === undefined || Number.isNaN(order)) return undefined;
    const sign = best ? compare(order, best.order) : 0;
    if (!best || (side === "min" ? sign < 0 : sign > 0)) {
      best = { order, bytes, exact: side === "min" ? stats.minExact : stats.maxExact };
    }
  }
  if (!best) return undefined;
  const value = statValue(column, best.order, best.bytes, side, best.exact);
  if (value === undefined) return undefined;
  const { physicalType, logicalType } = column.node;
  return { value, physicalType, logicalType, exact: best.exact };
}

type Comparable = boolean | number | bigint | Uint8Array;

/** The bound in a form that compares as the column's own order does; `undefined` where that order is not defined. */
function comparable(column: ParquetColumn, bytes: Uint8Array): Comparable | undefined {
  const { physicalType, logicalType } = column.node;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isDecimal = logicalType?.kind === "decimal";
  const unsigned = logicalType?.kind === "int" && !logicalType.signed;
  switch (physicalType) {
    case "BOOLEAN":
      return bytes.length === 1 ? bytes[0] === 1 : undefined;
    case "INT32":
      if (bytes.length !== 4) return undefined;
      if (isDecimal) return BigInt(view.getInt32(0, true));
      return unsigned ? view.getUint32(0, true) : view.getInt32(0, true);
    case "INT64":
      if (bytes.length !== 8) return undefined;
      return unsigned ? view.getBigUint64(0, true) : view.getBigInt64(0, true);
    case "FLOAT":
      return bytes.length === 4 ? view.getFloat32(0, true) : undefined;
    case "DOUBLE":
      return bytes.length === 8 ? view.getFloat64(0, true) : undefined;
    case "BYTE_ARRAY":
    case "FIXED_LEN_BYTE_ARRAY":
      if (isDecimal) return bytes.length > 0 ? bigEndian(bytes) : undefined;
      // Half floats and intervals lie in byte arrays too, but their bytes do not sort as their values do.
      return bytesMean(logicalType) === "unsorted" ? undefined : bytes;
    case "INT96":
      return undefined;
  }
}

function compare(a: Comparable, b: Comparable): number {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function statValue(
  column: ParquetColumn,
  order: Comparable,
  bytes: Uint8Array,
  side: "min" | "max",
  exact: boolean,
): ParquetStat["value"] | undefined {
  if (order === 0) return isFloat(column) ? (side === "min" ? -0 : 0) : 0;
  if (!(order instanceof Uint8Array)) return order;
  if (bytesMean(column.node.logicalType) !== "text") return bytes.slice();
  // A writer that shortens by bytes may cut a character in two. Dropping the rest of it keeps a lower bound low
  // enough, but would make an upper bound too low, so that one is given up.
  for (let cut = 0; cut <= (exact || side === "max" ? 0 : 3); cut++) {
    try {
      return strictUtf8.decode(bytes.subarray(0, Math.max(0, bytes.length - cut)));
    } catch {
      // Not a character's end: try one byte less.
    }
  }
  return undefined;
}

function isFloat(column: ParquetColumn): boolean {
  return column.node.physicalType === "FLOAT" || column.node.physicalType === "DOUBLE";
}

/** A two's-complement integer, most significant byte first, as decimals are stored. */
export function bigEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return BigInt.asIntN(bytes.length * 8, value);
}
