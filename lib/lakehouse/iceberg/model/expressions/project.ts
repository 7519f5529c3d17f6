import { transformFunction } from "../partitioning/apply.js";
import { partitionFieldType } from "../partitioning/spec.js";
import { canTransform, sameTransform } from "../partitioning/transform.js";
import type { PartitionField, PartitionSpec, Transform } from "../partitioning/types.js";
import type { PrimitiveType, PrimitiveValue, Schema } from "../types/types.js";
import { comparatorOf } from "../values/compare.js";
import { boundAnd, boundOr, mapPredicates, negate, negatePredicate } from "./negate.js";
import type {
  BoundComparisonPredicate,
  BoundExpression,
  BoundPredicate,
  BoundSetPredicate,
  BoundTerm,
} from "./types.js";

const TRUE: BoundExpression = { type: "true" };

/** A projection from rows to partition tuples: an expression over partition fields. */
export type Projection = (expression: BoundExpression) => BoundExpression;

/**
 * The inclusive projection: true of the partition of every row that matches. Files whose partition it is not true of
 * hold no match (spec, "Scan Planning").
 */
export function inclusiveProjection(spec: PartitionSpec, schema: Schema): Projection {
  const project = projector(spec, schema);
  return (expression) =>
    mapPredicates(expression, (predicate) =>
      project(predicate).reduce((all, each) => boundAnd(all, each), TRUE),
    );
}

/**
 * The strict projection: where it is true of a partition, every row of the partition matches. It is the opposite of the
 * inclusive projection of the opposite: nothing in the partition can fail. Null rows make null partitions, which keep it unknown.
 */
export function strictProjection(spec: PartitionSpec, schema: Schema): Projection {
  const project = projector(spec, schema);
  return (expression) =>
    mapPredicates(expression, (predicate) =>
      project(negatePredicate(predicate)).reduce((any, each) => boundOr(any, negate(each)), {
        type: "false",
      } as BoundExpression),
    );
}

/** For each partition field of a predicate's column, what the predicate says of that field; fields it says nothing of are left out. */
function projector(spec: PartitionSpec, schema: Schema): (predicate: BoundPredicate) => BoundExpression[] {
  const bySource = new Map<number, PartitionField[]>();
  for (const field of spec.fields) {
    if (field.sourceIds.length > 1) continue;
    const fields = bySource.get(field.sourceIds[0]) ?? [];
    bySource.set(field.sourceIds[0], [...fields, field]);
  }
  return (predicate) => {
    const result: BoundExpression[] = [];
    for (const field of bySource.get(predicate.term.field.id) ?? []) {
      const projected = projectOne(predicate, field, partitionTerm(field, schema));
      if (projected !== undefined) result.push(projected);
    }
    return result;
  };
}

function partitionTerm(field: PartitionField, schema: Schema): BoundTerm {
  const type = partitionFieldType(field, schema);
  const nested = { id: field.fieldId as number, name: field.name, required: false, type };
  const transform: Transform = { transform: "identity" };
  return {
    field: nested,
    path: [field.name],
    name: field.name,
    transform,
    type,
    optional: true,
    sourceType: type,
  };
}

function projectOne(
  predicate: BoundPredicate,
  field: PartitionField,
  term: BoundTerm,
): BoundExpression | undefined {
  const { transform } = field;
  if (transform.transform === "void" || transform.transform === "unknown" || term.type.type === "unknown")
    return undefined;
  if (predicate.term.transform.transform !== "identity") {
    // A predicate on the very transform that partitions is one on the partition value.
    return sameTransform(predicate.term.transform, transform) ? { ...predicate, term } : undefined;
  }
  if (transform.transform === "identity") return { ...predicate, term };
  if (!canTransform(transform, predicate.term.sourceType)) return undefined;
  switch (predicate.type) {
    // A value is null exactly where its transform is.
    case "is-null":
    case "not-null":
      return { type: predicate.type, term };
    case "is-nan":
    case "not-nan":
    case "not-in":
    case "not-eq":
      return undefined;
    case "in":
      return projectSet(predicate as BoundSetPredicate, transform, term);
    case "starts-with":
    case "not-starts-with":
      return projectPrefix(predicate as BoundComparisonPredicate, transform, term);
    default:
      return projectComparison(predicate as BoundComparisonPredicate, transform, term);
  }
}

function projectSet(predicate: BoundSetPredicate, transform: Transform, term: BoundTerm): BoundExpression {
  const apply = transformFunction(transform, predicate.term.sourceType);
  const values = predicate.values.flatMap((value) =>
    equalResults(transform, predicate.term.type, apply(value) as PrimitiveValue),
  );
  return inSet(term, values);
}

function inSet(term: BoundTerm, values: readonly PrimitiveValue[]): BoundExpression {
  const compare = comparatorOf(term.type);
  const sorted = [...values].sort(compare);
  const distinct = sorted.filter((value, i) => i === 0 || compare(sorted[i - 1]!, value) !== 0);
  return distinct.length === 1
    ? { type: "eq", term, value: distinct[0]! }
    : { type: "in", term, values: distinct };
}

function isTime(transform: Transform): boolean {
  const name = transform.transform;
  return name === "year" || name === "month" || name === "day" || name === "hour";
}

/**
 * Old writers rounded times before 1970 up instead of down, so a file of theirs may be filed one unit later than it should:
 * for negative results the next one counts too. Days of dates were never wrong.
 */
function misfiled(transform: Transform, source: PrimitiveType, result: PrimitiveValue): boolean {
  if (!isTime(transform) || (source.type === "date" && transform.transform === "day")) return false;
  return (result as number) < 0;
}

function equalResults(transform: Transform, source: PrimitiveType, result: PrimitiveValue): PrimitiveValue[] {
  return misfiled(transform, source, result) ? [result, (result as number) + 1] : [result];
}

/** The value one unit below or above, where the type counts in units and has it; else the value itself, which is never wrong, only wider. */
function neighbour(type: PrimitiveType, value: PrimitiveValue, step: 1 | -1): PrimitiveValue {
  if (typeof value === "bigint") {
    const next = value + BigInt(step);
    return type.type === "decimal" || BigInt.asIntN(64, next) === next ? next : value;
  }
  if (typeof value === "number") {
    const next = value + step;
    return Math.abs(next) <= 0x7fffffff ? next : value;
  }
  return value;
}

function projectComparison(
  predicate: BoundComparisonPredicate,
  transform: Transform,
  term: BoundTerm,
): BoundExpression | undefined {
  const source = predicate.term.type;
  const apply = transformFunction(transform, source);
  const result = (value: PrimitiveValue) => apply(value) as PrimitiveValue;
  if (predicate.type === "eq") return inSet(term, equalResults(transform, source, result(predicate.value)));
  if (transform.transform === "bucket") return undefined;
  const wrapped = wrappedResult(source, transform, result);
  switch (predicate.type) {
    // x < v is x <= v - 1, and the transform keeps order.
    case "lt":
    case "lt-eq": {
      const value = result(
        predicate.type === "lt" ? neighbour(source, predicate.value, -1) : predicate.value,
      );
      const bound = misfiled(transform, source, value) ? (value as number) + 1 : value;
      const below: BoundExpression = { type: "lt-eq", term, value: bound };
      return wrapped === undefined ? below : boundOr(below, { type: "eq", term, value: wrapped });
    }
    case "gt":
    case "gt-eq": {
      const value = result(predicate.type === "gt" ? neighbour(source, predicate.value, 1) : predicate.value);
      return wrapped !== undefined && value === wrapped ? undefined : { type: "gt-eq", term, value };
    }
    default:
      return undefined;
  }
}

/**
 * Truncating an integer next to the lowest one goes below it and wraps around: those few values have a result above
 * all others. `undefined` where the width divides the range, so that nothing wraps.
 */
function wrappedResult(
  source: PrimitiveType,
  transform: Transform,
  result: (value: PrimitiveValue) => PrimitiveValue,
): PrimitiveValue | undefined {
  if (transform.transform !== "truncate" || (source.type !== "int" && source.type !== "long"))
    return undefined;
  const lowest = source.type === "int" ? -(2 ** 31) : -(2n ** 63n);
  const value = result(lowest);
  return value === lowest ? undefined : value;
}

function projectPrefix(
  predicate: BoundComparisonPredicate,
  transform: Transform,
  term: BoundTerm,
): BoundExpression | undefined {
  if (transform.transform !== "truncate") return undefined;
  const prefix = predicate.value as string;
  const length = [...prefix].length;
  // Within the width, the cut text has the prefix exactly where the whole text has it.
  if (length < transform.width) return { type: predicate.type, term, value: prefix };
  if (length === transform.width) {
    return { type: predicate.type === "starts-with" ? "eq" : "not-eq", term, value: prefix };
  }
  if (predicate.type === "not-starts-with") return undefined;
  return {
    type: "eq",
    term,
    value: transformFunction(transform, predicate.term.type)(prefix) as PrimitiveValue,
  };
}
