import { LakehouseError } from "../../errors.js";
import type { NestedField } from "../../iceberg/index.js";
import { foldName, readerNames } from "../relation/names.js";
import { applyEdits, type Edit, type EditedText } from "./edits.js";
import { identifierName, isKeyword, quoteIdentifier, type Token, toByteString, tokenize } from "./tokens.js";

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
    return new LakehouseError({
      code: "INVALID_SQL",
      subject: name,
      message: `${name} could mean each of the columns ${columns.join(", ")}, which SQL does not tell apart here: it ignores case.`,
      remedy: `Write ${said.join(" or ")}.`,
    });
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
  const hasQuery = tokens.some((token) => isKeyword(token, "SELECT", "FROM", "VALUES", "TABLE"));
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

/** A name that stands for a column: not a member of a struct, a function, or the name of an argument. */
function isColumn(tokens: readonly Token[], i: number): boolean {
  const token = tokens[i];
  if (token?.kind !== "word" && token?.kind !== "quoted") return false;
  const next = tokens[i + 1];
  const isArgument = next?.text === ":" && tokens[i + 2]?.text === "=";
  return tokens[i - 1]?.text !== "." && next?.text !== "(" && !isArgument;
}
