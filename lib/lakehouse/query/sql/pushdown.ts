import type { Expression, LiteralInput, NestedField, PrimitiveType } from "../../iceberg/index.js";
import { foldName } from "../text/names.js";
import { isNode, type Node, type TableReference } from "./statement.js";

/**
 * The part of a WHERE clause that says something about one table's columns alone, as a filter for planning: conjuncts
 * of `column op literal`. DuckDB evaluates the whole clause again, so this only has to be implied by it: on any
 * doubt about a conjunct it is left out, and pruning with the rest never changes a result.
 */
export function pushedFilter(
  reference: TableReference,
  fields: readonly NestedField[],
): Expression | undefined {
  const { select, node } = reference;
  // A sample is drawn before WHERE: reading fewer files would change it. Column aliases rename what WHERE names.
  if (!select || select.sample || node.sample || node.column_name_alias) return undefined;
  const tables = innerJoined(select.from_table);
  if (!tables?.includes(node) || !isNode(select.where_clause)) return undefined;
  const columns: Columns = {
    qualifier: foldName(reference.alias ?? reference.parts.at(-1) ?? ""),
    alone: tables.length === 1,
    fields,
  };
  return conjunction(conjuncts(select.where_clause).map((conjunct) => predicate(conjunct, columns)));
}

interface Columns {
  /** Folded: SQL names do not differ by case. */
  readonly qualifier: string;
  /** True where the SELECT reads no other table, so that a column without qualifier is this table's. */
  readonly alone: boolean;
  readonly fields: readonly NestedField[];
}

/** The tables of a FROM that joins them with inner and cross joins only; outer joins keep rows that WHERE would drop. */
function innerJoined(from: unknown): Node[] | undefined {
  if (!isNode(from)) return undefined;
  if (from.type !== "JOIN") return [from];
  if (from.join_type !== "INNER" || !["REGULAR", "CROSS", undefined].includes(from.ref_type as string))
    return undefined;
  const left = innerJoined(from.left);
  const right = innerJoined(from.right);
  return left && right && [...left, ...right];
}

function conjuncts(node: Node): Node[] {
  if (node.type !== "CONJUNCTION_AND" || !Array.isArray(node.children)) return [node];
  return node.children.filter(isNode).flatMap(conjuncts);
}

function conjunction(parts: readonly (Expression | undefined)[]): Expression | undefined {
  return parts
    .filter((part) => part !== undefined)
    .reduce<Expression | undefined>(
      (left, right) => (left ? { type: "and", left, right } : right),
      undefined,
    );
}

const MIRRORED: ReadonlyMap<string, Comparison> = new Map([
  ["COMPARE_EQUAL", "eq"],
  ["COMPARE_NOTEQUAL", "not-eq"],
  ["COMPARE_LESSTHAN", "gt"],
  ["COMPARE_LESSTHANOREQUALTO", "gt-eq"],
  ["COMPARE_GREATERTHAN", "lt"],
  ["COMPARE_GREATERTHANOREQUALTO", "lt-eq"],
]);
const COMPARISONS: ReadonlyMap<string, Comparison> = new Map([
  ["COMPARE_EQUAL", "eq"],
  ["COMPARE_NOTEQUAL", "not-eq"],
  ["COMPARE_LESSTHAN", "lt"],
  ["COMPARE_LESSTHANOREQUALTO", "lt-eq"],
  ["COMPARE_GREATERTHAN", "gt"],
  ["COMPARE_GREATERTHANOREQUALTO", "gt-eq"],
]);
type Comparison = "eq" | "not-eq" | "lt" | "lt-eq" | "gt" | "gt-eq";

/** A filter that `node` implies; `undefined` where none is certain. */
function predicate(node: Node, columns: Columns): Expression | undefined {
  const children = Array.isArray(node.children) ? node.children.filter(isNode) : [];
  const [first, ...others] = children;
  switch (node.type) {
    case "CONJUNCTION_AND":
      return conjunction(children.map((child) => predicate(child, columns)));
    case "CONJUNCTION_OR": {
      // Every branch must be known: one that is not could be true for any row.
      const branches = children.map((child) => predicate(child, columns));
      if (branches.length < 2 || branches.includes(undefined)) return undefined;
      return branches.reduce((left, right) => left && right && { type: "or", left, right });
    }
    case "OPERATOR_IS_NULL":
    case "OPERATOR_IS_NOT_NULL": {
      const field = columnField(first, columns);
      return field && { type: node.type === "OPERATOR_IS_NULL" ? "is-null" : "not-null", term: field.name };
    }
    case "COMPARE_IN":
    case "COMPARE_NOT_IN": {
      const field = columnField(first, columns);
      const values = field ? others.map((child) => literalFor(field, child)) : [];
      if (!field || values.length === 0 || values.includes(undefined)) return undefined;
      if (node.type === "COMPARE_NOT_IN" && isFloating(field)) return undefined;
      const type = node.type === "COMPARE_IN" ? "in" : "not-in";
      return { type, term: field.name, values: values as LiteralInput[] };
    }
    case "COMPARE_BETWEEN": {
      const lower = comparison("gt-eq", node.input, node.lower, columns);
      const upper = comparison("lt-eq", node.input, node.upper, columns);
      // The three are compared as one type: beside a float, whole numbers are rounded, and this bound with them.
      const field = columnField(node.input, columns);
      const bounds = [node.lower, node.upper].map((bound) => field && literalFor(field, bound));
      return bounds.includes(undefined) ? undefined : conjunction([lower, upper]);
    }
    case "FUNCTION":
      return prefixTest(node, first, others[0], columns);
    default: {
      const straight = COMPARISONS.get(String(node.type));
      const mirrored = MIRRORED.get(String(node.type));
      if (!straight || !mirrored) return undefined;
      return (
        comparison(straight, node.left, node.right, columns) ??
        comparison(mirrored, node.right, node.left, columns)
      );
    }
  }
}

function comparison(
  type: Comparison,
  column: unknown,
  constant: unknown,
  columns: Columns,
): Expression | undefined {
  const field = columnField(column, columns);
  // For DuckDB NaN is the greatest number, and equal to itself; bounds leave NaN out, so they do not bound it from above.
  if (!field || (isFloating(field) && (type === "gt" || type === "gt-eq" || type === "not-eq")))
    return undefined;
  const value = literalFor(field, constant);
  return value === undefined ? undefined : { type, term: field.name, value };
}

function isFloating(field: NestedField): boolean {
  return field.type.type === "float" || field.type.type === "double";
}

/** `column LIKE 'abc%'` and `starts_with(column, 'abc')`. */
function prefixTest(
  node: Node,
  column: unknown,
  constant: unknown,
  columns: Columns,
): Expression | undefined {
  const field = columnField(column, columns);
  const literal = readLiteral(constant);
  if (field?.type.type !== "string" || literal?.kind !== "string") return undefined;
  const name = String(node.function_name);
  const prefix = name === "~~" ? /^([^%_\\]+)%$/.exec(literal.text)?.[1] : literal.text;
  if (!prefix || !["~~", "starts_with", "prefix", "^@"].includes(name)) return undefined;
  return { type: "starts-with", term: field.name, value: prefix };
}

function columnField(node: unknown, { qualifier, alone, fields }: Columns): NestedField | undefined {
  if (!isNode(node) || node.class !== "COLUMN_REF" || !Array.isArray(node.column_names)) return undefined;
  const names = (node.column_names as string[]).map(foldName);
  const qualified = names.length === 2 && names[0] === qualifier;
  if (!qualified && !(alone && names.length === 1)) return undefined;
  const found = fields.filter((field) => foldName(field.name) === names.at(-1));
  // A dot in a name would read as a path into a struct.
  return found.length === 1 && !found[0]?.name.includes(".") ? found[0] : undefined;
}

type Literal =
  | { readonly kind: "integer"; readonly value: bigint }
  | { readonly kind: "decimal"; readonly unscaled: bigint; readonly scale: number }
  | { readonly kind: "string" | "date" | "timestamp"; readonly text: string }
  | { readonly kind: "boolean"; readonly value: boolean };

const INTEGER_TYPES = ["TINYINT", "SMALLINT", "INTEGER", "BIGINT"];

function readLiteral(node: unknown): Literal | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === "OPERATOR_CAST" && isNode(node.cast_type)) {
    const inner = readLiteral(node.child);
    if (inner?.kind !== "string") return undefined;
    if (node.cast_type.id === "DATE") return { kind: "date", text: inner.text };
    return node.cast_type.id === "TIMESTAMP" ? { kind: "timestamp", text: inner.text } : undefined;
  }
  if (node.type !== "VALUE_CONSTANT" || !isNode(node.value) || !isNode(node.value.type)) return undefined;
  const { type, value } = node.value;
  if (typeof value === "string" && type.id === "VARCHAR") return { kind: "string", text: value };
  if (typeof value === "string" && type.id === "BIGINT") return { kind: "integer", value: BigInt(value) };
  if (typeof value === "boolean" && type.id === "BOOLEAN") return { kind: "boolean", value };
  if (typeof value !== "number" || !Number.isSafeInteger(value)) return undefined;
  if (INTEGER_TYPES.includes(String(type.id))) return { kind: "integer", value: BigInt(value) };
  if (type.id !== "DECIMAL" || !isNode(type.type_info)) return undefined;
  return { kind: "decimal", unscaled: BigInt(value), scale: Number(type.type_info.scale ?? 0) };
}

/** The literal in a form that binds to the field and means what DuckDB makes of it; `undefined` where that is not sure. */
function literalFor(field: NestedField, node: unknown): LiteralInput | undefined {
  const literal = readLiteral(node);
  if (!literal) return undefined;
  const type = field.type as PrimitiveType;
  switch (type.type) {
    case "boolean":
      return literal.kind === "boolean" ? literal.value : undefined;
    case "int":
      if (literal.kind !== "integer" || BigInt.asIntN(32, literal.value) !== literal.value) return undefined;
      return Number(literal.value);
    case "long":
      return literal.kind === "integer" ? literal.value : undefined;
    case "double":
      if (literal.kind === "integer") return Number(literal.value);
      return literal.kind === "decimal" ? Number(literal.unscaled) / 10 ** literal.scale : undefined;
    case "decimal":
      return decimalText(literal, type.precision, type.scale);
    case "string":
      return literal.kind === "string" ? literal.text : undefined;
    case "date":
      return (literal.kind === "string" || literal.kind === "date") && isDay(literal.text)
        ? literal.text
        : undefined;
    case "timestamp":
      return timestampText(literal);
    case "timestamptz": {
      // The session's time zone is UTC.
      const text = timestampText(literal);
      return text && `${text}+00:00`;
    }
    default:
      return undefined;
  }
}

function decimalText(literal: Literal, precision: number, scale: number): string | undefined {
  if (literal.kind !== "integer" && literal.kind !== "decimal") return undefined;
  const [unscaled, from] =
    literal.kind === "integer" ? [literal.value, 0] : [literal.unscaled, literal.scale];
  if (from > scale) return undefined;
  const digits = String(unscaled < 0n ? -unscaled : unscaled) + "0".repeat(scale - from);
  if (digits.length > precision) return undefined;
  const padded = digits.padStart(scale + 1, "0");
  const sign = unscaled < 0n ? "-" : "";
  return scale === 0 ? sign + padded : `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
}

function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

function timestampText(literal: Literal): string | undefined {
  if (literal.kind === "integer" || literal.kind === "decimal" || literal.kind === "boolean")
    return undefined;
  const { text, kind } = literal;
  if (isDay(text)) return `${text}T00:00:00`;
  if (kind === "date") return undefined;
  const match = /^(\d{4}-\d{2}-\d{2})[ T]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(\.\d{1,6})?$/.exec(text);
  return match && isDay(match[1] ?? "") ? text.replace(" ", "T") : undefined;
}
