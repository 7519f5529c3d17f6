import { fromByteString, toByteString, tokenize } from "./tokens.js";

export interface SplitText {
  /** Each without its semicolon. */
  readonly statements: readonly string[];
  /** What comes after the last semicolon: a statement that is not through yet, or nothing. */
  readonly rest: string;
}

/**
 * Splits a text at the semicolons that end statements: not at those in texts, names and comments.
 *
 * @throws LakehouseError INVALID_SQL for half a surrogate pair.
 */
export function splitStatements(text: string): SplitText {
  const bytes = toByteString(text);
  const statements: string[] = [];
  let start = 0;
  let isEmpty = true;
  for (const { kind, text: token, start: at, end } of tokenize(bytes)) {
    if (kind !== "symbol" || token !== ";") {
      isEmpty = false;
      continue;
    }
    if (!isEmpty) statements.push(fromByteString(bytes.slice(start, at)).trim());
    start = end;
    isEmpty = true;
  }
  const rest = fromByteString(bytes.slice(start));
  return { statements, rest: isEmpty && !hasOpenComment(rest) ? "" : rest };
}

/** Of a text without tokens: comments alone. */
function hasOpenComment(text: string): boolean {
  const opened = text.split("/*").length;
  return opened > text.split("*/").length;
}
