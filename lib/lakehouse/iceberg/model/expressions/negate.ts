import { OPERATIONS } from "./operations.js";
import type { BoundExpression, BoundPredicate } from "./types.js";

/** A predicate's opposite. True and false change places; unknown (of a null) stays: `is-null` and `not-null` are never unknown. */
export function negatePredicate(predicate: BoundPredicate): BoundPredicate {
  return { ...predicate, type: OPERATIONS[predicate.type].opposite } as BoundPredicate;
}

/** The opposite of a bound expression, by De Morgan. */
export function negate(expression: BoundExpression): BoundExpression {
  switch (expression.type) {
    case "true":
      return { type: "false" };
    case "false":
      return { type: "true" };
    case "and":
    case "or": {
      const type = expression.type === "and" ? "or" : "and";
      return { type, left: negate(expression.left), right: negate(expression.right) };
    }
    default:
      return negatePredicate(expression);
  }
}

/** `left and right`, with constants folded. */
export function boundAnd(left: BoundExpression, right: BoundExpression): BoundExpression {
  if (left.type === "false" || right.type === "true") return left;
  if (right.type === "false" || left.type === "true") return right;
  return { type: "and", left, right };
}

/** `left or right`, with constants folded. */
export function boundOr(left: BoundExpression, right: BoundExpression): BoundExpression {
  if (left.type === "true" || right.type === "false") return left;
  if (right.type === "true" || left.type === "false") return right;
  return { type: "or", left, right };
}

/** Rebuilds an expression with each predicate replaced. */
export function mapPredicates(
  expression: BoundExpression,
  map: (predicate: BoundPredicate) => BoundExpression,
): BoundExpression {
  switch (expression.type) {
    case "true":
    case "false":
      return expression;
    case "and":
      return boundAnd(mapPredicates(expression.left, map), mapPredicates(expression.right, map));
    case "or":
      return boundOr(mapPredicates(expression.left, map), mapPredicates(expression.right, map));
    default:
      return map(expression);
  }
}

/** True when `test` holds of the expression's predicates as its ands and ors join them. */
export function testPredicates(
  expression: BoundExpression,
  test: (predicate: BoundPredicate) => boolean,
): boolean {
  switch (expression.type) {
    case "true":
      return true;
    case "false":
      return false;
    case "and":
      return testPredicates(expression.left, test) && testPredicates(expression.right, test);
    case "or":
      return testPredicates(expression.left, test) || testPredicates(expression.right, test);
    default:
      return test(expression);
  }
}
