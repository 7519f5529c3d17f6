import type { LakehouseError } from "../../errors.js";
import { invalidSql } from "../errors.js";
import type { Span } from "../text/compose.js";
import { fromByteString, identifierName, isKeyword, type Token, tokenize } from "../text/tokens.js";

/** A dotted name, and where it stands. */
export interface Path extends Span {
  readonly parts: readonly string[];
}

const OPENING = new Set(["(", "[", "{"]);
const CLOSING = new Set([")", "]", "}"]);

/**
 * Reads the clauses of a statement, token by token. DuckDB's parser has its turn with the whole text, so that this only
 * has to find where the parts of a right one begin and end.
 */
export class Cursor {
  readonly text: string;
  readonly tokens: readonly Token[];
  at: number;
  readonly #last: number;

  /** @param last the token to stop before. */
  constructor(text: string, tokens: readonly Token[] = tokenize(text), at = 0, last = tokens.length) {
    this.text = text;
    this.tokens = tokens;
    this.at = at;
    this.#last = last;
  }

  peek(offset = 0): Token | undefined {
    return this.at + offset < this.#last ? this.tokens[this.at + offset] : undefined;
  }

  get isDone(): boolean {
    const next = this.peek();
    return next === undefined || next.text === ";";
  }

  /** True where these words come next, in this order. */
  is(...words: readonly string[]): boolean {
    return words.every((word, i) => isKeyword(this.peek(i), word));
  }

  isSymbol(symbol: string): boolean {
    return this.peek()?.kind === "symbol" && this.peek()?.text === symbol;
  }

  /** Passes over these words, where they come next. */
  take(...words: readonly string[]): boolean {
    const found = this.is(...words);
    if (found) this.at += words.length;
    return found;
  }

  takeSymbol(symbol: string): boolean {
    const found = this.isSymbol(symbol);
    if (found) this.at++;
    return found;
  }

  expect(...words: readonly string[]): void {
    if (!this.take(...words)) throw this.unexpected(words.join(" "));
  }

  expectSymbol(symbol: string): void {
    if (!this.takeSymbol(symbol)) throw this.unexpected(symbol);
  }

  /** Whether a name comes next. */
  get isName(): boolean {
    const kind = this.peek()?.kind;
    return kind === "word" || kind === "quoted";
  }

  name(): string {
    if (!this.isName) throw this.unexpected("a name");
    return identifierName(this.tokens[this.at++] as Token);
  }

  path(): Path {
    const start = this.peek()?.start ?? this.text.length;
    const parts = [this.name()];
    while (this.takeSymbol(".")) parts.push(this.name());
    return { parts, start, end: this.#endBefore() };
  }

  /** `AS name`, or a name alone that is none of these words. */
  alias(...words: readonly string[]): string | undefined {
    if (this.take("AS")) return this.name();
    return this.isName && !isKeyword(this.peek(), ...words) ? this.name() : undefined;
  }

  /** What comes up to one of some places, outside of all parentheses and of CASE … END. */
  until(stops: (cursor: Cursor) => boolean): Span {
    const start = this.peek()?.start ?? this.text.length;
    let cases = 0;
    while (!this.isDone && !(cases === 0 && stops(this))) {
      if (this.is("CASE")) cases++;
      if (this.is("END") && cases > 0) cases--;
      this.skip();
    }
    const end = this.#endBefore();
    return { start, end: Math.max(start, end) };
  }

  /** What comes up to one of some words. That of `IS DISTINCT FROM` is none. */
  untilWords(...words: readonly string[]): Span {
    return this.until(
      ({ at }) =>
        isKeyword(this.peek(), ...words) &&
        !(isKeyword(this.peek(), "FROM") && isKeyword(this.tokens[at - 1], "DISTINCT")),
    );
  }

  /** Passes over the next token, or all of what it opens. */
  skip(): void {
    if (!OPENING.has(this.peek()?.text ?? "")) {
      this.at++;
      return;
    }
    let depth = 0;
    for (; this.at < this.#last; this.at++) {
      const { text, kind } = this.tokens[this.at] as Token;
      if (kind !== "symbol") continue;
      if (OPENING.has(text)) depth++;
      else if (CLOSING.has(text) && --depth === 0) {
        this.at++;
        return;
      }
    }
  }

  /** What is in the parentheses that come next, and passes over them. */
  parentheses(): Cursor {
    if (!this.isSymbol("(")) throw this.unexpected("(");
    const first = this.at + 1;
    this.skip();
    return new Cursor(this.text, this.tokens, first, this.at - 1);
  }

  /** The parts between commas, up to the end or one of some places. */
  list<T>(read: (item: Span, cursor: Cursor) => T, stops: (cursor: Cursor) => boolean = () => false): T[] {
    const items: T[] = [];
    if (this.isDone) return items;
    do {
      const first = this.at;
      const span = this.until((cursor) => cursor.isSymbol(",") || stops(cursor));
      items.push(read(span, new Cursor(this.text, this.tokens, first, this.at)));
    } while (this.takeSymbol(","));
    return items;
  }

  /** Where what was read last ends. */
  #endBefore(): number {
    return this.tokens[this.at - 1]?.end ?? 0;
  }

  /** Refuses what a statement has beyond what is understood here. */
  end(): void {
    if (!this.isDone) throw this.unexpected("the end");
  }

  unexpected(what: string): LakehouseError {
    const found = this.isDone ? "the end" : fromByteString(this.peek()?.text ?? "");
    return invalidSql(fromByteString(this.text), `Expected ${what}, found ${found}.`);
  }
}
