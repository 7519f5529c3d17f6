import type { Kind, Literal } from "./kinds.js";

/*
 * What a statement is, that was drawn at random. Its text has marks in it: for literals, which may be parameters, and behind
 * the names of tables, where a branch may be named.
 */

export interface Column {
  readonly name: string;
  readonly kind: Kind;
}

export interface Relation {
  readonly name: string;
  readonly columns: readonly Column[];
}

/** What there is on a branch. */
export interface World {
  readonly tables: readonly Relation[];
  readonly views: readonly Relation[];
}

export interface Drawn {
  readonly text: string;
  /** What the lakehouse is told instead. */
  readonly ours?: string;
  readonly literals: readonly Literal[];
  /** What there is when it is done. */
  readonly after?: World;
}

export const AT = "\u{f0002}";
const LITERAL = /\u{f0000}(\d+)\u{f0001}/gu;

/** A text with its literals in place. */
export function spelled({ text, literals }: Drawn): string {
  return text
    .replaceAll(LITERAL, (_, at: string) => (literals[Number(at)] as Literal).text)
    .replaceAll(AT, "");
}

/** A text for the lakehouse, which may name a branch at each table, and have parameters for literals. */
export function ours(
  { text, ours: other = text, literals }: Drawn,
  branch: string | undefined,
  hasParameters: boolean,
): { readonly text: string; readonly params: readonly NonNullable<Literal["param"]>[] } {
  const params: NonNullable<Literal["param"]>[] = [];
  const withLiterals = other.replaceAll(LITERAL, (_, at: string) => {
    const literal = literals[Number(at)] as Literal;
    if (!hasParameters || literal.param === undefined || literal.param === null) return literal.text;
    params.push(literal.param);
    return "?";
  });
  return { text: withLiterals.replaceAll(AT, branch === undefined ? "" : `@"${branch}"`), params };
}

/** The mark of a literal, by its place among them. */
export const literalAt = (at: number) => `\u{f0000}${at}\u{f0001}`;

export const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;
