import { invalidExpression } from "../../errors.js";
import { columnsRemedy, locateByName, type NameLookup } from "../schema/lookup.js";
import { canTransform, transformResultType, transformToString } from "../transforms/transform.js";
import type { Transform } from "../transforms/types.js";
import { isOpaque, isPrimitiveType, typeToString } from "../types/type-text.js";
import type { PrimitiveType, PrimitiveValue, Schema } from "../types/types.js";
import { describeExpected, describeValue } from "../values/canonical.js";
import { sortDistinct } from "../values/compare.js";
import { placeLiteral, toLiteralInput } from "./literals.js";
import { boundAnd, boundOr, negate } from "./negate.js";
import { COMPARISONS } from "./operations.js";
import type {
  BoundExpression,
  BoundPredicate,
  BoundTerm,
  ComparisonPredicate,
  Expression,
  LiteralInput,
  SetPredicate,
  Term,
  UnaryPredicate,
} from "./types.js";

const IDENTITY: Transform = { transform: "identity" };
const TRUE: BoundExpression = { type: "true" };
const FALSE: BoundExpression = { type: "false" };

function invalid(subject: string, message: string, remedy?: string): never {
  throw invalidExpression(subject, message, remedy ? remedy : undefined);
}

/**
 * Binds an expression to a schema: names become fields, literals take the column's type, `not` is carried down to the
 * predicates (which three-valued logic allows), and what is always or never true is folded. A literal that no value of
 * the type equals is understood, not refused: `n < 1.5` of an int is `n <= 1`.
 *
 * Throws `INVALID_EXPRESSION` for a name that is not there, a literal of another kind, an operation that the type does not have.
 */
export function bind(
  schema: Pick<Schema, "fields">,
  expression: Expression,
  lookup: NameLookup = {},
): BoundExpression {
  if (typeof expression !== "object" || expression === null || typeof expression.type !== "string") {
    invalid(
      "filter",
      `A filter is made by functions such as eq and and; this is ${describeValue(expression)}.`,
      'Write eq("origin", "ATL"), or give SQL to lake.sql.',
    );
  }
  switch (expression.type) {
    case "true":
      return TRUE;
    case "false":
      return FALSE;
    case "and":
      return boundAnd(bind(schema, expression.left, lookup), bind(schema, expression.right, lookup));
    case "or":
      return boundOr(bind(schema, expression.left, lookup), bind(schema, expression.right, lookup));
    case "not":
      return negate(bind(schema, expression.child, lookup));
    case "is-null":
    case "not-null":
    case "is-nan":
    case "not-nan":
      return bindUnary(bindTerm(schema, expression.term, lookup), expression.type);
    case "in":
    case "not-in":
      return bindSet(bindTerm(schema, expression.term, lookup), expression);
    default:
      return bindComparison(bindTerm(schema, expression.term, lookup), expression);
  }
}

function bindTerm(schema: Pick<Schema, "fields">, term: Term, lookup: NameLookup): BoundTerm {
  const name = typeof term === "string" ? term : term.source;
  const location = locateByName(schema, name, lookup);
  if (location === undefined) {
    return invalid(name, `There is no column "${name}".`, columnsRemedy(schema));
  }
  const { field, path } = location;
  if (path === undefined)
    return invalid(name, `"${name}" is inside a list or map, which a filter cannot reach.`);
  const transform = typeof term === "string" ? IDENTITY : term.transform;
  if (transform.transform !== "identity" && !canTransform(transform, field.type)) {
    invalid(
      name,
      `${transformToString(transform)} cannot be applied to "${name}" of type ${typeToString(field.type)}.`,
    );
  }
  // Nested types have no values to compare, but can be null.
  const type: PrimitiveType = !isPrimitiveType(field.type)
    ? { type: "unknown" }
    : transform.transform === "identity"
      ? field.type
      : transformResultType(transform, field.type);
  if (transform.transform === "unknown") {
    invalid(name, `The transform ${transformToString(transform)} of "${name}" is not known.`);
  }
  const optional = !location.requiredThroughout || transform.transform === "void";
  return { field, path, name: location.name, transform, type, optional, sourceType: field.type };
}

function bindUnary(term: BoundTerm, type: UnaryPredicate["type"]): BoundExpression {
  if (type === "is-null" || type === "not-null") {
    if (term.optional) return { type, term };
    return type === "is-null" ? FALSE : TRUE;
  }
  if (term.type.type !== "float" && term.type.type !== "double") {
    return invalid(term.name, `"${term.name}" of type ${typeToString(term.sourceType)} cannot be NaN.`);
  }
  return { type, term };
}

function placed(term: BoundTerm, value: LiteralInput) {
  if (isOpaque(term.type)) {
    return invalid(
      term.name,
      `Values of "${term.name}" of type ${typeToString(term.sourceType)} cannot be compared.`,
    );
  }
  const result = placeLiteral(term.type, value);
  if (result !== undefined) return result;
  return invalid(
    term.name,
    `"${term.name}" cannot be compared with ${describeValue(value)}: expected ${describeExpected(term.type)}.`,
  );
}

/** True of every value but null, which leaves it unknown. */
function trueOfValues(term: BoundTerm): BoundExpression {
  return term.optional ? { type: "not-null", term } : TRUE;
}

function bindComparison(term: BoundTerm, { type, value }: ComparisonPredicate): BoundExpression {
  if ((type === "starts-with" || type === "not-starts-with") && term.type.type !== "string") {
    invalid(
      term.name,
      `"${term.name}" of type ${typeToString(term.sourceType)} has no prefix: only text has.`,
    );
  }
  const literal = placed(term, value);
  switch (literal.place) {
    case "exact":
      return { type, term, value: literal.value };
    case "above":
      return COMPARISONS[type].above ? trueOfValues(term) : neverTrue(term);
    case "below":
      return COMPARISONS[type].below ? trueOfValues(term) : neverTrue(term);
    case "floor": {
      const { between } = COMPARISONS[type];
      if (typeof between === "string") return { type: between, term, value: literal.value };
      return between ? trueOfValues(term) : neverTrue(term);
    }
  }
}

/** True of no value; unknown of null, so that its opposite does not hold of null either. */
function neverTrue(term: BoundTerm): BoundExpression {
  return term.optional ? { type: "in", term, values: [] } : FALSE;
}

function bindSet(term: BoundTerm, { type, values }: SetPredicate): BoundExpression {
  // SQL: in and not in of nothing hold and fail for null as well.
  if (values.length === 0) return type === "in" ? FALSE : TRUE;
  const exact: PrimitiveValue[] = [];
  for (const value of values) {
    const literal = placed(term, value);
    if (literal.place === "exact") exact.push(literal.value);
  }
  const distinct = sortDistinct(term.type, exact);
  if (distinct.length === 0) return type === "in" ? neverTrue(term) : trueOfValues(term);
  if (distinct.length === 1) return { type: type === "in" ? "eq" : "not-eq", term, value: distinct[0]! };
  return { type, term, values: distinct };
}

/** The bound expression by names again: binds to the same schema with the same meaning. */
export function unbind(expression: BoundExpression): Expression {
  switch (expression.type) {
    case "true":
    case "false":
      return expression;
    case "and":
    case "or":
      return { type: expression.type, left: unbind(expression.left), right: unbind(expression.right) };
    default:
      return unbindPredicate(expression);
  }
}

function unbindPredicate(predicate: BoundPredicate): Expression {
  const { term } = predicate;
  const named: Term =
    term.transform.transform === "identity" ? term.name : { transform: term.transform, source: term.name };
  if ("values" in predicate) {
    if (predicate.values.length === 0)
      return predicate.type === "in" ? { type: "false" } : { type: "not-null", term: named };
    return {
      type: predicate.type,
      term: named,
      values: predicate.values.map((value) => toLiteralInput(term.type, value)),
    };
  }
  if ("value" in predicate)
    return { type: predicate.type, term: named, value: toLiteralInput(term.type, predicate.value) };
  return { type: predicate.type, term: named };
}

/** The ids of the columns that an expression reads. */
export function referencedFieldIds(expression: BoundExpression): Set<number> {
  const ids = new Set<number>();
  const visit = (part: BoundExpression): void => {
    if (part.type === "and" || part.type === "or") {
      visit(part.left);
      visit(part.right);
    } else if ("term" in part) ids.add(part.term.field.id);
  };
  visit(expression);
  return ids;
}
