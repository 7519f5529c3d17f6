import { hexToBytes, isHex } from "../values/bytes.js";
import {
  alwaysFalse,
  alwaysTrue,
  and,
  eq,
  gt,
  gtEq,
  isIn,
  isNan,
  isNull,
  lt,
  ltEq,
  not,
  notEq,
  notIn,
  notNaN,
  notNull,
  notStartsWith,
  or,
  startsWith,
} from "./builders.js";
import { invalidPredicate, type Token, tokenize } from "./sql-tokens.js";
import type { Expression, LiteralInput } from "./types.js";

/** Deeper nesting than this is refused: a predicate from a command line is not that deep. */
const MAX_DEPTH = 200;

const KEYWORDS = new Set(["AND", "OR", "NOT", "IN", "IS", "NULL", "BETWEEN", "LIKE", "TRUE", "FALSE", "NAN"]);
const TYPED = new Set(["DATE", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "UUID", "DECIMAL"]);

/** An operand of a comparison. */
type Operand =
  | { readonly column: string; readonly at: number }
  | { readonly literal: LiteralInput | null; readonly at: number };

/**
 * Reads a SQL predicate: `delay > 60 AND origin IN ('ATL', 'ORD')`. Comparisons of a column with a literal, IN, BETWEEN,
 * LIKE with one `%` at its end, IS [NOT] NULL, IS [NOT] NAN (or `isnan(x)`), a bare boolean column, AND, OR, NOT and
 * parentheses; literals are text, numbers, TRUE, FALSE, NaN, `DATE '…'`, `TIMESTAMP '…'`, `x'0aff'`. Throws `INVALID_EXPRESSION`
 * with the place of what it does not understand.
 */
export function parsePredicate(sql: string): Expression {
  return new PredicateParser(sql).parse();
}

class PredicateParser {
  private readonly tokens: readonly Token[];
  private position = 0;
  private depth = 0;

  constructor(private readonly sql: string) {
    this.tokens = tokenize(sql);
  }

  parse(): Expression {
    const expression = this.disjunction();
    if (this.peek().kind !== "end") this.fail("expected AND, OR or the end");
    return expression;
  }

  private peek(ahead = 0): Token {
    return this.tokens[Math.min(this.position + ahead, this.tokens.length - 1)]!;
  }

  private fail(problem: string, at = this.peek()): never {
    return invalidPredicate(
      this.sql,
      at.at,
      `${problem}, found ${at.kind === "end" ? at.text : `"${at.text}"`}`,
    );
  }

  private keyword(word: string): boolean {
    const token = this.peek();
    if (token.kind !== "word" || token.upper !== word) return false;
    this.position += 1;
    return true;
  }

  private symbol(...texts: string[]): string | undefined {
    const token = this.peek();
    if (token.kind !== "symbol" || !texts.includes(token.text)) return undefined;
    this.position += 1;
    return token.text;
  }

  private disjunction(): Expression {
    this.depth += 1;
    if (this.depth > MAX_DEPTH) this.fail("nested too deep");
    let left = this.conjunction();
    while (this.keyword("OR")) left = or(left, this.conjunction());
    this.depth -= 1;
    return left;
  }

  private conjunction(): Expression {
    let left = this.negation();
    while (this.keyword("AND")) left = and(left, this.negation());
    return left;
  }

  private negation(): Expression {
    let negations = 0;
    while (this.keyword("NOT")) negations += 1;
    const expression = this.primary();
    return negations % 2 === 1 ? not(expression) : expression;
  }

  private primary(): Expression {
    if (this.symbol("(")) {
      const inner = this.disjunction();
      if (!this.symbol(")")) this.fail("expected )");
      return inner;
    }
    const nan = this.nanCall();
    if (nan !== undefined) return nan;
    const left = this.operand();
    const operator = this.symbol("=", "==", "<>", "!=", "<=", ">=", "<", ">");
    if (operator !== undefined) return this.comparison(left, operator, this.operand());
    if (!("column" in left)) {
      if (typeof left.literal === "boolean") return left.literal ? alwaysTrue : alwaysFalse;
      return this.fail("expected a comparison");
    }
    return this.columnPredicate(left.column);
  }

  private nanCall(): Expression | undefined {
    const [name, open] = [this.peek(), this.peek(1)];
    if (name.kind !== "word" || (name.upper !== "ISNAN" && name.upper !== "IS_NAN") || open.text !== "(")
      return undefined;
    this.position += 2;
    const operand = this.operand();
    if (!("column" in operand) || !this.symbol(")")) return this.fail("expected a column and )");
    return isNan(operand.column);
  }

  private columnPredicate(column: string): Expression {
    if (this.keyword("IS")) {
      const negated = this.keyword("NOT");
      if (this.keyword("NULL")) return negated ? notNull(column) : isNull(column);
      if (this.keyword("NAN")) return negated ? notNaN(column) : isNan(column);
      if (this.keyword("TRUE"))
        return negated ? not(and(notNull(column), eq(column, true))) : eq(column, true);
      return this.fail("expected NULL, NAN or TRUE");
    }
    const negated = this.keyword("NOT");
    if (this.keyword("IN")) {
      const values = this.literalList();
      return negated ? notIn(column, values) : isIn(column, values);
    }
    if (this.keyword("BETWEEN")) {
      const low = this.literal();
      if (!this.keyword("AND")) this.fail("expected AND");
      const high = this.literal();
      return negated ? or(lt(column, low), gt(column, high)) : and(gtEq(column, low), ltEq(column, high));
    }
    if (this.keyword("LIKE")) return this.like(column, negated);
    if (negated) return this.fail("expected IN, BETWEEN or LIKE");
    return eq(column, true);
  }

  private like(column: string, negated: boolean): Expression {
    const token = this.peek();
    if (token.kind !== "string") return this.fail("expected a pattern in quotes");
    this.position += 1;
    const match = /^((?:[^%_\\]|\\.)*)(%*)$/s.exec(token.text);
    if (match === null) return this.fail("only patterns with % at the end are understood", token);
    const prefix = match[1]!.replace(/\\(.)/gs, "$1");
    if (match[2] === "") return negated ? notEq(column, prefix) : eq(column, prefix);
    return negated ? notStartsWith(column, prefix) : startsWith(column, prefix);
  }

  private comparison(left: Operand, operator: string, right: Operand): Expression {
    if ("column" in left === "column" in right) {
      return invalidPredicate(
        this.sql,
        left.at,
        "a comparison needs a column on one side and a literal on the other",
      );
    }
    const [column, literal] = ("column" in left ? [left, right] : [right, left]) as [
      { column: string },
      { literal: LiteralInput | null; at: number },
    ];
    if (literal.literal === null) invalidPredicate(this.sql, literal.at, "nothing equals NULL: use IS NULL");
    const flipped =
      "column" in left ? operator : ({ "<": ">", ">": "<", "<=": ">=", ">=": "<=" }[operator] ?? operator);
    const value = literal.literal as LiteralInput;
    switch (flipped) {
      case "<":
        return lt(column.column, value);
      case "<=":
        return ltEq(column.column, value);
      case ">":
        return gt(column.column, value);
      case ">=":
        return gtEq(column.column, value);
      case "=":
      case "==":
        return eq(column.column, value);
      default:
        return notEq(column.column, value);
    }
  }

  private literalList(): LiteralInput[] {
    if (!this.symbol("(")) this.fail("expected (");
    const values = [this.literal()];
    while (this.symbol(",")) values.push(this.literal());
    if (!this.symbol(")")) this.fail("expected , or )");
    return values;
  }

  private literal(): LiteralInput {
    const token = this.peek();
    const operand = this.operand();
    if ("column" in operand || operand.literal === null) return this.fail("expected a literal", token);
    return operand.literal;
  }

  private operand(): Operand {
    const token = this.peek();
    const { at } = token;
    switch (token.kind) {
      case "string":
        this.position += 1;
        return { literal: token.text, at };
      case "number":
        this.position += 1;
        return { literal: numberLiteral(token.text), at };
      case "symbol":
        return this.signed(at);
      case "name":
        return { column: this.columnName(), at };
      case "word":
        return this.word(token.upper, at);
      case "end":
        return this.fail("expected a column or a literal");
    }
  }

  private signed(at: number): Operand {
    const sign = this.symbol("-", "+");
    const token = this.peek();
    if (sign === undefined || token.kind !== "number") return this.fail("expected a column or a literal");
    this.position += 1;
    return { literal: numberLiteral(sign === "-" ? `-${token.text}` : token.text), at };
  }

  private word(upper: string, at: number): Operand {
    const next = this.peek(1);
    if (next.kind === "string" && TYPED.has(upper)) {
      this.position += 2;
      // TIMESTAMP '2001-01-01 00:00:00' and the ISO form are the same to the binding.
      return { literal: next.text, at };
    }
    if (next.kind === "string" && upper === "X" && next.at === at + 1) {
      if (!isHex(next.text)) this.fail("expected hex digits", next);
      this.position += 2;
      return { literal: hexToBytes(next.text), at };
    }
    if (!KEYWORDS.has(upper)) return { column: this.columnName(), at };
    this.position += 1;
    if (upper === "TRUE" || upper === "FALSE") return { literal: upper === "TRUE", at };
    if (upper === "NULL") return { literal: null, at };
    if (upper === "NAN") return { literal: Number.NaN, at };
    this.position -= 1;
    return this.fail("expected a column or a literal");
  }

  /** `a`, `"a b"`, `a.b.c`. */
  private columnName(): string {
    const parts: string[] = [];
    do {
      const token = this.peek();
      if (token.kind !== "word" && token.kind !== "name") this.fail("expected a name");
      parts.push(token.text);
      this.position += 1;
    } while (this.symbol("."));
    return parts.join(".");
  }
}

/** Whole numbers beyond 2^53 as bigint; fractions that a double would change as text, which decimals take exactly. */
function numberLiteral(text: string): LiteralInput {
  const number = Number(text);
  if (/^-?\d+$/.test(text)) return Number.isSafeInteger(number) ? number : BigInt(text);
  const digits = text
    .replace(/[eE].*$/, "")
    .replace(/[-.]/g, "")
    .replace(/^0+/, "");
  return digits.length <= 15 ? number : text;
}
