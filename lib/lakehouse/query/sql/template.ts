import { invalidArgument } from "../../errors.js";
import { quoteIdentifier, toByteString, tokenize } from "../text/tokens.js";
import type { SqlParameter } from "../types/values.js";
import type { SqlParams } from "./parameters.js";

/**
 * A statement, or a part of one, with the values that belong to it: `sql` and `identifier` make them. What stands in a
 * template as one of these is part of the text; everything else is a value.
 */
export class SqlFragment {
  /** The text between the values, one more than there are of them. */
  readonly strings: readonly string[];
  readonly values: readonly SqlParameter[];

  /** @internal */
  constructor(strings: readonly string[], values: readonly SqlParameter[]) {
    this.strings = strings;
    this.values = values;
  }

  /**
   * The text, with `$1`, `$2` and so on for the values.
   *
   * @internal
   * @throws LakehouseError INVALID_ARGUMENT where a value would be no value: in quotes, in a comment, in a name.
   */
  get text(): string {
    const text = this.strings.reduce((before, part, i) => `${before}$${i}${part}`);
    const found = tokenize(toByteString(text)).filter(({ kind }) => kind === "parameter");
    const own = found.findIndex((token, i) => token.text !== `$${i + 1}`);
    if (own >= 0 && found.length > this.values.length) {
      throw invalidArgument(
        "template",
        `The template has a parameter of its own, ${(found[own] as { text: string }).text}, beside its values.`,
        "Write the value itself in its place.",
      );
    }
    const lost = this.values.findIndex((_, i) => found[i]?.text !== `$${i + 1}`);
    if (lost >= 0) {
      throw invalidArgument(
        "template",
        `Value ${lost + 1} of the template stands in quotes, in a comment or in a name, where it would be no value.`,
        "Leave the quotes out, and make a name with identifier(name).",
      );
    }
    return text;
  }
}

/** What a template of SQL may have between its texts. */
export type SqlPart = SqlParameter | SqlFragment;

/**
 * A statement with its values. Whatever a value is, it is never read as SQL. Backslashes stay as they are written.
 *
 * @example
 * const late = sql`delay > ${limit}`;
 * await lake.sql(sql`select * from ${identifier("flights", name)} where ${late} and origin = ${origin}`, { ref: "etl" });
 */
export function sql(template: TemplateStringsArray, ...parts: readonly SqlPart[]): SqlFragment {
  const texts = template.raw.map((text) => text.replace(/\\(`|\$\{)/g, "$1"));
  const strings: string[] = [];
  const values: SqlParameter[] = [];
  let last = texts[0] ?? "";
  for (const [i, part] of parts.entries()) {
    const fragment = part instanceof SqlFragment ? part : new SqlFragment(["", ""], [part]);
    const [first = "", ...others] = fragment.strings;
    strings.push(...[last + first, ...others].slice(0, -1));
    last = `${others.at(-1) ?? last + first}${texts[i + 1] ?? ""}`;
    values.push(...fragment.values);
  }
  strings.push(last);
  return new SqlFragment(strings, values);
}

/**
 * A name in a template, in its parts: `identifier("flights", "bronze")`, `identifier("delay")`. Each part is one name,
 * whatever it is made of.
 *
 * @throws LakehouseError INVALID_ARGUMENT for a part that is no name.
 */
export function identifier(...parts: readonly string[]): SqlFragment {
  for (const part of parts.length === 0 ? [""] : parts) {
    if (typeof part !== "string" || part === "" || part.includes("\0")) {
      throw invalidArgument("identifier", "A name in SQL is not empty, and has no NUL character.");
    }
  }
  return new SqlFragment([parts.map(quoteIdentifier).join(".")], []);
}

/** SQL as it is written, in a template. It is no place for what a user typed: that is a value. */
export function verbatim(text: string): SqlFragment {
  return new SqlFragment([text], []);
}

/**
 * The text of a statement, and the values of its parameters.
 *
 * @throws LakehouseError INVALID_ARGUMENT for what is no text, and where a fragment's values are not the only ones.
 */
export function statementOf(
  query: string | SqlFragment,
  params: SqlParams | undefined,
): { readonly text: string; readonly params?: SqlParams | undefined } {
  if (typeof query === "string") return { text: query, params };
  if (!(query instanceof SqlFragment))
    throw invalidArgument("sql", "A statement is a text, or a template of SQL.");
  if (params !== undefined) {
    throw invalidArgument(
      "params",
      "A template has its values in it, and others came beside it.",
      "Write them in it.",
    );
  }
  return { text: query.text, params: query.values };
}
