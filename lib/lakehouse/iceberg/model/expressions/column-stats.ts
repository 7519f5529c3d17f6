import { isFloat } from "../types/type-text.js";
import type { PrimitiveType, PrimitiveValue } from "../types/types.js";
import { type Comparator, comparatorOf } from "../values/compare.js";
import { negatePredicate } from "./negate.js";
import type { BoundPredicate, PredicateOf, PredicateOperation } from "./types.js";

/**
 * What is known of a column's values in some set of rows. Everything may be less than the truth allows, never more:
 * a `false` is proof that no row is so, and the bounds enclose every value that is neither null nor NaN.
 */
export interface ColumnStats {
  readonly mayBeNull: boolean;
  readonly mayBeNaN: boolean;
  /** Some row may have a value that is neither null nor NaN. */
  readonly mayBeValue: boolean;
  readonly lower?: PrimitiveValue | undefined;
  readonly upper?: PrimitiveValue | undefined;
}

/** Nothing is known. */
export function unknownStats(type: PrimitiveType): ColumnStats {
  return { mayBeNull: true, mayBeNaN: isFloat(type), mayBeValue: true };
}

/**
 * False only when the stats prove that the predicate is true of no row. On any doubt true, so that pruning by it
 * never changes a result.
 */
export function mightMatch(predicate: BoundPredicate, stats: ColumnStats): boolean {
  const might = MIGHT_MATCH[predicate.type] as Might<PredicateOperation>;
  return might(predicate as PredicateOf<PredicateOperation>, stats);
}

/**
 * True only when the stats prove that the predicate is true of every row: no row is null, so the predicate is nowhere
 * unknown, and its opposite is true of none.
 */
export function mustMatch(predicate: BoundPredicate, stats: ColumnStats): boolean {
  if (mightMatch(negatePredicate(predicate), stats)) return false;
  return predicate.type === "is-null" || !stats.mayBeNull;
}

type Might<Operation extends PredicateOperation> = (
  predicate: PredicateOf<Operation>,
  stats: ColumnStats,
) => boolean;

/** What the stats leave possible of each operation. NaN equals itself and is above every number; bounds say nothing of it. */
const MIGHT_MATCH: { readonly [Operation in PredicateOperation]: Might<Operation> } = {
  "is-null": (_, stats) => stats.mayBeNull,
  "not-null": (_, stats) => stats.mayBeNaN || stats.mayBeValue,
  "is-nan": (_, stats) => stats.mayBeNaN,
  "not-nan": (_, stats) => stats.mayBeValue,
  eq: ({ term, value }, stats) => mayEqual(value, stats, comparatorOf(term.type)),
  "not-eq": ({ term, value }, stats) => {
    if (stats.mayBeNaN && !Number.isNaN(value)) return true;
    const compare = comparatorOf(term.type);
    return stats.mayBeValue && !(isAll(stats.lower, value, compare) && isAll(stats.upper, value, compare));
  },
  lt: ({ term, value }, stats) => {
    const compare = comparatorOf(term.type);
    return !reaches(stats.lower, (lower) => compare(lower, value) >= 0) && stats.mayBeValue;
  },
  "lt-eq": ({ term, value }, stats) => {
    if (stats.mayBeNaN && Number.isNaN(value)) return true;
    const compare = comparatorOf(term.type);
    return !reaches(stats.lower, (lower) => compare(lower, value) > 0) && stats.mayBeValue;
  },
  gt: ({ term, value }, stats) => {
    if (stats.mayBeNaN && !Number.isNaN(value)) return true;
    const compare = comparatorOf(term.type);
    return !reaches(stats.upper, (upper) => compare(upper, value) <= 0) && stats.mayBeValue;
  },
  "gt-eq": ({ term, value }, stats) => {
    if (stats.mayBeNaN) return true;
    const compare = comparatorOf(term.type);
    return !reaches(stats.upper, (upper) => compare(upper, value) < 0) && stats.mayBeValue;
  },
  "starts-with": ({ term, value }, stats) =>
    stats.mayBeValue && prefixMightMatch(value as string, stats, comparatorOf(term.type)),
  "not-starts-with": ({ value }, stats) => {
    // Everything between two texts with the prefix has it too.
    const prefix = value as string;
    const all =
      (stats.lower as string | undefined)?.startsWith(prefix) &&
      (stats.upper as string | undefined)?.startsWith(prefix);
    return stats.mayBeValue && !all;
  },
  in: ({ term, values }, stats) => {
    const compare = comparatorOf(term.type);
    return values.some((value) => mayEqual(value, stats, compare));
  },
  "not-in": ({ term, values }, stats) => {
    if (stats.mayBeNaN && !values.some(Number.isNaN)) return true;
    if (!stats.mayBeValue) return false;
    const compare = comparatorOf(term.type);
    const { lower, upper } = stats;
    const one = lower !== undefined && upper !== undefined && compare(lower, upper) === 0;
    return !(one && values.some((value) => compare(value, lower) === 0));
  },
};

function mayEqual(value: PrimitiveValue, stats: ColumnStats, compare: Comparator): boolean {
  return Number.isNaN(value) ? stats.mayBeNaN : within(value, stats, compare) && stats.mayBeValue;
}

/** Whether there is a bound, and it is past the value. */
function reaches(bound: PrimitiveValue | undefined, past: (bound: PrimitiveValue) => boolean): boolean {
  return bound !== undefined && past(bound);
}

function isAll(bound: PrimitiveValue | undefined, value: PrimitiveValue, compare: Comparator): boolean {
  return bound !== undefined && compare(bound, value) === 0;
}

function within(value: PrimitiveValue, stats: ColumnStats, compare: Comparator): boolean {
  return (
    !reaches(stats.lower, (lower) => compare(lower, value) > 0) &&
    !reaches(stats.upper, (upper) => compare(upper, value) < 0)
  );
}

function prefixMightMatch(prefix: string, { lower, upper }: ColumnStats, compare: Comparator): boolean {
  if (upper !== undefined && compare(upper, prefix) < 0) return false;
  // Above the prefix without having it: above everything that has it.
  return !(lower !== undefined && compare(lower, prefix) > 0 && !(lower as string).startsWith(prefix));
}
