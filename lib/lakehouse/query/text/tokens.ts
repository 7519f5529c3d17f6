import { isWellFormed } from "../../iceberg/index.js";
import { invalidSql } from "../errors.js";

/**
 * One token of a SQL text. Offsets are bytes of its UTF-8 form, as DuckDB's parser counts: the text is handled as a
 * "byte string", one character per byte, from `toByteString`.
 */
export interface Token {
  /**
   * `word` is a keyword or a plain identifier, `quoted` an identifier in double quotes, `parameter` what stands for a
   * value that comes with the text: `?`, `$1` or `$name`.
   */
  readonly kind: "word" | "quoted" | "string" | "number" | "parameter" | "symbol";
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Throws `INVALID_SQL` for half a surrogate pair, which would be another character among the bytes. */
export function toByteString(text: string): string {
  if (!isWellFormed(text)) {
    throw invalidSql(
      text.toWellFormed(),
      `The query has half a surrogate pair, which is no character: ${JSON.stringify(text)}.`,
    );
  }
  return Buffer.from(text, "utf8").toString("latin1");
}

export function fromByteString(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}

const WORD = /[A-Za-z_\x80-\xff][A-Za-z0-9_$\x80-\xff]*/y;
const NUMBER = /(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?/y;
const PARAMETER = /\?\d*|\$(?:\d+|[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)/y;
const DOLLAR_QUOTE = /\$([A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$/y;

/**
 * Splits a byte string into tokens as DuckDB's lexer does, comments left out. It never fails: what does not end is
 * taken to the end of the text, and the parser will say what is wrong with it.
 */
export function tokenize(sql: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const take = (kind: Token["kind"], end: number) => {
    tokens.push({ kind, text: sql.slice(at, end), start: at, end });
    at = end;
  };
  while (at < sql.length) {
    const char = sql[at] as string;
    const next = sql[at + 1];
    if (/\s/.test(char)) at++;
    else if (char === "-" && next === "-") at = endOfLine(sql, at);
    else if (char === "/" && next === "*") at = endOfComment(sql, at);
    else if (char === "'") take("string", endOfQuoted(sql, at, "'", false));
    else if (/[eE]/.test(char) && next === "'") take("string", endOfQuoted(sql, at + 1, "'", true));
    else if (char === '"') take("quoted", endOfQuoted(sql, at, '"', false));
    else if (char === "$" && match(DOLLAR_QUOTE, sql, at)) {
      const tag = match(DOLLAR_QUOTE, sql, at) ?? "";
      const close = sql.indexOf(tag, at + tag.length);
      take("string", close < 0 ? sql.length : close + tag.length);
    } else if (match(PARAMETER, sql, at)) take("parameter", at + (match(PARAMETER, sql, at)?.length ?? 1));
    else if (match(WORD, sql, at)) take("word", at + (match(WORD, sql, at)?.length ?? 1));
    else if (match(NUMBER, sql, at)) take("number", at + (match(NUMBER, sql, at)?.length ?? 1));
    else if (char === "=" && next === ">") take("symbol", at + 2);
    else take("symbol", at + 1);
  }
  return tokens;
}

/** The name that an identifier token stands for, in its real spelling. */
export function identifierName(token: Token): string {
  return fromByteString(token.kind === "quoted" ? token.text.slice(1, -1).replaceAll('""', '"') : token.text);
}

/** True for an identifier that is this keyword, unquoted, in any case. */
export function isKeyword(token: Token | undefined, ...words: readonly string[]): boolean {
  return token?.kind === "word" && words.includes(token.text.toUpperCase());
}

/** A statement without what may end it. */
export function withoutEnd(text: string): string {
  const tokens = tokenize(text);
  const last = tokens.findLastIndex((token) => token.text !== ";");
  return text.slice(0, tokens[last]?.end ?? 0);
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A constant of this text. A NUL would end the statement, and so is not written as itself. */
export function quoteString(value: string): string {
  const parts = value.split("\0").map((part) => `'${part.replaceAll("'", "''")}'`);
  return parts.length === 1 ? (parts[0] as string) : `(${parts.join(" || chr(0) || ")})`;
}

function match(pattern: RegExp, sql: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0];
}

function endOfLine(sql: string, at: number): number {
  const end = sql.indexOf("\n", at);
  return end < 0 ? sql.length : end + 1;
}

function endOfComment(sql: string, start: number): number {
  let depth = 0;
  for (let at = start; at < sql.length; at++) {
    if (sql[at] === "/" && sql[at + 1] === "*") {
      depth++;
      at++;
    } else if (sql[at] === "*" && sql[at + 1] === "/") {
      at++;
      if (--depth === 0) return at + 1;
    }
  }
  return sql.length;
}

function endOfQuoted(sql: string, start: number, quote: string, backslash: boolean): number {
  for (let at = start + 1; at < sql.length; at++) {
    if (backslash && sql[at] === "\\") at++;
    else if (sql[at] === quote) {
      if (sql[at + 1] !== quote) return at + 1;
      at++;
    }
  }
  return sql.length;
}
