import type { Expression, LiteralInput, NestedField, PrimitiveType } from "../../iceberg/index.js";
import { foldName } from "../text/names.js";
import type { Constant } from "../types/constants.js";
import { constantOf } from "../types/primitives.js";
import { momentOf } from "./moments.js";
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
  const columns = columnsOf(reference, fields);
  return columns && whereFilter(reference.select ?? {}, columns);
}

/** What the SELECT of a reference calls its columns; `undefined` where its WHERE is no filter of the table's rows. */
export function columnsOf(
  { select, node, parts, alias }: TableReference,
  fields: readonly NestedField[],
): Columns | undefined {
  // A sample is drawn before WHERE: reading fewer files would change it. Column aliases rename what WHERE names.
  if (!select || select.sample || node.sample || node.column_name_alias) return undefined;
  if (!filtered(select.from_table).includes(node)) return undefined;
  const qualifier = foldName(alias ?? parts.at(-1) ?? "");
  const folded = parts.map(foldName);
  const named = new Set([qualifier, ...folded]);
  const inFull = alias === undefined ? folded : [];
  return { qualifier, inFull, named, alone: select.from_table === node, fields };
}

/**
 * The same of a predicate over the columns of one table, which has no name in it.
 *
 * @param statement a SELECT with the predicate as its WHERE clause, parsed.
 */
export function predicateFilter(statement: Node, fields: readonly NestedField[]): Expression | undefined {
  const select = isNode(statement.node) ? statement.node : {};
  if (select.type !== "SELECT_NODE" || select.sample) return undefined;
  return whereFilter(select, { qualifier: undefined, inFull: [], named: new Set(), alone: true, fields });
}

function whereFilter({ where_clause: where }: Node, columns: Columns): Expression | undefined {
  if (!isNode(where)) return undefined;
  return conjunction(conjuncts(where).map((conjunct) => predicate(conjunct, columns)));
}

/** What columns may be called. Names are folded: SQL's do not differ by case. */
export interface Columns {
  readonly qualifier: string | undefined;
  /** The parts of the table's name, where it has no alias that stands for all of them. */
  readonly inFull: readonly string[];
  /** Parts of the table's name: what starts with one may be a column named in full, and no member of a struct. */
  readonly named: ReadonlySet<string>;
  /** True where the SELECT reads no other table, so that a column without qualifier is this table's. */
  readonly alone: boolean;
  readonly fields: readonly NestedField[];
}

/**
 * The tables of a FROM whose rows a WHERE leaves out for good: an outer join makes rows of nulls in the place of those
 * that were left out before it.
 */
function filtered(from: unknown): Node[] {
  if (!isNode(from)) return [];
  if (from.type !== "JOIN") return [from];
  if (!["REGULAR", "CROSS", undefined].includes(from.ref_type as string)) return [];
  const left = ["INNER", "LEFT"].includes(String(from.join_type)) ? filtered(from.left) : [];
  const right = ["INNER", "RIGHT"].includes(String(from.join_type)) ? filtered(from.right) : [];
  return [...left, ...right];
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

type Comparison = "eq" | "not-eq" | "lt" | "lt-eq" | "gt" | "gt-eq";

/** What DuckDB calls a comparison; the one with its sides exchanged; and the one that is true where it is false. */
const COMPARISONS: ReadonlyMap<string, { is: Comparison; mirrored: Comparison; negated: string }> = new Map([
  ["COMPARE_EQUAL", { is: "eq", mirrored: "eq", negated: "COMPARE_NOTEQUAL" }],
  ["COMPARE_NOTEQUAL", { is: "not-eq", mirrored: "not-eq", negated: "COMPARE_EQUAL" }],
  ["COMPARE_LESSTHAN", { is: "lt", mirrored: "gt", negated: "COMPARE_GREATERTHANOREQUALTO" }],
  ["COMPARE_LESSTHANOREQUALTO", { is: "lt-eq", mirrored: "gt-eq", negated: "COMPARE_GREATERTHAN" }],
  ["COMPARE_GREATERTHAN", { is: "gt", mirrored: "lt", negated: "COMPARE_LESSTHANOREQUALTO" }],
  ["COMPARE_GREATERTHANOREQUALTO", { is: "gt-eq", mirrored: "lt-eq", negated: "COMPARE_LESSTHAN" }],
]);

/** The other tests and connectives that have a negation of their own. */
const NEGATIONS: ReadonlyMap<string, string> = new Map([
  ["OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL"],
  ["OPERATOR_IS_NOT_NULL", "OPERATOR_IS_NULL"],
  ["COMPARE_IN", "COMPARE_NOT_IN"],
  ["COMPARE_NOT_IN", "COMPARE_IN"],
  ["CONJUNCTION_AND", "CONJUNCTION_OR"],
  ["CONJUNCTION_OR", "CONJUNCTION_AND"],
]);

/** A filter that `node` implies; `undefined` where none is certain. */
function predicate(node: Node, columns: Columns): Expression | undefined {
  const children = childrenOf(node);
  const [first, ...others] = children;
  switch (node.type) {
    case "COLUMN_REF": {
      const column = columnOf(node, columns);
      return column?.type.type === "boolean" ? { type: "eq", term: column.name, value: true } : undefined;
    }
    case "CONJUNCTION_AND":
      return conjunction(children.map((child) => predicate(child, columns)));
    case "CONJUNCTION_OR": {
      // Every branch must be known: one that is not could be true for any row.
      const branches = children.map((child) => predicate(child, columns));
      if (branches.length < 2 || branches.includes(undefined)) return undefined;
      return branches.reduce((left, right) => left && right && { type: "or", left, right });
    }
    case "OPERATOR_NOT":
      return first && negation(first, columns);
    case "OPERATOR_IS_NULL":
    case "OPERATOR_IS_NOT_NULL": {
      const column = columnOf(first, columns);
      return column && { type: node.type === "OPERATOR_IS_NULL" ? "is-null" : "not-null", term: column.name };
    }
    case "COMPARE_IN":
    case "COMPARE_NOT_IN": {
      const column = columnOf(first, columns);
      const values = column ? others.map((child) => literalOf(column, child)) : [];
      if (!column || values.length === 0 || values.includes(undefined)) return undefined;
      if (node.type === "COMPARE_NOT_IN" && isFloating(column)) return undefined;
      const type = node.type === "COMPARE_IN" ? "in" : "not-in";
      return { type, term: column.name, values: values as LiteralInput[] };
    }
    case "SUBQUERY":
      return membership(node, columns);
    case "COMPARE_BETWEEN": {
      const lower = comparison("gt-eq", node.input, node.lower, columns);
      const upper = comparison("lt-eq", node.input, node.upper, columns);
      // The three are compared as one type: beside a float, whole numbers are rounded, and this bound with them.
      const column = columnOf(node.input, columns);
      const bounds = [node.lower, node.upper].map((bound) => column && literalOf(column, bound));
      return bounds.includes(undefined) ? undefined : conjunction([lower, upper]);
    }
    case "FUNCTION":
      return functionTest(node, first, others[0], columns);
    default: {
      const known = COMPARISONS.get(String(node.type));
      if (!known) return undefined;
      return (
        comparison(known.is, node.left, node.right, columns) ??
        comparison(known.mirrored, node.right, node.left, columns)
      );
    }
  }
}

/** A filter that is implied where `node` is false. A test of a null is null either way. */
function negation(node: Node, columns: Columns): Expression | undefined {
  const type = String(node.type);
  if (type === "OPERATOR_NOT") {
    const [child] = childrenOf(node);
    return child && predicate(child, columns);
  }
  if (type === "COLUMN_REF") {
    const column = columnOf(node, columns);
    return column?.type.type === "boolean" ? { type: "eq", term: column.name, value: false } : undefined;
  }
  const negated = COMPARISONS.get(type)?.negated ?? NEGATIONS.get(type);
  if (negated === undefined) return undefined;
  if (!type.startsWith("CONJUNCTION")) return predicate({ ...node, type: negated }, columns);
  const children = childrenOf(node).map((child) => ({ type: "OPERATOR_NOT", children: [child] }));
  return predicate({ type: negated, children }, columns);
}

function childrenOf(node: Node): readonly Node[] {
  return Array.isArray(node.children) ? node.children.filter(isNode) : [];
}

function comparison(
  type: Comparison,
  side: unknown,
  constant: unknown,
  columns: Columns,
): Expression | undefined {
  const column = columnOf(side, columns);
  // For DuckDB NaN is the greatest number, and equal to itself; bounds leave NaN out, so they do not bound it from above.
  if (!column || (isFloating(column) && (type === "gt" || type === "gt-eq" || type === "not-eq")))
    return undefined;
  const value = literalOf(column, constant);
  return value === undefined ? undefined : { type, term: column.name, value };
}

function isFloating({ type }: Column): boolean {
  return type.type === "float" || type.type === "double";
}

/** `[NOT] column LIKE 'abc%'`, `starts_with(column, 'abc')` and `isnan(column)`. */
function functionTest(
  node: Node,
  argument: unknown,
  constant: unknown,
  columns: Columns,
): Expression | undefined {
  const name = String(node.function_name);
  // What `column IN list` is.
  if (name === "contains") return isAmong(columnOf(constant, columns), argument);
  const column = columnOf(argument, columns);
  if (column === undefined) return undefined;
  const { name: term, type } = column;
  if (name === "isnan") return isFloating(column) ? { type: "is-nan", term } : undefined;
  const literal = readConstant(constant);
  if (type.type !== "string" || literal?.kind !== "string") return undefined;
  if (name === "starts_with" || name === "prefix" || name === "^@") {
    return literal.text === "" ? undefined : { type: "starts-with", term, value: literal.text };
  }
  // A backslash is a character like any other in a pattern, but a reader may have meant more by it.
  const [, value, rest] = /^([^%_\\]+)(%*)$/.exec(literal.text) ?? [];
  if (value === undefined || (name !== "~~" && name !== "!~~")) return undefined;
  const isLike = name === "~~";
  if (rest === "") return { type: isLike ? "eq" : "not-eq", term, value };
  return { type: isLike ? "starts-with" : "not-starts-with", term, value };
}

/** `column = ANY(list)` and `column IN (SELECT unnest(list))`, which are one tree. */
function membership(node: Node, columns: Columns): Expression | undefined {
  if (node.subquery_type !== "ANY" || node.comparison_type !== "COMPARE_EQUAL") return undefined;
  const select = isNode(node.subquery) && isNode(node.subquery.node) ? node.subquery.node : {};
  const [unnest, ...more] = Array.isArray(select.select_list) ? select.select_list.filter(isNode) : [];
  const isPlain = Object.keys(select).every((key) =>
    ["type", "select_list", "from_table", "aggregate_handling"].includes(key),
  );
  const from = isNode(select.from_table) ? select.from_table.type : undefined;
  if (!isPlain || select.type !== "SELECT_NODE" || from !== "EMPTY" || !unnest || more.length > 0)
    return undefined;
  if (unnest.function_name !== "unnest" || unnest.distinct || unnest.filter) return undefined;
  const [list, ...others] = childrenOf(unnest);
  return others.length === 0 ? isAmong(columnOf(node.child, columns), list) : undefined;
}

/** That a column has one of the values of a constant list. */
function isAmong(column: Column | undefined, list: unknown): Expression | undefined {
  const constants = column && readList(list);
  if (!column || !constants) return undefined;
  // Texts of a list are VARCHAR, and not, as one alone, whatever they are compared with.
  if (constants.some(({ kind }) => kind === "string") && column.type.type !== "string") return undefined;
  const values = constants.map((constant) => constantOf(column.type, constant));
  if (values.includes(undefined)) return undefined;
  return values.length === 0
    ? { type: "false" }
    : { type: "in", term: column.name, values: values as LiteralInput[] };
}

/** A column, or a member of structs by the names that lead to it. */
interface Column {
  readonly name: string;
  readonly type: PrimitiveType;
}

export function columnOf(
  node: unknown,
  { qualifier, inFull, named, alone, fields }: Columns,
): Column | undefined {
  if (!isNode(node) || node.class !== "COLUMN_REF" || !Array.isArray(node.column_names)) return undefined;
  const names = (node.column_names as string[]).map(foldName);
  const [first = "", ...others] = names;
  // In `sales.sales.day` the second part may be the table, and may be a struct of its.
  if (inFull.length > 1 && names.length > inFull.length && inFull.every((part, i) => part === names[i]))
    return undefined;
  if (others.length > 0 && first === qualifier) return columnAt(fields, others);
  if (!alone || (others.length > 0 && named.has(first))) return undefined;
  return columnAt(fields, names);
}

/** The column that names lead to, where they can lead to no other. */
function columnAt(fields: readonly NestedField[], [first, ...others]: readonly string[]): Column | undefined {
  const found = fields.filter(({ name }) => foldName(name) === first);
  const [field] = found;
  // A dot in a name would read as a path into a struct.
  if (found.length !== 1 || field === undefined || field.name.includes(".")) return undefined;
  const { name, type } = field;
  if (type.type === "struct") {
    const member = others.length === 0 ? undefined : columnAt(type.fields, others);
    return member && { name: `${name}.${member.name}`, type: member.type };
  }
  if (others.length > 0 || type.type === "list" || type.type === "map") return undefined;
  return { name, type };
}

/** The constant in a form that binds to the column and means what DuckDB makes of it; `undefined` where that is not sure. */
function literalOf({ type }: Column, node: unknown): LiteralInput | undefined {
  const constant = readConstant(node);
  return constant && constantOf(type, constant);
}

const INTEGER_TYPES = ["TINYINT", "SMALLINT", "INTEGER", "BIGINT"];

/** A constant of a statement; `undefined` for what is none, or of a type that is not understood. */
function readConstant(node: unknown): Constant | undefined {
  if (!isNode(node)) return undefined;
  const moment = momentOf(node, readConstant);
  if (moment !== undefined) return moment;
  if (node.type === "OPERATOR_CAST" && isNode(node.cast_type) && node.try_cast !== true) {
    const inner = readConstant(node.child);
    return inner?.kind === "string" ? castConstant(inner.text, node.cast_type) : undefined;
  }
  if (node.type !== "VALUE_CONSTANT" || !isNode(node.value) || !isNode(node.value.type)) return undefined;
  // What is empty is left out of the tree.
  const { type, is_null: isNull } = node.value as { readonly type: Node; readonly is_null: unknown };
  const { value = type.id === "VARCHAR" && isNull === false ? "" : undefined } = node.value;
  if (typeof value === "string" && type.id === "VARCHAR") return { kind: "string", text: value };
  if (typeof value === "string" && type.id === "BIGINT") return { kind: "integer", value: BigInt(value) };
  if (typeof value === "boolean" && type.id === "BOOLEAN") return { kind: "boolean", value };
  if (typeof value !== "number" || !Number.isSafeInteger(value)) return undefined;
  if (INTEGER_TYPES.includes(String(type.id))) return { kind: "integer", value: BigInt(value) };
  if (type.id !== "DECIMAL" || !isNode(type.type_info)) return undefined;
  return { kind: "decimal", unscaled: BigInt(value), scale: Number(type.type_info.scale ?? 0) };
}

/** The text of a whole number, and of a number: as `valueSql` writes them. */
const WHOLE = /^-?\d{1,38}$/;
const NUMBER = /^-?(\d+(\.\d+)?(e[+-]?\d+)?)$/i;

/** What a text is as another type, where that is certain. */
function castConstant(text: string, type: Node): Constant | undefined {
  switch (type.id) {
    case "DATE":
      return { kind: "date", text };
    case "TIMESTAMP":
      return { kind: "timestamp", text };
    case "TIMESTAMP WITH TIME ZONE": {
      // The session's time zone is UTC, so that beside days and timestamps this is the timestamp in UTC.
      const [, moment] = /^([^+]+)\+00$/.exec(text) ?? [];
      return moment === undefined ? undefined : { kind: "timestamp", text: moment };
    }
    case "INTEGER":
    case "BIGINT":
    case "HUGEINT":
      return WHOLE.test(text) ? { kind: "integer", value: BigInt(text) } : undefined;
    case "DOUBLE":
      return NUMBER.test(text) ? { kind: "double", value: Number(text) } : undefined;
    case "BOOLEAN":
      return /^(t|f|true|false)$/.test(text) ? { kind: "boolean", value: text.startsWith("t") } : undefined;
    default:
      return undefined;
  }
}

/** The constants of a list, but nulls, which nothing is equal to; `undefined` where one of them is not understood. */
function readList(node: unknown): readonly Constant[] | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === "FUNCTION" && node.function_name === "list_value") {
    const children = childrenOf(node).filter(
      (child) => !(isNode(child.value) && child.value.is_null === true),
    );
    const constants = children.map(readConstant);
    return constants.includes(undefined) ? undefined : (constants as Constant[]);
  }
  if (node.type !== "OPERATOR_CAST" || !isNode(node.cast_type) || node.cast_type.id !== "LIST")
    return undefined;
  const text = readConstant(node.child);
  const element = isNode(node.cast_type.type_info) ? node.cast_type.type_info.child_type : undefined;
  const [, inside] = text?.kind === "string" ? (/^\[([-+.\w,]*)\]$/.exec(text.text) ?? []) : [];
  if (inside === undefined || !isNode(element)) return undefined;
  const items = inside === "" ? [] : inside.split(",").filter((item) => item !== "NULL");
  const constants = items.map((item) => castConstant(item, element));
  return constants.includes(undefined) ? undefined : (constants as Constant[]);
}
