import { identifier, type SqlFragment, sql } from "../../query/index.js";
import { invalidCheck } from "../errors.js";
import { and, boundOf, columnOf, joined, literalOf, mayBeNaN, written } from "./columns.js";
import { type Planner, rowPlan } from "./plan.js";
import type { CheckOf } from "./types.js";

export const notNull: Planner<CheckOf<"notNull">> = (check, { schema }) =>
  rowPlan(check, sql`${columnOf(schema, check.column, check.name).sql} IS NULL`);

export const range: Planner<CheckOf<"range">> = (check, { schema }) => {
  const column = columnOf(schema, check.column, check.name);
  const { min, max, exclusive = false } = check;
  const outside: SqlFragment[] = [];
  if (min !== undefined) outside.push(boundOf(column, min, "min", exclusive, check.name));
  if (max !== undefined) outside.push(boundOf(column, max, "max", exclusive, check.name));
  // For DuckDB NaN is more than every number.
  if (mayBeNaN(column)) outside.push(sql`isnan(${column.sql})`);
  return rowPlan(check, sql`(${joined(outside, sql` OR `)}) IS TRUE`);
};

export const acceptedValues: Planner<CheckOf<"acceptedValues">> = (check, { schema }) => {
  const column = columnOf(schema, check.column, check.name);
  const values = check.values.map((value) => literalOf(column, value, check.name));
  return rowPlan(check, sql`(${column.sql} IN (${joined(values, sql`, `)})) IS FALSE`);
};

export const pattern: Planner<CheckOf<"pattern">> = (check, { schema }) => {
  const column = columnOf(schema, check.column, check.name);
  if (column.type.type !== "string") {
    throw invalidCheck(
      check.name,
      `The check ${check.name} looks for a pattern in ${check.column}, which is no text.`,
      `Write an expression, as in regexp_matches(${check.column}::VARCHAR, '…').`,
    );
  }
  const matches = sql`regexp_matches(${column.sql}, ${check.pattern})`;
  return rowPlan(check, check.not === true ? sql`${matches} IS TRUE` : sql`${matches} IS FALSE`);
};

export const length: Planner<CheckOf<"length">> = (check, { schema }) => {
  const { sql: column, type } = columnOf(schema, check.column, check.name);
  const size = {
    string: sql`length(${column})`,
    binary: sql`octet_length(${column})`,
    list: sql`len(${column})`,
    map: sql`cardinality(${column})`,
  }[type.type as string];
  if (size === undefined) {
    throw invalidCheck(
      check.name,
      `The check ${check.name} asks for the length of ${check.column}, which has none.`,
      "Lengths are of text, binary, lists and maps.",
    );
  }
  const { min, max } = check;
  const outside: SqlFragment[] = [];
  if (min !== undefined) outside.push(sql`${size} < ${min}`);
  if (max !== undefined) outside.push(sql`${size} > ${max}`);
  return rowPlan(check, sql`(${joined(outside, sql` OR `)}) IS TRUE`);
};

export const expression: Planner<CheckOf<"expression">> = (check) =>
  rowPlan(check, sql`${written(check.expression)} IS FALSE`);

/**
 * Keys are looked up, and not joined: where one equals several of another type, as a long those of doubles, a join would count
 * the row several times for every check of the query. Text and numbers are not compared at all.
 */
export const references: Planner<CheckOf<"references">> = (check, { schema }) => {
  const columns = check.columns.map((name) => columnOf(schema, name, check.name).sql);
  // By its alias: a name that the other table lacks would be a column of the rows that are checked.
  const other = identifier(`keys of ${check.name}`);
  const keys = check.to.map((name) => sql`${other}.${identifier(...name.split("."))}`);
  const table = identifier(...check.table.split("."));
  const known = sql`SELECT ${joined(keys, sql`, `)} FROM ${table} AS ${other} WHERE ${and(keys.map((key) => sql`${key} IS NOT NULL`))}`;
  const isKey = and(columns.map((column) => sql`${column} IS NOT NULL`));
  return rowPlan(check, sql`(${isKey} AND ((${joined(columns, sql`, `)}) IN (${known})) IS NOT TRUE)`);
};
