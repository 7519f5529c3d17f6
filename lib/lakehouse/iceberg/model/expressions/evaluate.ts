import type { PartitionSpec, PartitionTuple } from "../partitioning/types.js";
import { accessor } from "../schema/lookup.js";
import { transformFunction } from "../transforms/transform.js";
import { isPrimitiveType } from "../types/type-text.js";
import type { PrimitiveValue } from "../types/types.js";
import { canonicalValue } from "../values/canonical.js";
import { type Comparator, comparatorOf } from "../values/compare.js";
import { OPERATIONS } from "./operations.js";
import type { BoundExpression, BoundPredicate, BoundTerm, PredicateOf, PredicateOperation } from "./types.js";

/** True, false, or unknown (`null`): SQL's three-valued logic. */
export type Truth = boolean | null;

/** Reads a term's value, canonical and transformed, from whatever holds a row. */
export type ValueReader<Row> = (row: Row) => PrimitiveValue | null;

/** Compiles an expression to a function of a row. A comparison with null is unknown; `or` and `and` pass unknown on as SQL does. */
export function evaluator<Row>(
  expression: BoundExpression,
  reader: (term: BoundTerm) => ValueReader<Row>,
): (row: Row) => Truth {
  switch (expression.type) {
    case "true":
      return () => true;
    case "false":
      return () => false;
    case "and": {
      const left = evaluator(expression.left, reader);
      const right = evaluator(expression.right, reader);
      return (row) => {
        const a = left(row);
        if (a === false) return false;
        const b = right(row);
        return b === false ? false : a === null || b === null ? null : true;
      };
    }
    case "or": {
      const left = evaluator(expression.left, reader);
      const right = evaluator(expression.right, reader);
      return (row) => {
        const a = left(row);
        if (a === true) return true;
        const b = right(row);
        return b === true ? true : a === null || b === null ? null : false;
      };
    }
    default: {
      const read = reader(expression.term);
      const test = predicateTest(expression);
      return (row) => test(read(row));
    }
  }
}

/** The predicate as a function of its term's value. */
export function predicateTest(predicate: BoundPredicate): (value: PrimitiveValue | null) => Truth {
  const { ofNull } = OPERATIONS[predicate.type];
  const compile = TESTS[predicate.type] as Compile<PredicateOperation>;
  const compare = comparatorOf(predicate.term.type);
  const test = compile(predicate as PredicateOf<PredicateOperation>, compare);
  return (value) => (value === null ? ofNull : test(value));
}

type Compile<Operation extends PredicateOperation> = (
  predicate: PredicateOf<Operation>,
  compare: Comparator,
) => (value: PrimitiveValue) => boolean;

/** What each operation is of a value that is not null. */
const TESTS: { readonly [Operation in PredicateOperation]: Compile<Operation> } = {
  "is-null": () => () => false,
  "not-null": () => () => true,
  "is-nan": () => Number.isNaN,
  "not-nan": () => (value) => !Number.isNaN(value),
  eq:
    ({ value: literal }, compare) =>
    (value) =>
      compare(value, literal) === 0,
  "not-eq":
    ({ value: literal }, compare) =>
    (value) =>
      compare(value, literal) !== 0,
  lt:
    ({ value: literal }, compare) =>
    (value) =>
      compare(value, literal) < 0,
  "lt-eq":
    ({ value: literal }, compare) =>
    (value) =>
      compare(value, literal) <= 0,
  gt:
    ({ value: literal }, compare) =>
    (value) =>
      compare(value, literal) > 0,
  "gt-eq":
    ({ value: literal }, compare) =>
    (value) =>
      compare(value, literal) >= 0,
  "starts-with":
    ({ value: prefix }) =>
    (value) =>
      (value as string).startsWith(prefix as string),
  "not-starts-with":
    ({ value: prefix }) =>
    (value) =>
      !(value as string).startsWith(prefix as string),
  in:
    ({ values }, compare) =>
    (value) =>
      includes(values, value, compare),
  "not-in":
    ({ values }, compare) =>
    (value) =>
      !includes(values, value, compare),
};

/** Binary search among sorted values. */
export function includes(
  sorted: readonly PrimitiveValue[],
  value: PrimitiveValue,
  compare: Comparator,
): boolean {
  let low = 0;
  let high = sorted.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const order = compare(sorted[middle]!, value);
    if (order === 0) return true;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return false;
}

/**
 * A filter for rows of plain objects as programs write them (dates as text or Date, decimals as text, …): true when
 * the expression is true of the row, and so neither false nor unknown. A value that does not fit its column counts as null.
 */
export function rowFilter(expression: BoundExpression): (row: Readonly<Record<string, unknown>>) => boolean {
  const test = evaluator<Readonly<Record<string, unknown>>>(expression, (term) => {
    const get = accessor(term.path);
    const { sourceType } = term;
    // Of a nested value only its presence matters.
    if (!isPrimitiveType(sourceType)) return (row) => (get(row) === null ? null : true);
    const apply =
      term.transform.transform === "identity" ? undefined : transformFunction(term.transform, sourceType);
    return (row) => {
      const value = get(row);
      const canonical = value === null ? null : (canonicalValue(sourceType, value) ?? null);
      return apply === undefined ? canonical : apply(canonical);
    };
  });
  return (row) => test(row) === true;
}

/** Evaluates an expression over partition fields (a projection) on partition tuples of the spec. */
export function partitionFilter(
  projection: BoundExpression,
  spec: PartitionSpec,
): (tuple: PartitionTuple) => boolean {
  const test = evaluator<PartitionTuple>(projection, (term) => {
    const position = spec.fields.findIndex((field) => (field.fieldId as number) === term.field.id);
    return (tuple) => tuple[position] ?? null;
  });
  return (tuple) => test(tuple) === true;
}
