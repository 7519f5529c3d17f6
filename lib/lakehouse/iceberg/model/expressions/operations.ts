import type { ComparisonOperation, PredicateOperation } from "./types.js";

/** What the model knows of an operation of predicates; what it does to values, bounds and partitions is told by the tables beside it. */
interface OperationDefinition {
  /** What it takes beside its term. */
  readonly form: "unary" | "comparison" | "set";
  /** The operation that is false where this one is true, and unknown where it is unknown. */
  readonly opposite: PredicateOperation;
  /** What it is of null: unknown (`null`), as of all comparisons, or an answer. */
  readonly ofNull: boolean | null;
}

export const OPERATIONS: Readonly<Record<PredicateOperation, OperationDefinition>> = {
  "is-null": { form: "unary", opposite: "not-null", ofNull: true },
  "not-null": { form: "unary", opposite: "is-null", ofNull: false },
  "is-nan": { form: "unary", opposite: "not-nan", ofNull: null },
  "not-nan": { form: "unary", opposite: "is-nan", ofNull: null },
  eq: { form: "comparison", opposite: "not-eq", ofNull: null },
  "not-eq": { form: "comparison", opposite: "eq", ofNull: null },
  lt: { form: "comparison", opposite: "gt-eq", ofNull: null },
  "lt-eq": { form: "comparison", opposite: "gt", ofNull: null },
  gt: { form: "comparison", opposite: "lt-eq", ofNull: null },
  "gt-eq": { form: "comparison", opposite: "lt", ofNull: null },
  "starts-with": { form: "comparison", opposite: "not-starts-with", ofNull: null },
  "not-starts-with": { form: "comparison", opposite: "starts-with", ofNull: null },
  in: { form: "set", opposite: "not-in", ofNull: null },
  "not-in": { form: "set", opposite: "in", ofNull: null },
};

export function isOperation(text: string): text is PredicateOperation {
  return Object.hasOwn(OPERATIONS, text);
}

/** How values compare with a literal that none of them equals: true of all, true of none, or as with the one below it. */
interface ComparisonDefinition {
  /** The same with its sides exchanged: `5 < x` is `x > 5`. `undefined` where it has no such. */
  readonly mirrored: ComparisonOperation | undefined;
  /** Whether all values are so to a literal above all of them. */
  readonly above: boolean;
  /** Whether all values are so to a literal below all of them. */
  readonly below: boolean;
  /** Of a literal between a value and the next: the operation on that value, or whether all values are so. */
  readonly between: ComparisonOperation | boolean;
  /** As people write it, where that is an operator. */
  readonly operator: string | undefined;
}

export const COMPARISONS: Readonly<Record<ComparisonOperation, ComparisonDefinition>> = {
  eq: { mirrored: "eq", above: false, below: false, between: false, operator: "=" },
  "not-eq": { mirrored: "not-eq", above: true, below: true, between: true, operator: "!=" },
  lt: { mirrored: "gt", above: true, below: false, between: "lt-eq", operator: "<" },
  "lt-eq": { mirrored: "gt-eq", above: true, below: false, between: "lt-eq", operator: "<=" },
  gt: { mirrored: "lt", above: false, below: true, between: "gt", operator: ">" },
  "gt-eq": { mirrored: "lt-eq", above: false, below: true, between: "gt", operator: ">=" },
  "starts-with": { mirrored: undefined, above: false, below: false, between: false, operator: undefined },
  "not-starts-with": { mirrored: undefined, above: true, below: true, between: true, operator: undefined },
};
