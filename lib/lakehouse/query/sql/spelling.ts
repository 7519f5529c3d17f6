import type { DuckDBConnection } from "@duckdb/node-api";
import type { LakehouseError } from "../../errors.js";
import type { NestedField } from "../../iceberg/index.js";
import { invalidSql } from "../errors.js";
import { applyEdits, type Edit, type EditedText } from "../text/edits.js";
import { foldName, readerNames } from "../text/names.js";
import { quoteIdentifier, type Token, toByteString, tokenize } from "../text/tokens.js";
import { parseStatement } from "./parse.js";
import { isNode, type Node, type TableReference } from "./statement.js";

/** What SQL says for the columns of a table that it cannot call by their own names: those that differ by case alone. */
export class Spellings {
  /** SQL's name by the column's own. */
  readonly #exact = new Map<string, string>();
  readonly #folded = new Map<string, string[]>();

  constructor(fields: readonly NestedField[]) {
    const names = readerNames(fields);
    for (const [i, { name }] of fields.entries()) {
      const said = names[i] as string;
      if (said === name) continue;
      this.#exact.set(name, said);
      const folded = foldName(name);
      this.#folded.set(folded, [...(this.#folded.get(folded) ?? []), name]);
    }
  }

  get isEmpty(): boolean {
    return this.#exact.size === 0;
  }

  /** The columns' own names by those that SQL says. */
  get originals(): ReadonlyMap<string, string> {
    return new Map([...this.#exact].map(([name, said]) => [said, name]));
  }

  /** True where more than one column could be meant. */
  has(name: string): boolean {
    return this.#folded.has(foldName(name));
  }

  /** The name to say for the column that is spelled just so. */
  exact(name: string): string | undefined {
    return this.#exact.get(name);
  }

  /** Which columns `name` could mean, and how to say them. */
  ambiguous(name: string): LakehouseError {
    const columns = this.#folded.get(foldName(name)) ?? [];
    const said = columns.map((column) => quoteIdentifier(this.#exact.get(column) ?? column));
    return invalidSql(
      name,
      `${name} could mean each of the columns ${columns.join(", ")}, which SQL does not tell apart here: it ignores case.`,
      `Write ${said.join(" or ")}.`,
    );
  }
}

/** Before an expression, makes a statement of it that DuckDB can parse. */
const ALONE = "SELECT (";

/**
 * An expression over the rows of one table, with its columns as SQL says them. A column is meant where its exact
 * spelling stands; another spelling could mean several, and is refused. Queries inside of it are left alone: what they
 * name is theirs first, and a name that is nobody's is an error.
 *
 * @param text a byte string, as what this gives.
 * @throws LakehouseError INVALID_SQL.
 */
export async function spellExpression(
  connection: DuckDBConnection,
  text: string,
  fields: readonly NestedField[],
): Promise<EditedText> {
  const spellings = new Spellings(fields);
  if (spellings.isEmpty) return { text, original: (position) => position };
  const place = (position: number) => position - ALONE.length;
  const { node: select } = await parseStatement(connection, `${ALONE}${text}\n)`, text, place);
  const columns = isNode(select) ? ownColumns(select) : [];
  const said = columns.map((column) => ({ ...column, start: place(column.start) }));
  const edits = spelled(said, tokenize(text), spellings, () => ({ at: 0, isCertain: true }));
  return applyEdits(text, edits);
}

/**
 * Edits that make a SELECT say the columns of one of its tables as SQL can, as `spellExpression` does for an expression.
 * Queries inside of it are left alone: what they name is theirs first, and a name that is nobody's is an error.
 *
 * @param body the text that the reference was found in.
 * @throws LakehouseError INVALID_SQL for a name that could mean several columns.
 */
export function spellColumns(reference: TableReference, body: string, spellings: Spellings): Edit[] {
  const { select, node } = reference;
  // Column aliases rename what the SELECT names.
  if (spellings.isEmpty || !select || node.column_name_alias) return [];
  const from = isNode(select.from_table) ? select.from_table : {};
  if (isNatural(from)) throw naturalJoin(reference, spellings);
  const qualifier = foldName(reference.alias ?? reference.parts.at(-1) ?? "");
  const alone = from === node;
  const aliases = aliasesOf(select);
  return spelled(ownColumns(select), tokenize(body), spellings, ({ names, ordering }) => {
    const at = placeOf(names, qualifier, reference);
    // In ORDER BY a name of the result comes first.
    if (at === 0 && ordering && aliases.has(foldName(names[0] as string))) return undefined;
    return { at, isCertain: at > 0 || alone };
  });
}

/**
 * Edits that say columns by the names that SQL has for them.
 *
 * @param placeOf which part of a column's name is the column's, and whether it is surely one of this table; `undefined`
 *   for a name of something else.
 */
function spelled(
  columns: readonly OwnColumn[],
  tokens: readonly Token[],
  spellings: Spellings,
  placeOf: (column: OwnColumn) => { readonly at: number; readonly isCertain: boolean } | undefined,
): Edit[] {
  const indexByStart = new Map(tokens.map((token, i) => [token.start, i]));
  return columns.flatMap((column): Edit[] => {
    const place = placeOf(column);
    const name = column.names[place?.at ?? 0] as string;
    if (place === undefined || !spellings.has(name)) return [];
    const said = spellings.exact(name);
    const token = tokens[(indexByStart.get(column.start) ?? -1) + 2 * place.at];
    if (said === undefined || !token || !place.isCertain) throw spellings.ambiguous(name);
    return [{ start: token.start, end: token.end, text: toByteString(quoteIdentifier(said)) }];
  });
}

/** Which of the parts of a name is the column's: after the table's name, its last part, or nothing. */
function placeOf(names: readonly string[], qualifier: string, { parts, alias }: TableReference): number {
  const inFull =
    alias === undefined &&
    names.length > parts.length &&
    parts.every((part, i) => foldName(part) === foldName(names[i] as string));
  if (inFull) return parts.length;
  return names.length > 1 && foldName(names[0] as string) === qualifier ? 1 : 0;
}

interface OwnColumn {
  readonly names: readonly string[];
  readonly start: number;
  /** Whether it stands in ORDER BY. */
  readonly ordering: boolean;
}

/** The columns that a SELECT names itself, none of a query inside of it. */
function ownColumns(select: Node): OwnColumn[] {
  const found: OwnColumn[] = [];
  const visit = (value: unknown, ordering: boolean): void => {
    if (Array.isArray(value)) for (const item of value) visit(item, ordering);
    if (!isNode(value) || value.type === "SELECT_NODE") return;
    if (value.class === "COLUMN_REF" && Array.isArray(value.column_names)) {
      found.push({
        names: value.column_names as string[],
        start: Number(value.query_location ?? 0),
        ordering,
      });
    }
    for (const child of Object.values(value)) visit(child, ordering);
  };
  for (const [key, child] of Object.entries(select)) visit(child, key === "modifiers");
  return found;
}

function aliasesOf({ select_list: list }: Node): ReadonlySet<string> {
  const aliases = Array.isArray(list) ? list.filter(isNode).map(({ alias }) => alias) : [];
  return new Set(aliases.filter((alias) => typeof alias === "string").map(foldName));
}

function isNatural(from: Node): boolean {
  if (from.type !== "JOIN") return false;
  return (
    from.ref_type === "NATURAL" || [from.left, from.right].some((side) => isNode(side) && isNatural(side))
  );
}

function naturalJoin({ parts }: TableReference, spellings: Spellings): LakehouseError {
  return invalidSql(
    parts.join("."),
    `A NATURAL JOIN with ${parts.join(".")} cannot tell which columns it is by: ${[...spellings.originals.values()].join(", ")} differ by case, which SQL ignores.`,
    "Join it with ON.",
  );
}
