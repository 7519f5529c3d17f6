import { and, type Expression, type NestedField, type Term } from "../../iceberg/index.js";
import { foldName } from "../text/names.js";
import { isKeyword, toByteString, tokenize } from "../text/tokens.js";
import { type Columns, columnOf, columnsOf, pushedFilter } from "./pushdown.js";
import { isNode, type Node, type TableReference } from "./statement.js";
import type { ViewText } from "./views.js";

/*
 * The filter of a query around a view leaves out files of the view's tables, where a column of the view is a column of
 * a table, and where leaving out rows before the view's query is the same as leaving them out behind it.
 */

/** A filter that all rows of interest pass, over columns of these names and types: on any doubt it has no part in them. */
export type Narrowing = (fields: readonly NestedField[]) => Expression | undefined;

/**
 * What narrows a table that a view reads: the view's own filter, and that of the query around it.
 *
 * @param around what narrows the view.
 * @param statement the view's.
 * @param reference the table's, in the view.
 */
export function narrowedThrough(
  around: Narrowing,
  statement: Node,
  view: ViewText,
  reference: TableReference,
): Narrowing {
  const { node: select } = statement;
  return (fields) => {
    const own = pushedFilter(reference, fields);
    const columns = columnsOf(reference, fields);
    if (!isNode(select) || reference.select !== select || columns === undefined || !isRowwise(select, view))
      return own;
    const shown = shownColumns(select, view, columns);
    const outer = around(shown.map(({ column }) => column));
    const translated = outer && renamed(outer, new Map(shown.map(({ column, of }) => [column.name, of])));
    return own && translated ? and(own, translated) : (own ?? translated);
  };
}

/** Whether rows that go before a SELECT are those that have the same values in its result: no row is made by looking at such. */
function isRowwise(select: Node, { sql }: ViewText): boolean {
  const { modifiers, group_expressions: keys, select_list: list } = select;
  const isKept = (modifier: unknown) =>
    isNode(modifier) &&
    (modifier.type === "ORDER_MODIFIER" ||
      (modifier.type === "DISTINCT_MODIFIER" && modifier.distinct_on_targets === undefined));
  return (
    select.type === "SELECT_NODE" &&
    select.qualify === undefined &&
    !(keys !== undefined && hasTotals(sql)) &&
    (modifiers === undefined || (Array.isArray(modifiers) && modifiers.every(isKept))) &&
    !hasWindow(list)
  );
}

/** Totals of groups are rows of nulls that all others make. The tree does not say where a set of keys is empty; the text does. */
function hasTotals(sql: string): boolean {
  return tokenize(toByteString(sql)).some((token) => isKeyword(token, "ROLLUP", "CUBE", "SETS"));
}

function hasWindow(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasWindow);
  if (!isNode(value) || value.type === "SELECT_NODE") return false;
  return value.class === "WINDOW" || Object.values(value).some(hasWindow);
}

interface ShownColumn {
  /** As a field of the name that the view shows. */
  readonly column: NestedField;
  /** The column's full name in the table. */
  readonly of: string;
}

/** The columns of a view that are columns of one of its tables. */
function shownColumns(select: Node, { schema, queryNames }: ViewText, columns: Columns): ShownColumn[] {
  const items = (Array.isArray(select.select_list) ? select.select_list : []).map((item) =>
    itemOf(item, columns),
  );
  const isByPlace = queryNames === undefined;
  // What gives columns that are not known could give one of any name, or put any in a place.
  const known = items.filter((item) => item !== undefined && !(isByPlace && item.kind === "star")) as Item[];
  if (known.length < items.length) return [];
  return schema.fields.flatMap(({ name }, i): ShownColumn[] => {
    const said = foldName(queryNames?.[i] ?? "");
    const makers = isByPlace
      ? known.slice(i, i + 1)
      : known.filter((item) => (item.kind === "star" ? item.has(said) : item.name === said));
    const [item] = makers;
    if (makers.length !== 1 || item === undefined || name.includes(".")) return [];
    if (item.kind === "named") return item.column === undefined ? [] : [shownAs(name, item.column)];
    const field = columns.fields.find((each) => foldName(each.name) === said);
    return field === undefined || field.name.includes(".") ? [] : [shownAs(name, field)];
  });
}

function shownAs(name: string, { name: of, type }: Pick<NestedField, "name" | "type">): ShownColumn {
  return { column: { id: 0, name, required: false, type }, of };
}

/** An item of a SELECT list: a column or another value by its folded name, or all columns of the table. */
type Item =
  | { readonly kind: "named"; readonly name: string; readonly column: ReturnType<typeof columnOf> }
  | { readonly kind: "star"; readonly has: (folded: string) => boolean };

function itemOf(item: unknown, columns: Columns): Item | undefined {
  if (!isNode(item)) return undefined;
  const { fields, alone } = columns;
  if (item.class === "STAR") {
    const isPlain = ["columns", "expr", "replace_list", "rename_list", "relation_name"].every(
      (key) => item[key] === undefined || item[key] === false,
    );
    if (!alone || !isPlain) return undefined;
    const left = Array.isArray(item.exclude_list) ? item.exclude_list : [];
    if (left.some((name) => typeof name !== "string")) return undefined;
    const gone = new Set(left.map((name) => foldName(String(name))));
    const names = fields.map(({ name }) => foldName(name)).filter((name) => !gone.has(name));
    // Those that differ by case have other names in SQL.
    return { kind: "star", has: (folded) => names.filter((name) => name === folded).length === 1 };
  }
  const alias = typeof item.alias === "string" && item.alias !== "" ? item.alias : undefined;
  const column = columnOf(item, columns);
  if (item.class === "COLUMN_REF" && Array.isArray(item.column_names)) {
    return { kind: "named", name: foldName(alias ?? String(item.column_names.at(-1))), column };
  }
  if (alias !== undefined) return { kind: "named", name: foldName(alias), column };
  // Its text is its name, which no column has that can be said without quotes.
  const isCall = item.class === "FUNCTION" && !/extract/.test(String(item.function_name));
  return isCall ? { kind: "named", name: "", column: undefined } : undefined;
}

/** A filter over the table's own names. */
function renamed(filter: Expression, names: ReadonlyMap<string, string>): Expression {
  switch (filter.type) {
    case "true":
    case "false":
      return filter;
    case "and":
    case "or":
      return { ...filter, left: renamed(filter.left, names), right: renamed(filter.right, names) };
    case "not":
      return { ...filter, child: renamed(filter.child, names) };
    default:
      return { ...filter, term: termOf(filter.term, names) };
  }
}

function termOf(term: Term, names: ReadonlyMap<string, string>): Term {
  if (typeof term !== "string") return { ...term, source: termOf(term.source, names) as string };
  const [shown = "", ...members] = term.split(".");
  return [names.get(shown) ?? shown, ...members].join(".");
}
