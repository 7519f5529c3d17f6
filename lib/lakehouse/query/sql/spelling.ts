import type { LakehouseError } from "../../errors.js";
import type { NestedField } from "../../iceberg/index.js";
import { invalidSql } from "../errors.js";
import { applyEdits, type Edit, type EditedText } from "../text/edits.js";
import { foldName, readerNames } from "../text/names.js";
import {
  identifierName,
  isKeyword,
  quoteIdentifier,
  type Token,
  toByteString,
  tokenize,
} from "../text/tokens.js";
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

/**
 * An expression over the rows of one table, with its columns as SQL says them. A column is meant where its exact
 * spelling stands; another spelling could mean several, and is refused.
 *
 * @param text a byte string, as what this gives.
 * @throws LakehouseError INVALID_SQL.
 */
export function spellExpression(text: string, fields: readonly NestedField[]): EditedText {
  const spellings = new Spellings(fields);
  if (spellings.isEmpty) return { text, original: (position) => position };
  const tokens = tokenize(text);
  const hasQuery = tokens.some((_, i) => startsQuery(tokens, i));
  const edits = tokens.flatMap((token, i): Edit[] => {
    if (!isColumn(tokens, i)) return [];
    const name = identifierName(token);
    if (!spellings.has(name)) return [];
    const said = spellings.exact(name);
    // In a query inside, the name could be one of its own columns.
    if (said === undefined || hasQuery) throw spellings.ambiguous(name);
    return [{ start: token.start, end: token.end, text: toByteString(quoteIdentifier(said)) }];
  });
  return applyEdits(text, edits);
}

/** FROM is also a word of IS DISTINCT FROM, and of functions such as EXTRACT; a query starts with it behind a parenthesis. */
function startsQuery(tokens: readonly Token[], i: number): boolean {
  return (
    isKeyword(tokens[i], "SELECT", "VALUES", "TABLE") ||
    (isKeyword(tokens[i], "FROM") && tokens[i - 1]?.text === "(")
  );
}

/** A name that stands for a column: not a member of a struct, a function, or the name of an argument. */
function isColumn(tokens: readonly Token[], i: number): boolean {
  const token = tokens[i];
  if (token?.kind !== "word" && token?.kind !== "quoted") return false;
  const next = tokens[i + 1];
  const isArgument = next?.text === ":" && tokens[i + 2]?.text === "=";
  return tokens[i - 1]?.text !== "." && next?.text !== "(" && !isArgument;
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
  const tokens = tokenize(body);
  const indexByStart = new Map(tokens.map((token, i) => [token.start, i]));
  const aliases = aliasesOf(select);
  return ownColumns(select).flatMap(({ names, start, ordering }): Edit[] => {
    const place = placeOf(names, qualifier, reference);
    const qualified = place > 0;
    const name = names[place] as string;
    // In ORDER BY a name of the result comes first.
    if (!spellings.has(name) || (!qualified && ordering && aliases.has(foldName(name)))) return [];
    const said = spellings.exact(name);
    const token = tokens[(indexByStart.get(start) ?? -1) + 2 * place];
    if (said === undefined || !token || !(qualified || alone)) throw spellings.ambiguous(name);
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
