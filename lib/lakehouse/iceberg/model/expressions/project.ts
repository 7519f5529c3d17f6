import { partitionFieldType } from "../partitioning/spec.js";
import type { PartitionField, PartitionSpec } from "../partitioning/types.js";
import type { Filing, PrefixFiling } from "../transforms/definition.js";
import { definitionOf } from "../transforms/table.js";
import { isIdentity, sameTransform } from "../transforms/transform.js";
import type { Transform } from "../transforms/types.js";
import { isPrimitiveType } from "../types/type-text.js";
import type { PrimitiveValue, Schema } from "../types/types.js";
import { sortDistinct } from "../values/compare.js";
import { boundAnd, boundOr, mapPredicates, negate, negatePredicate } from "./negate.js";
import type {
  BoundComparisonPredicate,
  BoundExpression,
  BoundPredicate,
  BoundTerm,
  ComparisonOperation,
  PredicateOf,
  PredicateOperation,
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
  { transform }: PartitionField,
  term: BoundTerm,
): BoundExpression | undefined {
  // Its source is no longer in the schema.
  if (term.type.type === "unknown") return undefined;
  const { project, projectResult, takes } = definitionOf(transform);
  const { sourceType, transform: asked } = predicate.term;
  const onResult = !isIdentity(asked);
  if (onResult && !sameTransform(asked, transform)) return undefined;
  const projecting = onResult ? projectResult : project;
  if (projecting === "nothing") return undefined;
  if (projecting === "same") return { ...predicate, term };
  if (!isPrimitiveType(sourceType) || !takes(sourceType)) return undefined;
  const projection = PROJECTIONS[predicate.type] as Project<PredicateOperation>;
  return projection(predicate as PredicateOf<PredicateOperation>, projecting(transform, sourceType), term);
}

type Project<Operation extends PredicateOperation> = (
  predicate: PredicateOf<Operation>,
  filing: Filing,
  term: BoundTerm,
) => BoundExpression | undefined;

/** What each operation on a value says of where its rows are filed; `undefined`: nothing. */
const PROJECTIONS: { readonly [Operation in PredicateOperation]: Project<Operation> } = {
  // A value is null exactly where its transform is.
  "is-null": ({ type }, _, term) => ({ type, term }),
  "not-null": ({ type }, _, term) => ({ type, term }),
  "is-nan": () => undefined,
  "not-nan": () => undefined,
  eq: ({ value }, filing, term) => inSet(term, filing.equal(value)),
  "not-eq": ({ value }, filing, term) => notInSet(term, [value], filing),
  in: ({ values }, filing, term) =>
    inSet(
      term,
      values.flatMap((value) => filing.equal(value)),
    ),
  "not-in": ({ values }, filing, term) => notInSet(term, values, filing),
  // x < v is x <= v - 1, and the transform keeps order.
  lt: (predicate, filing, term) => atMost(neighbour(predicate, -1), filing, term),
  "lt-eq": ({ value }, filing, term) => atMost(value, filing, term),
  gt: (predicate, filing, term) => atLeast(neighbour(predicate, 1), filing, term),
  "gt-eq": ({ value }, filing, term) => atLeast(value, filing, term),
  "starts-with": ({ value }, filing, term) => withTerm(filing.startsWith(value as string), term),
  "not-starts-with": ({ value }, filing, term) => withTerm(filing.notStartsWith(value as string), term),
};

function inSet(term: BoundTerm, values: readonly PrimitiveValue[]): BoundExpression {
  const distinct = sortDistinct(term.type, values);
  return distinct.length === 1
    ? { type: "eq", term, value: distinct[0]! }
    : { type: "in", term, values: distinct };
}

/** Leaves out the partitions that hold excluded values alone. */
function notInSet(
  term: BoundTerm,
  values: readonly PrimitiveValue[],
  filing: Filing,
): BoundExpression | undefined {
  const alone = sortDistinct(
    term.type,
    values.map((value) => filing.only(value)).filter((value) => value !== undefined),
  );
  if (alone.length === 0) return undefined;
  return alone.length === 1
    ? { type: "not-eq", term, value: alone[0]! }
    : { type: "not-in", term, values: alone };
}

function atMost(value: PrimitiveValue, filing: Filing, term: BoundTerm): BoundExpression | undefined {
  const result = filing.atMost(value);
  if (result === undefined) return undefined;
  const below: BoundExpression = { type: "lt-eq", term, value: result.bound };
  return result.also.length === 0 ? below : boundOr(below, inSet(term, result.also));
}

function atLeast(value: PrimitiveValue, filing: Filing, term: BoundTerm): BoundExpression | undefined {
  const bound = filing.atLeast(value);
  return bound === undefined ? undefined : { type: "gt-eq", term, value: bound };
}

function withTerm(
  result: PrefixFiling<ComparisonOperation> | undefined,
  term: BoundTerm,
): BoundExpression | undefined {
  return result === undefined ? undefined : { ...result, term };
}

/** The value one unit below or above, where the type counts in units and has it; else the value itself, which is never wrong, only wider. */
function neighbour({ term: { type }, value }: BoundComparisonPredicate, step: 1 | -1): PrimitiveValue {
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
