import type { FieldId, NestedField } from "../../iceberg/index.js";
import { quoteIdentifier, quoteString } from "./tokens.js";

/**
 * How columns are called in SQL between us and DuckDB, in one place.
 *
 * DuckDB takes names that differ by the case of their letters for one, and has columns that no table has; names of
 * Iceberg are any text, and differ where they differ. So a relation has names of our own: a column is `c` with its
 * field id, and what we add (the position of a row, the number of its task) is `m` with a name. A field id gives no
 * `m`, and nothing that a user writes gives either: they cannot meet.
 *
 * The reader's names stand at the edge, where SQL of a user or a result sees them: `readerNames`.
 */
type Named = Pick<NestedField, "id" | "name">;

/** A table's column in a relation. Needs no quotes. */
export function columnName({ id }: Pick<NestedField, "id">): string {
  return `c${id}`;
}

/** A column in a relation that is none of the table's own: `_pos` is `m_pos`. Needs no quotes. */
export function internalName({ name }: Pick<NestedField, "name">): string {
  return `m${name}`;
}

/** The name as DuckDB compares it: ASCII letters alone have a case for it. */
export function foldName(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/**
 * The names that a reader's SQL sees columns by, in their order: their own, where DuckDB can tell them apart. Where it
 * cannot, and for what it has no name for (the empty one), the name with the field's id: `a#1` and `A#2`.
 *
 * @param added columns that come after the table's own, which take precedence: `_pos#2147483645` beside a user's `_pos`.
 */
export function readerNames(fields: readonly Named[], added: readonly Named[] = []): string[] {
  const folded = fields.map(({ name }) => foldName(name));
  const uses = new Map<string, number>();
  for (const name of folded) uses.set(name, (uses.get(name) ?? 0) + 1);
  const taken = new Set(folded);
  const own = fields.map((field, i) =>
    uses.get(folded[i] as string) === 1 && isSpeakable(field.name) ? field.name : withId(field, taken),
  );
  const more = added.map((field) => {
    if (taken.has(foldName(field.name))) return withId(field, taken);
    taken.add(foldName(field.name));
    return field.name;
  });
  return [...own, ...more];
}

/**
 * The names that a struct has for its members in SQL, in a relation and at the edge: nothing of ours lives in a struct,
 * and under their own names DuckDB reads them from files as they are.
 */
export function memberNames(members: readonly Named[]): string[] {
  return readerNames(members);
}

/** True for a name that SQL can say and a file keep: not empty, no NUL (which ends a statement's text), real characters. */
export function isSpeakable(name: string): boolean {
  return name !== "" && !/[\0\p{Surrogate}]/u.test(name);
}

function withId({ id, name }: Named, taken: Set<string>): string {
  let unique = `${name.replace(/[\0\p{Surrogate}]/gu, "\ufffd")}#${id}`;
  while (taken.has(foldName(unique))) unique += "#";
  taken.add(foldName(unique));
  return unique;
}

/**
 * SQL for a field in a relation, or inside the structs of one; `undefined` where structs do not lead to it.
 *
 * @param alias of the relation, where there are others beside it.
 */
export function fieldSql(fields: readonly NestedField[], id: FieldId, alias?: string): string | undefined {
  for (const field of fields) {
    const column = alias === undefined ? columnName(field) : `${alias}.${columnName(field)}`;
    const found = field.id === id ? column : memberOf(field, id, column);
    if (found !== undefined) return found;
  }
  return undefined;
}

function memberOf({ type }: NestedField, id: FieldId, sql: string): string | undefined {
  if (type.type !== "struct") return undefined;
  const names = memberNames(type.fields);
  for (const [i, member] of type.fields.entries()) {
    const inner = `struct_extract(${sql}, ${quoteString(names[i] as string)})`;
    const found = member.id === id ? inner : memberOf(member, id, inner);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A relation's columns under the reader's names. */
export interface Edge {
  /** A SELECT of the relation's columns, in order. */
  readonly sql: string;
  /** The columns' names in it, not quoted. */
  readonly names: readonly string[];
}

/**
 * Where a user's SQL meets a relation.
 *
 * @param added columns that the relation has beside the table's own.
 * @param value SQL for a column, where it is not the column itself.
 * @param hidden more that is selected, under names that no column has.
 */
export function edgeOf(
  relation: string,
  fields: readonly NestedField[],
  added: readonly NestedField[] = [],
  value: (field: NestedField, column: string) => string = (_, column) => column,
  hidden: readonly string[] = [],
): Edge {
  const names = readerNames(fields, added);
  const columns = [
    ...fields.map((field) => value(field, columnName(field))),
    ...added.map((field) => internalName(field)),
  ].map((column, i) => `${column} AS ${quoteIdentifier(names[i] as string)}`);
  return { sql: `SELECT ${[...columns, ...hidden].join(", ")} FROM ${relation}`, names };
}

/**
 * A name for an edge's rows, quoted, which no column has: in an expression `a.b` shall be the member of a struct. Where
 * they have none, DuckDB calls them `unnamed_subquery`.
 */
export function aliasOf({ names }: Edge): string {
  const taken = new Set(names.map(foldName));
  let alias = "rows";
  while (taken.has(alias)) alias += "#";
  return quoteIdentifier(alias);
}
