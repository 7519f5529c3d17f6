import type { ColumnMetrics, ParquetStat } from "../../../parquet/index.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import { invalidProperty, textProperty } from "../../model/metadata/properties.js";
import type { TableMetadata } from "../../model/metadata/types.js";
import type { SortOrder } from "../../model/partitioning/types.js";
import { allFields, fieldName, locateById } from "../../model/schema/lookup.js";
import { isFloat, isOpaque, isPrimitiveType } from "../../model/types/type-text.js";
import type { FieldId, PrimitiveType, PrimitiveValue, Schema } from "../../model/types/types.js";
import { uuidFromBytes } from "../../model/values/bytes.js";
import { canonicalValue } from "../../model/values/canonical.js";
import { toBinary } from "../../model/values/single-value.js";

/** How much a data file's entry keeps of a column: nothing, counts, counts and cut bounds, counts and whole bounds. */
export type MetricsMode =
  | { readonly mode: "none" | "counts" | "full" }
  | { readonly mode: "truncate"; readonly length: number };

/** The mode of each leaf column, by field id. */
export type MetricsConfig = ReadonlyMap<FieldId, MetricsMode>;

const SORTED_COLUMN: MetricsMode = { mode: "truncate", length: 16 };

/** @throws LakehouseError INVALID_METADATA for text that is no mode. */
export function parseMetricsMode(text: string, property: string): MetricsMode {
  const lower = text.trim().toLowerCase();
  if (lower === "none" || lower === "counts" || lower === "full") return { mode: lower };
  const length = Number(/^truncate\((\d+)\)$/.exec(lower)?.[1]);
  if (length > 0) return { mode: "truncate", length };
  throw invalidProperty(property, "none, counts, truncate(n) or full", text);
}

/**
 * The modes that the properties `write.metadata.metrics.*` give. Without a default of the table's own, only the first
 * columns get one (`write.metadata.metrics.max-inferred-column-defaults`); a sorted column always keeps its bounds,
 * for they are what makes sorting worth it.
 */
export function metricsConfig(metadata: TableMetadata, schema: Schema, order: SortOrder): MetricsConfig {
  const key = "write.metadata.metrics.default";
  const fallback = parseMetricsMode(textProperty(metadata, key), key);
  const inferred = metadata.properties[key] === undefined;
  const limit = Number(textProperty(metadata, "write.metadata.metrics.max-inferred-column-defaults"));
  const sorted = new Set(order.fields.map((field) => field.sourceIds[0]));
  const config = new Map<FieldId, MetricsMode>();
  let leaves = 0;
  for (const { field, name } of allFields(schema)) {
    if (!isPrimitiveType(field.type)) continue;
    leaves += 1;
    const property = `write.metadata.metrics.column.${name}`;
    const own = metadata.properties[property];
    let mode =
      own !== undefined ? parseMetricsMode(own, property) : inferred && leaves > limit ? NONE : fallback;
    if (own === undefined && sorted.has(field.id) && (mode.mode === "none" || mode.mode === "counts"))
      mode = SORTED_COLUMN;
    config.set(field.id, mode);
  }
  return config;
}

const NONE: MetricsMode = { mode: "none" };

type FileMetrics = Required<
  Pick<
    DataFile,
    "columnSizes" | "valueCounts" | "nullValueCounts" | "nanValueCounts" | "lowerBounds" | "upperBounds"
  >
>;

/**
 * A file's metrics as its manifest entry keeps them. Columns below lists and maps keep their sizes only: readers
 * could not tell whether their counts are of rows or of elements.
 */
export function fileMetrics(
  columns: readonly ColumnMetrics[],
  schema: Schema,
  config: MetricsConfig,
): FileMetrics {
  const metrics = {
    columnSizes: new Map<FieldId, bigint>(),
    valueCounts: new Map<FieldId, bigint>(),
    nullValueCounts: new Map<FieldId, bigint>(),
    nanValueCounts: new Map<FieldId, bigint>(),
    lowerBounds: new Map<FieldId, Uint8Array>(),
    upperBounds: new Map<FieldId, Uint8Array>(),
  };
  for (const column of columns) {
    const id = column.fieldId;
    metrics.columnSizes.set(id, column.columnSize);
    const mode = config.get(id) ?? NONE;
    const located = locateById(schema, id);
    if (mode.mode === "none" || column.repeated || located === undefined) continue;
    const type = located.field.type;
    if (!isPrimitiveType(type)) continue;
    metrics.valueCounts.set(id, column.valueCount);
    if (column.nullCount !== undefined) metrics.nullValueCounts.set(id, column.nullCount);
    if (isFloat(type) && column.nanCount !== undefined) metrics.nanValueCounts.set(id, column.nanCount);
    if (mode.mode === "counts" || isOpaque(type)) continue;
    const length = mode.mode === "truncate" && isCut(type) ? mode.length : undefined;
    const subject = fieldName(schema, id) ?? String(id);
    const lower = column.lower && lowerBound(canonicalStat(type, column.lower, subject), length);
    const upper = column.upper && upperBound(canonicalStat(type, column.upper, subject), length);
    if (lower !== undefined) metrics.lowerBounds.set(id, toBinary(type, lower));
    if (upper !== undefined) metrics.upperBounds.set(id, toBinary(type, upper));
  }
  return metrics;
}

/** Only text and binary have bounds that are cut: a part of a uuid or of fixed bytes is no value of the type. */
function isCut(type: PrimitiveType): boolean {
  return type.type === "string" || type.type === "binary";
}

function canonicalStat(type: PrimitiveType, stat: ParquetStat, subject: string): PrimitiveValue {
  const { value } = stat;
  if (type.type === "uuid" && value instanceof Uint8Array) return uuidFromBytes(value);
  if (type.type === "decimal") return BigInt(value as bigint);
  if (
    (type.type === "long" || type.type === "time" || type.type.startsWith("timestamp")) &&
    typeof value === "number"
  ) {
    return BigInt(value);
  }
  const canonical =
    value instanceof Uint8Array || typeof value !== "object" ? value : canonicalValue(type, value);
  if (canonical === undefined) throw new TypeError(`statistics of ${subject} are no ${type.type}`);
  return canonical;
}

function lowerBound(value: PrimitiveValue, length: number | undefined): PrimitiveValue {
  if (length === undefined) return value;
  if (typeof value === "string") return [...take(value, length)].join("");
  if (value instanceof Uint8Array) return value.subarray(0, length);
  return value;
}

function* take(text: string, count: number): Iterable<string> {
  let taken = 0;
  for (const point of text) {
    if (taken++ === count) return;
    yield point;
  }
}

/** The shortest text or binary of that length above every value with its prefix; `undefined` where there is none. */
function upperBound(value: PrimitiveValue, length: number | undefined): PrimitiveValue | undefined {
  if (length === undefined) return value;
  if (typeof value === "string") return truncateStringUp(value, length);
  if (value instanceof Uint8Array) return truncateBinaryUp(value, length);
  return value;
}

function truncateStringUp(text: string, length: number): string | undefined {
  const points = [...take(text, length + 1)];
  if (points.length <= length) return text;
  points.pop();
  for (let i = points.length - 1; i >= 0; i--) {
    let next = ((points[i] as string).codePointAt(0) as number) + 1;
    if (next >= 0xd800 && next <= 0xdfff) next = 0xe000; // surrogates are no characters
    if (next <= 0x10ffff) return points.slice(0, i).join("") + String.fromCodePoint(next);
  }
  return undefined;
}

function truncateBinaryUp(bytes: Uint8Array, length: number): Uint8Array | undefined {
  if (bytes.length <= length) return bytes;
  for (let i = length - 1; i >= 0; i--) {
    if ((bytes[i] as number) < 0xff) {
      const bound = bytes.slice(0, i + 1);
      bound[i] = (bound[i] as number) + 1;
      return bound;
    }
  }
  return undefined;
}
