import { invalidArgument, unsupported } from "../../errors.js";

/** A column that a query reads, of one of its inputs. */
export interface InputColumn {
  readonly input: string;
  readonly column: string;
}

/** What a query's result is made of. */
export interface QueryLineage {
  /** By the names of its columns: of which their values are. */
  readonly columns: ReadonlyMap<string, readonly InputColumn[]>;
  /** What decides which rows there are, and how many: filters, joins, groups. */
  readonly rows: readonly InputColumn[];
}

/** A node of the tree that DuckDB's `json_serialize_sql` gives. */
type Node = { readonly [key: string]: unknown };

type Sources = ReadonlySet<InputColumn>;

interface Column {
  readonly name: string;
  readonly from: Sources;
  /** Of a join by USING the second of the two: `*` does not give it. */
  readonly isHidden?: boolean;
}

interface Relation {
  readonly name: string;
  readonly columns: readonly Column[];
}

interface Result {
  readonly columns: readonly Column[];
  readonly rows: Sources;
}

/** What names mean, from the inside out. */
interface Scope {
  readonly ctes: ReadonlyMap<string, Result>;
  readonly relations: readonly Relation[];
  readonly outer?: Scope | undefined;
}

const NONE: Sources = new Set();

/**
 * Says of which columns of its inputs a query's are, by the tree of DuckDB's parser. On a doubt it says more than there is,
 * and where it does not know a part of a query, nothing.
 *
 * @param inputs the columns of each, by its name in the query.
 * @throws LakehouseError INVALID_ARGUMENT for a query of a table that is no input; UNSUPPORTED_FEATURE
 */
export function queryLineage(tree: unknown, inputs: ReadonlyMap<string, readonly string[]>): QueryLineage {
  const known = new Map(
    [...inputs].map(([input, columns]): [string, Result] => [
      input,
      {
        columns: columns.map((column) => ({ name: column, from: new Set([{ input, column }]) })),
        rows: NONE,
      },
    ]),
  );
  const { columns, rows } = new Reader(known).query(tree, { ctes: new Map(), relations: [] });
  return { columns: new Map(columns.map(({ name, from }) => [name, plain(from)])), rows: plain(rows) };
}

function plain(sources: Sources): readonly InputColumn[] {
  const keyOf = ({ input, column }: InputColumn) => `${input}.${column}`;
  return [...sources].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

function union(...all: readonly Sources[]): Sources {
  return new Set(all.flatMap((each) => [...each]));
}

const allOf = (columns: readonly Column[]) => union(...columns.map(({ from }) => from));

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;
const fold = (name: string) => name.toLowerCase();

class Reader {
  readonly #inputs: ReadonlyMap<string, Result>;

  constructor(inputs: ReadonlyMap<string, Result>) {
    this.#inputs = inputs;
  }

  query(node: unknown, outer: Scope): Result {
    if (!isNode(node)) throw unknown("a query without a body");
    const scope = this.#withCtes(node, outer);
    if (node.type === "SELECT_NODE") return this.#select(node, scope);
    if (node.type === "SET_OPERATION_NODE") return this.#setOperation(node, scope);
    throw unknown(String(node.type));
  }

  #withCtes(node: Node, outer: Scope): Scope {
    const map = isNode(node.cte_map) ? list(node.cte_map.map) : [];
    const ctes = new Map(outer.ctes);
    for (const entry of map.filter(isNode)) {
      const { query, aliases } = isNode(entry.value) ? entry.value : {};
      const result = this.query(isNode(query) ? query.node : undefined, { ...outer, ctes: new Map(ctes) });
      ctes.set(fold(String(entry.key)), renamed(result, aliases));
    }
    return { ...outer, ctes };
  }

  #setOperation(node: Node, scope: Scope): Result {
    const [left, right] = [this.query(node.left, scope), this.query(node.right, scope)];
    if (node.setop_type !== "UNION" && node.setop_type !== "EXCEPT" && node.setop_type !== "INTERSECT")
      throw unknown(String(node.setop_type));
    const columns = left.columns.map(({ name, from }, i) => ({
      name,
      from: union(from, right.columns[i]?.from ?? NONE),
    }));
    // What both sides are of says which rows are alike.
    const alike = node.setop_type === "UNION" && node.setop_all !== false ? NONE : allOf(columns);
    return { columns, rows: union(left.rows, right.rows, alike, this.#of(node.modifiers, scope)) };
  }

  #select(node: Node, outer: Scope): Result {
    const from = this.#from(node.from_table, outer);
    const scope: Scope = { ctes: outer.ctes, relations: from.relations, outer };
    const columns: Column[] = [];
    // What a SELECT has said already can be named behind it.
    const said: Scope = { ctes: outer.ctes, relations: [{ name: "", columns }], outer: scope };
    const inItems: Scope = { ...scope, outer: { ...said, outer } };
    for (const item of list(node.select_list).filter(isNode)) {
      if (item.class === "STAR") columns.push(...star(item, from.relations));
      else columns.push({ name: nameOf(item), from: this.#of(item, inItems) });
    }
    const parts = [node.where_clause, node.having, node.qualify, node.group_expressions, node.modifiers];
    const isDistinct = list(node.modifiers).some(
      (modifier) => isNode(modifier) && modifier.type === "DISTINCT_MODIFIER",
    );
    const isByAll = node.aggregate_handling === "FORCE_AGGREGATES";
    return {
      columns,
      rows: union(from.rows, this.#of(parts, inItems), isDistinct || isByAll ? allOf(columns) : NONE),
    };
  }

  #from(node: unknown, outer: Scope): { readonly relations: readonly Relation[]; readonly rows: Sources } {
    if (!isNode(node) || node.type === "EMPTY") return { relations: [], rows: NONE };
    if (node.type === "BASE_TABLE") {
      const parts = [node.catalog_name, node.schema_name, node.table_name].flatMap(
        (part) => text(part) ?? [],
      );
      const name = parts.join(".");
      const found = parts.length === 1 ? (outer.ctes.get(fold(name)) ?? this.#inputs.get(name)) : undefined;
      if (found === undefined)
        throw invalidArgument(
          name,
          `The query reads ${name}, which is none of its inputs.`,
          "Name it in `changes` or `reads` of the task, and read it by that name.",
        );
      return named(node, parts.at(-1) as string, found);
    }
    if (node.type === "SUBQUERY") {
      const inner = isNode(node.subquery) ? node.subquery.node : undefined;
      return named(node, "", this.query(inner, { ...outer, relations: [] }));
    }
    if (node.type !== "JOIN" || node.ref_type === "NATURAL") throw unknown(String(node.type));
    const [left, right] = [this.#from(node.left, outer), this.#from(node.right, outer)];
    const using = new Set(list(node.using_columns).map((column) => fold(String(column))));
    const isUsed = ({ name }: Column) => using.has(fold(name));
    const keys = [...left.relations, ...right.relations].flatMap(({ columns }) => columns.filter(isUsed));
    const hidden = right.relations.map(({ name, columns }) => ({
      name,
      columns: columns.map((column) => (isUsed(column) ? { ...column, isHidden: true } : column)),
    }));
    const relations = [...left.relations, ...hidden];
    const condition = this.#of(node.condition, { ctes: outer.ctes, relations, outer });
    return { relations, rows: union(left.rows, right.rows, allOf(keys), condition) };
  }

  /** Of which columns an expression is, or whatever else has expressions in it. */
  #of(value: unknown, scope: Scope): Sources {
    if (Array.isArray(value)) return union(...value.map((each) => this.#of(each, scope)));
    if (!isNode(value)) return NONE;
    if (value.class === "COLUMN_REF") return column(list(value.column_names).map(String), scope);
    if (value.class === "STAR" || value.class === "LAMBDA") throw unknown(String(value.class));
    if (value.class === "SUBQUERY") {
      const inner = isNode(value.subquery) ? value.subquery.node : undefined;
      const { columns, rows } = this.query(inner, { ctes: scope.ctes, relations: [], outer: scope });
      return union(allOf(columns), rows, this.#of(value.child, scope));
    }
    return union(...Object.values(value).map((each) => this.#of(each, scope)));
  }
}

function named(node: Node, otherwise: string, { columns, rows }: Result) {
  const result = renamed({ columns, rows }, node.column_name_alias);
  return { relations: [{ name: text(node.alias) ?? otherwise, columns: result.columns }], rows };
}

function renamed({ columns, rows }: Result, names: unknown): Result {
  return { columns: columns.map((each, i) => ({ ...each, name: text(list(names)[i]) ?? each.name })), rows };
}

function star(item: Node, relations: readonly Relation[]): Column[] {
  if (item.expr !== undefined || item.columns === true || list(item.replace_list).length > 0)
    throw unknown("COLUMNS or REPLACE");
  const of = text(item.relation_name);
  const left = new Set(list(item.exclude_list).map((name) => fold(String(name))));
  return relations
    .filter(({ name }) => of === undefined || fold(name) === fold(of))
    .flatMap(({ columns }) => columns.filter(({ isHidden }) => of !== undefined || isHidden !== true))
    .filter(({ name }) => !left.has(fold(name)))
    .map(({ name, from }) => ({ name, from }));
}

function nameOf(item: Node): string {
  return text(item.alias) ?? String(list(item.column_names).at(-1) ?? "");
}

function column(names: readonly string[], scope: Scope | undefined): Sources {
  const [first = "", second] = names.map(fold);
  for (let at = scope; at !== undefined; at = at.outer) {
    const inRelation = at.relations.filter(({ name }) => second !== undefined && fold(name) === first);
    const wanted = inRelation.length > 0 ? second : first;
    const among = inRelation.length > 0 ? inRelation : at.relations;
    const found = among.flatMap(({ columns }) => columns.filter(({ name }) => fold(name) === wanted));
    if (found.length > 0) return allOf(found);
  }
  throw unknown(`the column ${names.join(".")}`);
}

function unknown(what: string) {
  return unsupported(
    "lineage",
    `Of which columns the query's are cannot be told: it has ${what}.`,
    "Write it with SELECT, joins, WITH, UNION, EXCEPT and INTERSECT alone.",
  );
}
