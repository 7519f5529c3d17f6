import type { FieldSummary, FileBrief } from "../metadata/manifest-types.js";
import { partitionFieldType } from "../partitioning/spec.js";
import type { PartitionSpec } from "../partitioning/types.js";
import { definitionOf } from "../transforms/table.js";
import { isFloat, isOpaque, isPrimitiveType } from "../types/type-text.js";
import type { PrimitiveType, PrimitiveValue, Schema } from "../types/types.js";
import { comparatorOf } from "../values/compare.js";
import { type Bounds, boundFromBinary, boundsFromBinary } from "../values/single-value.js";
import { type ColumnStats, mightMatch, mustMatch, unknownStats } from "./column-stats.js";
import { testPredicates } from "./negate.js";
import type { BoundExpression, BoundTerm } from "./types.js";

/** What pruning by columns needs of a file. */
export type FileMetrics = Pick<
  FileBrief,
  "recordCount" | "valueCounts" | "nullValueCounts" | "nanValueCounts" | "lowerBounds" | "upperBounds"
>;

/** What a file's metrics prove of a term's values. What it gives serves until the next call: there are many files. */
function fileStats(): (term: BoundTerm, file: FileMetrics) => ColumnStats {
  const known = new Map<BoundTerm, FileStats>();
  return (term, file) => {
    const type = term.sourceType;
    if (!isPrimitiveType(type)) return unknownStats(term.type);
    let source = known.get(term);
    if (source === undefined) {
      source = new FileStats(term.field.id, type);
      known.set(term, source);
    }
    source.file = file;
    return term.transform.transform === "identity" ? source : transformedStats(term, type, source);
  };
}

/** Reads a metric when it is asked for: a test is often decided by one bound. */
class FileStats implements ColumnStats {
  readonly #id: number;
  readonly #type: PrimitiveType;
  readonly #opaque: boolean;
  file: FileMetrics = { recordCount: 0n };

  constructor(id: number, type: PrimitiveType) {
    this.#id = id;
    this.#type = type;
    this.#opaque = isOpaque(type);
  }

  get mayBeNull(): boolean {
    return this.file.nullValueCounts?.get(this.#id) !== 0n;
  }

  get #nans(): bigint | undefined {
    return isFloat(this.#type) ? this.file.nanValueCounts?.get(this.#id) : 0n;
  }

  get mayBeNaN(): boolean {
    return this.#nans !== 0n;
  }

  get mayBeValue(): boolean {
    const nulls = this.file.nullValueCounts?.get(this.#id);
    const values = this.file.valueCounts?.get(this.#id) ?? this.file.recordCount;
    return nulls === undefined || nulls + (this.#nans ?? 0n) < values;
  }

  get lower(): PrimitiveValue | undefined {
    if (this.#opaque) return undefined;
    if (this.#type.type === "uuid") return this.#both.lower;
    return boundFromBinary(this.#type, this.file.lowerBounds?.get(this.#id));
  }

  get upper(): PrimitiveValue | undefined {
    if (this.#opaque) return undefined;
    if (this.#type.type === "uuid") return this.#both.upper;
    return boundFromBinary(this.#type, this.file.upperBounds?.get(this.#id));
  }

  /** Where what one says depends on the other. */
  get #both(): Bounds {
    const { lowerBounds, upperBounds } = this.file;
    return boundsFromBinary(this.#type, lowerBounds?.get(this.#id), upperBounds?.get(this.#id));
  }
}

/** Of a transform that keeps order, the transformed bounds are bounds of the transformed values. */
function transformedStats(term: BoundTerm, type: PrimitiveType, source: ColumnStats): ColumnStats {
  const definition = definitionOf(term.transform);
  const apply = definition.apply(term.transform, type);
  // Null for all.
  if (apply === undefined) return { mayBeNull: true, mayBeNaN: false, mayBeValue: false };
  const stats = { mayBeNull: source.mayBeNull, mayBeNaN: false, mayBeValue: source.mayBeValue };
  if (!definition.preservesOrder) return stats;
  const bound = (value: PrimitiveValue | undefined) => (value === undefined ? undefined : apply(value));
  const lower = bound(source.lower);
  const upper = bound(source.upper);
  // Where they wrapped around, the results are not between the transformed bounds.
  if (definition.preservesOrder === "except-wrapped") {
    if (lower === undefined || upper === undefined || comparatorOf(term.type)(lower, upper) > 0) return stats;
  }
  return { ...stats, lower, upper };
}

/**
 * Tests files by their column metrics: false only when no row of the file can match. NaN counts where the metrics do
 * not exclude it, since it is above every number.
 */
export function inclusiveMetricsEvaluator(expression: BoundExpression): (file: FileMetrics) => boolean {
  const stats = fileStats();
  // The count comes last: it has to be decoded, and most files are left out for a bound.
  return (file) =>
    testPredicates(expression, (predicate) => mightMatch(predicate, stats(predicate.term, file))) &&
    file.recordCount !== 0n;
}

/** Tests files by their column metrics: true only when every row of the file matches. */
export function strictMetricsEvaluator(expression: BoundExpression): (file: FileMetrics) => boolean {
  const stats = fileStats();
  return (file) =>
    file.recordCount === 0n ||
    testPredicates(expression, (predicate) => mustMatch(predicate, stats(predicate.term, file)));
}

/** What a manifest's summary proves of a partition field. Without bounds every value is null or NaN (spec, "Manifest Lists"). */
function summaryStats(type: PrimitiveType, summary: FieldSummary | undefined): ColumnStats {
  if (summary === undefined) return unknownStats(type);
  const { lowerBound, upperBound } = summary;
  return {
    mayBeNull: summary.containsNull,
    mayBeNaN: isFloat(type) && summary.containsNan !== false,
    mayBeValue: lowerBound !== undefined || upperBound !== undefined,
    ...boundsFromBinary(type, lowerBound, upperBound),
  };
}

/**
 * Tests manifests by their partition summaries against a projection on the manifest's spec: false only when no file of the
 * manifest can match. Without summaries nothing is excluded.
 */
export function manifestEvaluator(
  projection: BoundExpression,
  spec: PartitionSpec,
  schema: Schema,
): (partitions: readonly FieldSummary[] | undefined) => boolean {
  const types = spec.fields.map((field) => partitionFieldType(field, schema));
  const positions = new Map(spec.fields.map((field, i) => [field.fieldId as number, i]));
  return (partitions) => {
    if (partitions === undefined) return true;
    return testPredicates(projection, (predicate) => {
      const position = positions.get(predicate.term.field.id);
      if (position === undefined) return true;
      return mightMatch(predicate, summaryStats(types[position]!, partitions[position]));
    });
  };
}
