import { unsupported } from "../../errors.js";
import type { Schema } from "../../iceberg/index.js";
import { boundPlan, type PlanNode } from "../../query/index.js";
import type { Task } from "../task.js";
import { aggregates, casts, functions, isWritten, operators, plans, TYPES, textCasts } from "./dialect.js";

/**
 * The query of a task for Spark: its own, or the one for DuckDB where all of it is of the dialect that both have. That is
 * read off DuckDB's bound plan, which has the types of every expression, and casts that nobody wrote.
 *
 * @throws LakehouseError UNSUPPORTED_FEATURE for what is not known to mean the same to both; INVALID_SQL
 */
export async function sparkQuery(task: Task, tables: ReadonlyMap<string, Schema>): Promise<string> {
  if (task.spark !== undefined) return task.spark;
  const [plan, other] = [
    await boundPlan(task.sql, tables, "last"),
    await boundPlan(task.sql, tables, "first"),
  ];
  const problem = problemIn(plan) ?? problemOfOrder(plan, other);
  if (problem === undefined) return task.sql;
  throw unsupported(
    task.name,
    `The query of ${task.name} has ${problem}, which is not known to mean the same to DuckDB and to Spark.`,
    "Write it in what both have (see the page on pipelines), or give the task a query for Spark of its own: `spark`.",
  );
}

type Problem = string | undefined;

const isNode = (value: unknown): value is PlanNode => typeof value === "object" && value !== null;

/** The first thing in a plan that is not on the lists. */
function problemIn(value: unknown): Problem {
  if (Array.isArray(value)) return first(value);
  if (!isNode(value)) return undefined;
  if (typeof value.expression_class === "string") return problemOf(value, value.expression_class);
  if (typeof value.type === "string" && value.type.startsWith("LOGICAL_")) {
    const { type, distinct_type: distinct, join_type: join } = value;
    const isKnown =
      plans.has(type) &&
      (type !== "LOGICAL_GET" || value.name === "seq_scan") &&
      (distinct === undefined || distinct === "DISTINCT") &&
      (type !== "LOGICAL_DISTINCT" || distinct === "DISTINCT");
    if (!isKnown)
      return `a part of the kind ${[type.slice("LOGICAL_".length), distinct, join].filter(Boolean).join(" ")}`;
  }
  return first(Object.values(value));
}

function first(values: readonly unknown[]): Problem {
  for (const value of values) {
    const problem = problemIn(value);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

type Kind = (node: PlanNode) => Problem;

const inside: Kind = (node) =>
  first(Object.entries(node).flatMap(([key, value]) => (key === "return_type" ? [] : [value])));

/** Expressions by DuckDB's classes of them. */
const KINDS: Readonly<Record<string, Kind>> = {
  BOUND_REF: (node) => problemOfType(typeOf(node)),
  BOUND_COLUMN_REF: (node) => problemOfType(typeOf(node)),
  BOUND_CONSTANT: problemOfConstant,
  BOUND_COMPARISON: inside,
  BOUND_BETWEEN: inside,
  BOUND_CONJUNCTION: inside,
  BOUND_CASE: inside,
  BOUND_OPERATOR: (node) => (operators.has(String(node.type)) ? inside(node) : `the operator ${node.type}`),
  BOUND_CAST: problemOfCast,
  BOUND_FUNCTION: problemOfFunction,
  BOUND_AGGREGATE: problemOfAggregate,
  BOUND_WINDOW: (node) => {
    if (node.type === "WINDOW_AGGREGATE") return problemOfAggregate(node);
    const isKnown = node.type === "WINDOW_RANK" || node.type === "WINDOW_RANK_DENSE";
    return isKnown ? inside(node) : `the window function ${String(node.type).slice("WINDOW_".length)}`;
  },
};

function problemOf(node: PlanNode, kind: string): Problem {
  const of = KINDS[kind];
  return of === undefined ? `a part of the kind ${kind}` : of(node);
}

/** A type's name, without its width and the like. */
function typeIn(type: unknown): string {
  return isNode(type) && typeof type.id === "string" ? type.id : "";
}

function typeOf(node: unknown): string {
  if (!isNode(node)) return "";
  if (node.expression_class === "BOUND_CONSTANT") return isNode(node.value) ? typeIn(node.value.type) : "";
  return node.expression_class === "BOUND_COMPARISON" || node.expression_class === "BOUND_CONJUNCTION"
    ? "BOOLEAN"
    : typeIn(node.return_type);
}

function problemOfType(type: string): Problem {
  return TYPES.has(type) ? undefined : `a value of the type ${type}`;
}

function problemOfConstant(node: PlanNode): Problem {
  const text = isNode(node.value) ? node.value.value : undefined;
  // Spark takes 'it''s' for two texts, one after the other: its.
  if (typeof text === "string" && text.includes("'"))
    return `a text with a quote in it, ${JSON.stringify(text)}`;
  return problemOfType(typeOf(node));
}

function problemOfCast(node: PlanNode): Problem {
  const { child } = node;
  const [from, to] = [typeOf(child), typeOf(node)];
  if (from === "VARCHAR" && to !== "VARCHAR") {
    const text = constantOf(child);
    if (typeof text === "string" && isWritten(text, to)) return undefined;
    const pattern = patternOf(child);
    if (pattern !== undefined && textCasts[to]?.(pattern)) return problemIn(child);
    return `a cast of text to ${to} that is not held to a pattern`;
  }
  if (from !== to && !casts.has(`${from} ${to}`)) return `a cast of ${from} to ${to}`;
  return problemIn(child);
}

/** The pattern of `CASE WHEN regexp_extract(text, pattern, 0) = text THEN text END`. */
function patternOf(node: unknown): string | undefined {
  if (!isNode(node) || node.expression_class !== "BOUND_CASE") return undefined;
  const checks = Array.isArray(node.case_checks) ? node.case_checks : [];
  const [check] = checks as readonly PlanNode[];
  const when = check?.when_expr;
  if (checks.length !== 1 || !isNode(when) || when.type !== "COMPARE_EQUAL" || !isNull(node.else_expr))
    return undefined;
  const { left, right } = when;
  if (!isNode(left) || left.name !== "regexp_extract") return undefined;
  const [text, pattern, group] = left.children as readonly unknown[];
  const isWhole = constantOf(group) === 0 || (constantOf(group) === undefined && isDefault(group));
  const isSame = keyOf(text) === keyOf(right) && keyOf(text) === keyOf(check?.then_expr);
  return isWhole && isSame ? String(constantOf(pattern)) : undefined;
}

function isNull(node: unknown): boolean {
  const bare = bareOf(node);
  return isNode(bare) && isNode(bare.value) && bare.value.is_null === true;
}

/** A constant, whatever casts are around it. */
function bareOf(node: unknown): unknown {
  return isNode(node) && node.expression_class === "BOUND_CAST" ? bareOf(node.child) : node;
}

function constantOf(node: unknown): unknown {
  const bare = bareOf(node);
  return isNode(bare) && bare.expression_class === "BOUND_CONSTANT" && isNode(bare.value)
    ? bare.value.value
    : undefined;
}

/** A zero is left out by DuckDB, as all that is what it would be anyway. */
function isDefault(node: unknown): boolean {
  const bare = bareOf(node);
  return (
    isNode(bare) && bare.expression_class === "BOUND_CONSTANT" && isNode(bare.value) && !bare.value.is_null
  );
}

/** An expression as text that tells it from others. */
function keyOf(node: unknown): string {
  return JSON.stringify(bareOf(node), (key, value) =>
    key === "query_location" || key === "alias" ? undefined : value,
  );
}

function problemOfFunction(node: PlanNode): Problem {
  const children = (node.children ?? []) as readonly unknown[];
  const name = String(node.name);
  const types = children.map(typeOf);
  // How DuckDB writes `INTERVAL 7 DAY`.
  if (name === "to_days" && isConstant(children)) return undefined;
  if (isOffsetOfWeekdays(name, children)) return first(children.flatMap((each) => bareArguments(each)));
  const isKnown = functions[name]?.(types, children.map(constantOf)) === true;
  if (!isKnown) return `${name}(${types.join(", ")})`;
  return first(children);
}

/** True where no column is in it. */
function isConstant(value: unknown): boolean {
  if (!isNode(value)) return true;
  const kind = value.expression_class;
  return kind !== "BOUND_REF" && kind !== "BOUND_COLUMN_REF" && Object.values(value).every(isConstant);
}

/** The distance between two days of the week is the same wherever the week begins. */
function isOffsetOfWeekdays(name: string, children: readonly unknown[]): boolean {
  return name === "-" && children.length === 2 && children.every((each) => partOf(each) === "dayofweek");
}

function partOf(node: unknown): unknown {
  return isNode(node) && node.name === "date_part"
    ? constantOf((node.children as readonly unknown[])[0])
    : undefined;
}

const bareArguments = (node: unknown) => (isNode(node) ? (node.children as readonly unknown[]) : []);

function problemOfAggregate(node: PlanNode): Problem {
  const children = (node.children ?? []) as readonly unknown[];
  const types = children.map(typeOf);
  if (aggregates[String(node.name)]?.(types) !== true) return `${node.name}(${types.join(", ")})`;
  return inside(node);
}

/** Where an order says nothing of nulls, each engine has its own mind: the two plans differ. */
function problemOfOrder(last: unknown, first: unknown): Problem {
  return JSON.stringify(ordersIn(last)) === JSON.stringify(ordersIn(first))
    ? undefined
    : "an ORDER BY that does not say NULLS FIRST or NULLS LAST";
}

function ordersIn(value: unknown): unknown[] {
  if (Array.isArray(value)) return value.flatMap(ordersIn);
  if (!isNode(value)) return [];
  const own = typeof value.null_order === "string" ? [value.null_order] : [];
  return [...own, ...Object.values(value).flatMap(ordersIn)];
}
