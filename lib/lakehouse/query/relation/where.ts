import { LakehouseError } from "../../errors.js";
import type { BoundExpression, BoundPredicate, BoundTerm } from "../../iceberg/index.js";
import { quoteIdentifier, quoteString } from "../sql/tokens.js";
import { sqlLiteral } from "./sql-types.js";

const OPERATORS = { eq: "=", "not-eq": "<>", lt: "<", "lt-eq": "<=", gt: ">", "gt-eq": ">=" } as const;

/** SQL that is true, false or null for a row as the bound filter is. */
export function whereSql(filter: BoundExpression): string {
  switch (filter.type) {
    case "true":
      return "true";
    case "false":
      return "false";
    case "and":
    case "or":
      return `(${whereSql(filter.left)} ${filter.type.toUpperCase()} ${whereSql(filter.right)})`;
    default:
      return predicateSql(filter);
  }
}

function predicateSql(predicate: BoundPredicate): string {
  const term = termSql(predicate.term);
  const { type } = predicate.term;
  switch (predicate.type) {
    case "is-null":
      return `(${term} IS NULL)`;
    case "not-null":
      return `(${term} IS NOT NULL)`;
    case "is-nan":
      return `isnan(${term})`;
    case "not-nan":
      return `(NOT isnan(${term}))`;
    case "in":
    case "not-in": {
      const values = predicate.values.map((value) => sqlLiteral(type, value));
      return `(${term} ${predicate.type === "in" ? "IN" : "NOT IN"} (${values.join(", ")}))`;
    }
    case "starts-with":
      return `starts_with(${term}, ${sqlLiteral(type, predicate.value)})`;
    case "not-starts-with":
      return `(NOT starts_with(${term}, ${sqlLiteral(type, predicate.value)}))`;
    default:
      return `(${term} ${OPERATORS[predicate.type]} ${sqlLiteral(type, predicate.value)})`;
  }
}

function termSql({ path, transform, name }: BoundTerm): string {
  if (transform.transform !== "identity") {
    throw new LakehouseError({
      code: "UNSUPPORTED_FEATURE",
      subject: name,
      message: `Rows cannot be chosen by ${transform.transform}(${name}).`,
      remedy: "Write the filter with the column itself.",
    });
  }
  const [first = "", ...inner] = path;
  return pathSql(quoteIdentifier(first), inner);
}

/** SQL for a member of a column, by the names that lead to it. */
export function pathSql(column: string, inner: readonly string[]): string {
  return inner.reduce((sql, name) => `struct_extract(${sql}, ${quoteString(name)})`, column);
}
