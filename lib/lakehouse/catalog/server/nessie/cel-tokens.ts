import { invalidArgument, type LakehouseError } from "../../../errors.js";

export interface Token {
  readonly kind: "name" | "text" | "number" | "symbol" | "end";
  /** A name, symbol or number as it is written; the value of a text. */
  readonly text: string;
  /** Where it starts, from 0. */
  readonly at: number;
}

const TOKEN =
  /\s*(?:([A-Za-z_]\w*)|(\d+(?:\.\d+)?)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(&&|\|\||[=!<>]=|[<>!?:.,()[\]-]))/y;

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

/** The words of an expression. Throws `INVALID_ARGUMENT` at what is none. */
export function tokenize(expression: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < expression.trimEnd().length) {
    const start = TOKEN.lastIndex;
    const match = TOKEN.exec(expression);
    if (match === null) throw badFilter(expression, `cannot be read at ${start + 1}`);
    const [, name, number, text, symbol] = match;
    const at = TOKEN.lastIndex - (name ?? number ?? text ?? symbol ?? "").length;
    if (name !== undefined) tokens.push({ kind: "name", text: name, at });
    else if (number !== undefined) tokens.push({ kind: "number", text: number, at });
    else if (text !== undefined) tokens.push({ kind: "text", text: unquoted(text), at });
    else tokens.push({ kind: "symbol", text: symbol as string, at });
  }
  tokens.push({ kind: "end", text: "the end", at: expression.length });
  return tokens;
}

function unquoted(quoted: string): string {
  return quoted
    .slice(1, -1)
    .replaceAll(/\\(?:u([0-9a-fA-F]{4})|(.))/g, (_, code: string | undefined, letter: string) =>
      code === undefined ? (ESCAPES[letter] ?? letter) : String.fromCharCode(Number.parseInt(code, 16)),
    );
}

export function badFilter(expression: string, problem: string): LakehouseError {
  const shown = expression.length > 100 ? `${expression.slice(0, 99)}…` : expression;
  return invalidArgument("filter", `The filter ${JSON.stringify(shown)} ${problem}.`);
}
