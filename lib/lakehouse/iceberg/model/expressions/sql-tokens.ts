import { invalidExpression } from "../../errors.js";

export type Token =
  | { readonly kind: "word"; readonly text: string; readonly upper: string; readonly at: number }
  /** A name in double quotes or backticks: never a keyword. */
  | { readonly kind: "name"; readonly text: string; readonly at: number }
  | { readonly kind: "string"; readonly text: string; readonly at: number }
  | { readonly kind: "number"; readonly text: string; readonly at: number }
  | { readonly kind: "symbol"; readonly text: string; readonly at: number }
  | { readonly kind: "end"; readonly text: string; readonly at: number };

export function invalidPredicate(sql: string, at: number, problem: string): never {
  throw invalidExpression(
    sql,
    `Cannot read the predicate at character ${at + 1}: ${problem}.`,
    "Use comparisons, IN, BETWEEN, LIKE 'prefix%', IS [NOT] NULL, IS [NOT] NAN, AND, OR, NOT.",
  );
}

const PATTERNS: readonly [Token["kind"], RegExp][] = [
  ["word", /[\p{L}_][\p{L}\p{N}_$]*/uy],
  ["number", /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y],
  ["string", /'(?:[^']|'')*'/y],
  ["name", /"(?:[^"]|"")+"|`(?:[^`]|``)+`/y],
  ["symbol", /<=|>=|<>|!=|==|[=<>(),.+-]/y],
];

/** Splits a predicate into tokens. Throws `INVALID_EXPRESSION`. */
export function tokenize(sql: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    while (at < sql.length && /\s/.test(sql[at]!)) at += 1;
    if (at === sql.length) break;
    const token = next(sql, at);
    if (token === undefined) invalidPredicate(sql, at, `"${sql[at]}" is not understood`);
    tokens.push(token.token);
    at = token.end;
  }
  tokens.push({ kind: "end", text: "the end", at });
  return tokens;
}

function next(sql: string, at: number): { token: Token; end: number } | undefined {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at;
    const match = pattern.exec(sql);
    if (match === null) continue;
    const raw = match[0];
    const end = at + raw.length;
    if (kind === "word") return { token: { kind, text: raw, upper: raw.toUpperCase(), at }, end };
    if (kind === "string") return { token: { kind, text: raw.slice(1, -1).replaceAll("''", "'"), at }, end };
    if (kind === "name") {
      const quote = raw[0]!;
      return { token: { kind, text: raw.slice(1, -1).replaceAll(quote + quote, quote), at }, end };
    }
    return { token: { kind, text: raw, at } as Token, end };
  }
  return undefined;
}
