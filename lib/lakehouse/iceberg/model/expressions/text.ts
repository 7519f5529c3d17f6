import { transformToString } from "../transforms/transform.js";
import { bytesToHex } from "../values/bytes.js";
import { COMPARISONS } from "./operations.js";
import type { Expression, LiteralInput, Term } from "./types.js";

function quoteName(name: string): string {
  return name
    .split(".")
    .map((part) => (/^[A-Za-z_][A-Za-z0-9_]*$/.test(part) ? part : `"${part.replaceAll('"', '""')}"`))
    .join(".");
}

function termToString(term: Term): string {
  if (typeof term === "string") return quoteName(term);
  return `${transformToString(term.transform)}(${quoteName(term.source)})`;
}

function literalToString(value: LiteralInput): string {
  if (typeof value === "string") return `'${value.replaceAll("'", "''")}'`;
  if (value instanceof Date) return `'${value.toISOString()}'`;
  return value instanceof Uint8Array ? `x'${bytesToHex(value)}'` : String(value);
}

/** The expression as people write it: `(origin = 'ATL' AND delay >= 60) OR note IS NULL`. */
export function expressionToString(expression: Expression): string {
  switch (expression.type) {
    case "true":
    case "false":
      return expression.type.toUpperCase();
    case "and":
    case "or": {
      const side = (part: Expression) => {
        const text = expressionToString(part);
        return (part.type === "and" || part.type === "or") && part.type !== expression.type
          ? `(${text})`
          : text;
      };
      return `${side(expression.left)} ${expression.type.toUpperCase()} ${side(expression.right)}`;
    }
    case "not":
      return `NOT (${expressionToString(expression.child)})`;
    case "is-null":
      return `${termToString(expression.term)} IS NULL`;
    case "not-null":
      return `${termToString(expression.term)} IS NOT NULL`;
    case "is-nan":
      return `${termToString(expression.term)} IS NAN`;
    case "not-nan":
      return `${termToString(expression.term)} IS NOT NAN`;
    case "in":
    case "not-in": {
      const operator = expression.type === "in" ? "IN" : "NOT IN";
      return `${termToString(expression.term)} ${operator} (${expression.values.map(literalToString).join(", ")})`;
    }
    case "starts-with":
    case "not-starts-with": {
      const operator = expression.type === "starts-with" ? "LIKE" : "NOT LIKE";
      const prefix = String(expression.value).replace(/[\\%_]/g, "\\$&");
      return `${termToString(expression.term)} ${operator} ${literalToString(`${prefix}%`)}`;
    }
    case "eq":
    case "not-eq":
    case "lt":
    case "lt-eq":
    case "gt":
    case "gt-eq": {
      const { operator } = COMPARISONS[expression.type];
      return `${termToString(expression.term)} ${operator} ${literalToString(expression.value)}`;
    }
  }
}
