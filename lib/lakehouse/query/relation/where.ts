import { unsupported } from "../../errors.js";
import {
  type BoundExpression,
  type BoundPredicate,
  type BoundTerm,
  invalidExpression,
  type NestedField,
} from "../../iceberg/index.js";
import { fieldSql } from "../text/names.js";
import { sqlLiteral } from "../types/sql-types.js";

const OPERATORS = { eq: "=", "not-eq": "<>", lt: "<", "lt-eq": "<=", gt: ">", "gt-eq": ">=" } as const;

/**
 * SQL that is true, false or null for a row as the bound filter is.
 *
 * @param fields the columns of the relation that the rows are of.
 */
export function whereSql(filter: BoundExpression, fields: readonly NestedField[]): string {
  switch (filter.type) {
    case "true":
      return "true";
    case "false":
      return "false";
    case "and":
    case "or":
      return `(${whereSql(filter.left, fields)} ${filter.type.toUpperCase()} ${whereSql(filter.right, fields)})`;
    default:
      return predicateSql(filter, fields);
  }
}

function predicateSql(predicate: BoundPredicate, fields: readonly NestedField[]): string {
  const term = termSql(predicate.term, fields);
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

function termSql({ field, transform, name }: BoundTerm, fields: readonly NestedField[]): string {
  if (transform.transform !== "identity") {
    throw unsupported(
      name,
      `Rows cannot be chosen by ${transform.transform}(${name}).`,
      "Write the filter with the column itself.",
    );
  }
  const sql = fieldSql(fields, field.id);
  if (sql !== undefined) return sql;
  throw invalidExpression(name, `The filter names ${name}, which these rows do not have.`);
}
