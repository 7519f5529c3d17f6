import type { PartitionFieldInit } from "../partitioning/types.js";
import type {
  ComparisonOperation,
  Expression,
  LiteralInput,
  SetOperation,
  Term,
  TransformTerm,
  UnaryOperation,
} from "./types.js";

/** A column by name, or a transform of one as partition helpers make it: `eq(day("date"), "2001-01-31")`. */
export type TermInput<Name extends string = string> = Name | TransformTerm | PartitionFieldInit<Name>;

function toTerm(term: TermInput): Term {
  if (typeof term === "string" || !("kind" in term)) return term;
  return { transform: term.transform, source: term.source };
}

function unary(type: UnaryOperation) {
  return <Name extends string>(term: TermInput<Name>): Expression<Name> => ({ type, term: toTerm(term) });
}

function comparison(type: ComparisonOperation) {
  return <Name extends string>(term: TermInput<Name>, value: LiteralInput): Expression<Name> => ({
    type,
    term: toTerm(term),
    value,
  });
}

function set(type: SetOperation) {
  return <Name extends string>(term: TermInput<Name>, values: Iterable<LiteralInput>): Expression<Name> => ({
    type,
    term: toTerm(term),
    values: [...values],
  });
}

export const alwaysTrue: { readonly type: "true" } = { type: "true" };
export const alwaysFalse: { readonly type: "false" } = { type: "false" };

/** Value equal to a literal. Of null, as all comparisons: neither true nor false. */
export const eq = comparison("eq");
export const notEq = comparison("not-eq");
export const lt = comparison("lt");
export const ltEq = comparison("lt-eq");
/** Greater than a literal. NaN is greater than every number. */
export const gt = comparison("gt");
export const gtEq = comparison("gt-eq");
/** Text that starts with a prefix. */
export const startsWith = comparison("starts-with");
export const notStartsWith = comparison("not-starts-with");
export const isIn = set("in");
export const notIn = set("not-in");
export const isNull = unary("is-null");
export const notNull = unary("not-null");
export const isNan = unary("is-nan");
export const notNaN = unary("not-nan");

/** All of them; none given: true. */
export function and<Name extends string>(...expressions: readonly Expression<Name>[]): Expression<Name> {
  return expressions.reduce<Expression<Name>>((left, right) => {
    if (left.type === "false" || right.type === "true") return left;
    if (right.type === "false" || left.type === "true") return right;
    return { type: "and", left, right };
  }, alwaysTrue);
}

/** Any of them; none given: false. */
export function or<Name extends string>(...expressions: readonly Expression<Name>[]): Expression<Name> {
  return expressions.reduce<Expression<Name>>((left, right) => {
    if (left.type === "true" || right.type === "false") return left;
    if (right.type === "true" || left.type === "false") return right;
    return { type: "or", left, right };
  }, alwaysFalse);
}

/** The opposite. What is unknown because of a null stays unknown. */
export function not<Name extends string>(child: Expression<Name>): Expression<Name> {
  if (child.type === "true") return alwaysFalse;
  if (child.type === "false") return alwaysTrue;
  return child.type === "not" ? child.child : { type: "not", child };
}
