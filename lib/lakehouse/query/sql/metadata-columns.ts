import type { LakehouseError } from "../../errors.js";
import { METADATA_COLUMNS, type NestedField } from "../../iceberg/index.js";
import { invalidSql } from "../errors.js";
import type { Edit } from "../text/edits.js";
import { foldName } from "../text/names.js";
import {
  identifierName,
  isKeyword,
  quoteIdentifier,
  type Token,
  toByteString,
  tokenize,
} from "../text/tokens.js";
import { isNode, type Node, type TableReference } from "./statement.js";

/*
 * The columns that every table has without its schema saying so. A table gets those that its SELECT names, and each star
 * of that SELECT says that they are not meant: so a statement that names none is the same as ever.
 */

/** True where a text has one of their names at all. */
export function mayNameMetadata(body: string): boolean {
  return tokenize(body).some(
    (token) =>
      (token.kind === "word" || token.kind === "quoted") && isMetadataName(foldName(identifierName(token))),
  );
}

function isMetadataName(folded: string): boolean {
  return METADATA_COLUMNS.some(({ name }) => name === folded);
}

/** A reference to a table of the lakehouse. */
export interface KnownTable {
  readonly reference: TableReference;
  /** The table's columns, at the state that is meant. */
  readonly fields: readonly NestedField[];
  /** Those that it has beside them. */
  readonly metadataColumns: readonly NestedField[];
}

/** A table with the metadata columns that it is given. */
export interface Extended extends KnownTable {
  readonly added: readonly NestedField[];
}

/**
 * The tables of a statement whose SELECT, or a query inside of it, names metadata columns that they have. Their own
 * columns come first, and so do those of tables beside them where a name does not say whose it is.
 */
export function extend(tables: readonly KnownTable[]): Extended[] {
  return tables.flatMap((table) => {
    const { select } = table.reference;
    const beside = tables.filter((other) => other !== table && other.reference.select === select);
    const others = beside.flatMap(({ fields }) => fields);
    const added = namedMetadata(table, others);
    return added.length === 0 ? [] : [{ ...table, added }];
  });
}

function namedMetadata(
  { reference, fields, metadataColumns }: KnownTable,
  beside: readonly NestedField[],
): readonly NestedField[] {
  const { select } = reference;
  if (!select || reference.isSelect || reference.isDescribed || !reference.mayAlias) return [];
  const qualifier = qualifierOf(reference);
  const named = new Set<string>();
  for (const names of columnsIn(select)) {
    const folded = names.map(foldName);
    const at = folded.findIndex(isMetadataName);
    if (at === 0 && !has(beside, folded[0] as string)) named.add(folded[0] as string);
    if (at > 0 && folded[at - 1] === qualifier) named.add(folded[at] as string);
  }
  return metadataColumns.filter(({ name }) => named.has(name) && !has(fields, name));
}

function has(fields: readonly NestedField[], folded: string): boolean {
  return fields.some(({ name }) => foldName(name) === folded);
}

function qualifierOf({ alias, parts }: TableReference): string {
  return foldName(alias ?? parts.at(-1) ?? "");
}

function* columnsIn(value: unknown): Generator<readonly string[]> {
  if (Array.isArray(value)) for (const item of value) yield* columnsIn(item);
  if (!isNode(value)) return;
  if (value.class === "COLUMN_REF" && Array.isArray(value.column_names)) yield value.column_names as string[];
  for (const child of Object.values(value)) yield* columnsIn(child);
}

/**
 * Edits that keep metadata columns out of what stands for all columns.
 *
 * @param body the text that the references were found in.
 * @throws LakehouseError INVALID_SQL where what stands for all columns has no way to leave some out.
 */
export function starEdits(extended: readonly Extended[], body: string): Edit[] {
  const tokens = tokenize(body);
  const indexByStart = new Map(tokens.map((token, i) => [token.start, i]));
  const bySelect = new Map<Node, Extended[]>();
  for (const each of extended) {
    const select = each.reference.select as Node;
    bySelect.set(select, [...(bySelect.get(select) ?? []), each]);
  }
  return [...bySelect].flatMap(([select, tables]) => {
    checkWhole(select, tables);
    return starsOf(select).flatMap((star): Edit[] => {
      const of = typeof star.relation_name === "string" ? foldName(star.relation_name) : undefined;
      const meant = tables.filter(({ reference }) => of === undefined || of === qualifierOf(reference));
      if (meant.length === 0) return [];
      if (star.columns === true && isNode(star.expr)) throw unsure("COLUMNS(…) with a pattern", meant);
      const left = Array.isArray(star.exclude_list) ? star.exclude_list : [];
      const names = meant.flatMap(({ reference, added }) => {
        const table = quoteIdentifier(reference.alias ?? reference.parts.at(-1) ?? "");
        return added
          .filter(({ name }) => !left.some((each) => typeof each === "string" && foldName(each) === name))
          .map(({ name }) => toByteString(`${table}.${quoteIdentifier(name)}`));
      });
      if (names.length === 0) return [];
      const at = saidStar(tokens, indexByStart.get(Number(star.query_location ?? -1)));
      if (at !== undefined) return excluding(tokens, at, names.join(", "));
      // ORDER BY ALL is by what is selected.
      if (!isSelected(select, star)) return [];
      // `FROM t` alone says `SELECT *`.
      const from = fromBefore(tokens, indexByStart.get(meant[0]?.reference.start ?? 0) ?? 0);
      return [{ start: from, end: from, text: `SELECT * EXCLUDE (${names.join(", ")}) ` }];
    });
  });
}

/** The stars that a SELECT has itself, none of a query inside of it. */
function starsOf(select: Node): Node[] {
  const found: Node[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) visit(item);
    if (!isNode(value) || value.type === "SELECT_NODE") return;
    if (value.class === "STAR") found.push(value);
    for (const child of Object.values(value)) visit(child);
  };
  for (const [key, child] of Object.entries(select)) if (key !== "from_table") visit(child);
  return found;
}

function isSelected({ select_list: list }: Node, star: Node): boolean {
  return Array.isArray(list) && list.includes(star);
}

/** Where the FROM is that a table stands in: before it, outside of what is in parentheses beside it. */
function fromBefore(tokens: readonly Token[], table: number): number {
  let depth = 0;
  let at = table - 1;
  for (; at > 0; at--) {
    if (tokens[at]?.text === ")") depth++;
    else if (tokens[at]?.text === "(" && depth > 0) depth--;
    // `IS DISTINCT FROM` is another.
    else if (depth === 0 && isKeyword(tokens[at], "FROM") && !isKeyword(tokens[at - 1], "DISTINCT")) break;
  }
  return tokens[at]?.start ?? 0;
}

/** The star that starts at a token, as `*`, `t.*` or `COLUMNS(*)`; one that is not said starts at any other. */
function saidStar(tokens: readonly Token[], first = -1): number | undefined {
  let at = first;
  while (tokens[at + 1]?.text === ".") at += 2;
  if (isKeyword(tokens[at], "COLUMNS") && tokens[at + 1]?.text === "(") return saidStar(tokens, at + 2);
  return tokens[at]?.text === "*" ? at : undefined;
}

/** Has a star leave columns out. */
function excluding(tokens: readonly Token[], at: number, names: string): Edit[] {
  const insert = (place: number, text: string): Edit => ({ start: place, end: place, text });
  const star = tokens[at] as Token;
  const left = tokens[at + 2];
  if (!isKeyword(tokens[at + 1], "EXCLUDE", "EXCEPT") || left === undefined) {
    return [insert(star.end, ` EXCLUDE (${names})`)];
  }
  if (left.text === "(") return [insert(left.end, `${names}, `)];
  let last = at + 2;
  while (tokens[last + 1]?.text === ".") last += 2;
  return [insert(left.start, `(${names}, `), insert((tokens[last] as Token).end, ")")];
}

/** A table's name as a value is all of its columns, and a natural join is by all that two tables have. */
function checkWhole(select: Node, tables: readonly Extended[]): void {
  for (const { reference, fields } of tables) {
    const qualifier = qualifierOf(reference);
    if (isNatural(select.from_table)) throw unsure("A NATURAL JOIN", tables);
    if (has(fields, qualifier)) continue;
    for (const names of columnsIn(select)) {
      if (names.length === 1 && foldName(names[0] as string) === qualifier) {
        throw unsure(`${names[0]} as one value`, tables);
      }
    }
  }
}

function isNatural(from: unknown): boolean {
  if (!isNode(from) || from.type !== "JOIN") return false;
  return from.ref_type === "NATURAL" || isNatural(from.left) || isNatural(from.right);
}

function unsure(what: string, tables: readonly Extended[]): LakehouseError {
  const names = tables.flatMap(({ added }) => added.map(({ name }) => name));
  return invalidSql(
    what,
    `${what} would take in the metadata columns that the same SELECT names: ${[...new Set(names)].join(", ")}.`,
    "Select the metadata columns under other names in a subquery, or name the columns that you mean.",
  );
}
