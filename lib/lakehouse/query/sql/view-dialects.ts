import { invalidSql } from "../errors.js";
import { identifierName, quoteIdentifier, type Token, toByteString, tokenize } from "../text/tokens.js";
import { isNode, type Node } from "./statement.js";

/*
 * A view's SQL of another engine is run where it certainly means the same here: it parses as DuckDB's, and has nothing
 * in it but what is listed below. All else is refused, since an engine that reads a text otherwise than it was meant
 * gives wrong rows, and no error.
 *
 * Spark alone is read so. Trino compares NaN otherwise than DuckDB and Spark do, and divides whole numbers otherwise.
 */

export const OWN_DIALECT = "duckdb";
export const READ_DIALECT = "spark";

/**
 * What of a tree means the same in Spark and in DuckDB, by the type of a node. Not there: `/` and `%`, casts, most
 * functions, ORDER BY and LIMIT (nulls come first in Spark, so that other rows would be cut off), windows, samples.
 */
const SAME: ReadonlySet<string> = new Set([
  "SELECT_NODE",
  "SET_OPERATION_NODE",
  "CTE_NODE",
  "BASE_TABLE",
  "SUBQUERY",
  "JOIN",
  "EMPTY",
  "STAR",
  "COLUMN_REF",
  "VALUE_CONSTANT",
  "CONJUNCTION_AND",
  "CONJUNCTION_OR",
  "OPERATOR_NOT",
  "OPERATOR_IS_NULL",
  "OPERATOR_IS_NOT_NULL",
  "OPERATOR_COALESCE",
  "COMPARE_EQUAL",
  "COMPARE_NOTEQUAL",
  "COMPARE_LESSTHAN",
  "COMPARE_LESSTHANOREQUALTO",
  "COMPARE_GREATERTHAN",
  "COMPARE_GREATERTHANOREQUALTO",
  "COMPARE_IN",
  "COMPARE_NOT_IN",
  "COMPARE_BETWEEN",
  "COMPARE_NOT_BETWEEN",
  "CASE_EXPR",
  "FUNCTION",
  "ORDER_MODIFIER",
  "DISTINCT_MODIFIER",
]);

const SAME_FUNCTIONS: ReadonlySet<string> = new Set([
  "count",
  "count_star",
  "sum",
  "min",
  "max",
  "coalesce",
  "+",
  "-",
  "*",
  "~~",
  "!~~",
]);

const SAME_JOINS: ReadonlySet<string> = new Set(["INNER", "LEFT", "RIGHT", "OUTER"]);

/**
 * A text of Spark's as DuckDB reads it: names in backticks are in double quotes here. Throws INVALID_SQL for what the two
 * read otherwise before any parser does: texts with backslashes, and texts in double quotes.
 */
export function fromSpark(sql: string, view: string): string {
  const bytes = toByteString(sql);
  let text = "";
  let at = 0;
  const tokens = tokenize(bytes);
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as Token;
    if (token.kind === "quoted" || (token.kind === "string" && !/^'[^\\]*'$/.test(token.text))) {
      throw unsure(view, `the text ${identifierName({ ...token, kind: "word" })}`);
    }
    if (token.text !== "`") continue;
    const close = bytes.indexOf("`", token.end);
    const name = close < 0 ? "" : bytes.slice(token.end, close);
    if (name === "" || /["'$\\-]|\/\*/.test(name) || bytes[close + 1] === "`")
      throw unsure(view, "a name in backticks");
    text += `${bytes.slice(at, token.start)}${quoteIdentifier(name)}`;
    at = close + 1;
    while (tokens[i + 1] !== undefined && (tokens[i + 1] as Token).start <= close) i++;
  }
  return Buffer.from(text + bytes.slice(at), "latin1").toString("utf8");
}

/** @throws LakehouseError INVALID_SQL for a statement of Spark's that could mean something else here. */
export function checkSameMeaning(statement: Node, view: string): void {
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) visit(item);
    if (!isNode(value)) return;
    checkNode(value, view);
    if (value.type === "VALUE_CONSTANT" || value.type === "OPERATOR_CAST") return;
    for (const child of Object.values(value)) visit(child);
  };
  visit(statement.node);
}

function checkNode(node: Node, view: string): void {
  const { type } = node;
  if (typeof type !== "string") return;
  if (type === "OPERATOR_CAST" && isLiteral(node)) return;
  if (
    type === "COLUMN_REF" &&
    Array.isArray(node.column_names) &&
    /^(current_|local)/i.test(node.column_names[0])
  ) {
    throw unsure(view, String(node.column_names[0]));
  }
  if (!SAME.has(type)) throw unsure(view, type.toLowerCase().replaceAll("_", " "));
  if (type === "FUNCTION" && !SAME_FUNCTIONS.has(String(node.function_name))) {
    throw unsure(view, String(node.function_name));
  }
  const { join_type: join = "INNER", ref_type: reference = "REGULAR" } = node;
  if (type === "JOIN" && !(SAME_JOINS.has(String(join)) && /^(REGULAR|CROSS)$/.test(String(reference)))) {
    throw unsure(view, "such a join");
  }
  const orders = node.orders ?? node.order_bys;
  if (type === "ORDER_MODIFIER" && Array.isArray(orders) && orders.length > 0) throw unsure(view, "ORDER BY");
  if (type === "DISTINCT_MODIFIER" && node.distinct_on_targets) throw unsure(view, "DISTINCT ON");
  if (type === "STAR" && node.columns === true) throw unsure(view, "COLUMNS(…)");
  const unlike = [
    "sample",
    "qualify",
    "filter",
    "exclude_list",
    "replace_list",
    "rename_list",
    "column_name_alias",
  ];
  const found = unlike.find((key) => node[key] !== undefined);
  if (found !== undefined) throw unsure(view, found.replaceAll("_", " "));
}

/** `true`, `false` and `DATE '2024-03-01'`, which are casts in the tree. */
function isLiteral({ child, cast_type: type }: Node): boolean {
  const constant =
    isNode(child) && child.type === "VALUE_CONSTANT" && isNode(child.value) ? child.value.value : undefined;
  if (typeof constant !== "string" || !isNode(type)) return false;
  return type.id === "BOOLEAN"
    ? /^[tf]$/.test(constant)
    : type.id === "DATE" && /^\d{4}-\d{2}-\d{2}$/.test(constant);
}

function unsure(view: string, what: string) {
  return invalidSql(
    view,
    `The view ${view} is written in Spark's SQL, and has ${what} in it, of which it is not sure that it means the same here.`,
    `Give the view a text in DuckDB's dialect, too: CREATE OR REPLACE VIEW ${view} AS ….`,
  );
}
