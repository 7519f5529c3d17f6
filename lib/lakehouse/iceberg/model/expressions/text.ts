import { transformToString } from "../transforms/transform.js";
import { bytesToHex } from "../values/bytes.js";
import { COMPARISONS } from "./operations.js";
import type { Expression, LiteralInput, Term } from "./types.js";

/** Words that are no names in DuckDB's SQL without quotes: its `duckdb_keywords()` that are reserved, or of functions and types. */
const RESERVED: ReadonlySet<string> = new Set(
  `
  all analyse analyze and anti any array as asc asof asymmetric at authorization binary both by case
  cast check collate collation column columns concurrently constraint create cross default deferrable
  desc describe distinct do else end except false fetch for foreign freeze from full generated glob
  group having ilike in initially inner intersect into is isnull join lambda lateral leading left like
  limit map natural not notnull null offset on only or order outer overlaps pivot pivot_longer
  pivot_wider placing positional primary qualify references returning right select semi show similar
  some struct summarize symmetric table tablesample then to trailing true try_cast union unique unpack
  unpivot using variadic verbose when where window with
  `
    .trim()
    .split(/\s+/),
);

function quoteName(name: string): string {
  const isPlain = (part: string) =>
    /^[A-Za-z_][A-Za-z0-9_]*$/.test(part) && !RESERVED.has(part.toLowerCase());
  return name
    .split(".")
    .map((part) => (isPlain(part) ? part : quoted(part, '"')))
    .join(".");
}

function quoted(text: string, mark: string): string {
  return `${mark}${text.replaceAll(mark, mark + mark)}${mark}`;
}

function termToString(term: Term): string {
  if (typeof term === "string") return quoteName(term);
  return `${transformToString(term.transform)}(${quoteName(term.source)})`;
}

function literalToString(value: LiteralInput): string {
  if (typeof value === "string") return quoted(value, "'");
  if (value instanceof Date) return `'${value.toISOString()}'`;
  if (value instanceof Uint8Array) return `'${bytesToHex(value).replace(/../g, "\\x$&")}'::BLOB`;
  return typeof value === "number" && !Number.isFinite(value) ? `'${value}'` : String(value);
}

/**
 * The expression as one writes it in DuckDB's SQL: `(origin = 'ATL' AND delay >= 60) OR note IS NULL`. A transform,
 * which SQL has not, stands as the spec calls it: `bucket[16](id) = 3`.
 */
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
      return `isnan(${termToString(expression.term)})`;
    case "not-nan":
      return `NOT isnan(${termToString(expression.term)})`;
    case "in":
    case "not-in": {
      if (expression.values.length === 0) return expression.type === "in" ? "FALSE" : "TRUE";
      const operator = expression.type === "in" ? "IN" : "NOT IN";
      return `${termToString(expression.term)} ${operator} (${expression.values.map(literalToString).join(", ")})`;
    }
    case "starts-with":
    case "not-starts-with": {
      const [term, prefix] = [termToString(expression.term), String(expression.value)];
      const is = expression.type === "starts-with";
      // What a pattern reads otherwise than as it stands, which no escape says in every SQL.
      if (/[\\%_]/.test(prefix)) return `${is ? "" : "NOT "}starts_with(${term}, ${literalToString(prefix)})`;
      return `${term} ${is ? "LIKE" : "NOT LIKE"} ${literalToString(`${prefix}%`)}`;
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
