import { badFilter, type Token, tokenize } from "./cel-tokens.js";

/** What an expression works with. */
export type CelValue =
  | string
  | number
  | boolean
  | null
  | Date
  | readonly CelValue[]
  | { readonly [member: string]: CelValue };

export type Scope = Readonly<Record<string, CelValue>>;

type Term = (scope: Scope) => CelValue;

/** Longer filters are refused, and those nested deeper. */
const MAX_LENGTH = 10_000;
const MAX_DEPTH = 50;

/**
 * Compiles a filter in the Common Expression Language, as far as Nessie's clients use it: literals, lists, members,
 * comparisons, `in`, `&&`, `||`, `!`, `? :`, `size`, `timestamp`, `startsWith`, `endsWith`, `contains`, `exists`,
 * `all`, `has`. Everything else is refused: a filter never shows something else than it says.
 *
 * @param variables the names that it may use
 * @throws LakehouseError INVALID_ARGUMENT, from the compilation or from the filter
 */
export function compileFilter(expression: string, variables: readonly string[]): (scope: Scope) => boolean {
  if (expression.length > MAX_LENGTH) throw badFilter(expression, `is longer than ${MAX_LENGTH} characters`);
  const term = new Parser(expression, variables).parse();
  return (scope) => {
    const value = term(scope);
    if (typeof value === "boolean") return value;
    throw badFilter(expression, "is neither true nor false");
  };
}

class Parser {
  readonly #expression: string;
  readonly #tokens: readonly Token[];
  readonly #known: string[];
  #next = 0;
  #depth = 0;

  constructor(expression: string, variables: readonly string[]) {
    this.#expression = expression;
    this.#tokens = tokenize(expression);
    this.#known = [...variables];
  }

  parse(): Term {
    const term = this.#conditional();
    if (this.#peek().kind !== "end") throw this.#unexpected();
    return term;
  }

  #conditional(): Term {
    if (++this.#depth > MAX_DEPTH) throw badFilter(this.#expression, `is nested deeper than ${MAX_DEPTH}`);
    const condition = this.#or();
    let term = condition;
    if (this.#takes("?")) {
      const yes = this.#conditional();
      this.#expect(":");
      const no = this.#conditional();
      term = (scope) => (this.#boolean(condition(scope)) ? yes(scope) : no(scope));
    }
    this.#depth -= 1;
    return term;
  }

  #or(): Term {
    let left = this.#and();
    while (this.#takes("||")) {
      const [first, second] = [left, this.#and()];
      left = (scope) => this.#boolean(first(scope)) || this.#boolean(second(scope));
    }
    return left;
  }

  #and(): Term {
    let left = this.#relation();
    while (this.#takes("&&")) {
      const [first, second] = [left, this.#relation()];
      left = (scope) => this.#boolean(first(scope)) && this.#boolean(second(scope));
    }
    return left;
  }

  #relation(): Term {
    const left = this.#unary();
    const { kind, text } = this.#peek();
    if (kind === "name" && text === "in") {
      this.#next += 1;
      const right = this.#unary();
      return (scope) => this.#list(right(scope)).some((item) => same(item, left(scope)));
    }
    if (kind !== "symbol" || !/^[=!<>]=$|^[<>]$/.test(text)) return left;
    this.#next += 1;
    const right = this.#unary();
    if (text === "==") return (scope) => same(left(scope), right(scope));
    if (text === "!=") return (scope) => !same(left(scope), right(scope));
    const holds = { "<": (c: number) => c < 0, "<=": (c: number) => c <= 0, ">": (c: number) => c > 0 }[text];
    return (scope) => {
      const order = this.#compare(left(scope), right(scope));
      return holds === undefined ? order >= 0 : holds(order);
    };
  }

  #unary(): Term {
    let isNegated = false;
    let isAny = false;
    while (this.#takes("!")) [isNegated, isAny] = [!isNegated, true];
    if (this.#takes("-")) {
      const token = this.#take();
      if (token.kind !== "number" || isAny) throw this.#unexpected(token);
      return () => -Number(token.text);
    }
    const term = this.#member();
    return isAny ? (scope) => this.#boolean(term(scope)) !== isNegated : term;
  }

  #member(): Term {
    let term = this.#primary();
    for (;;) {
      const object = term;
      if (this.#takes("[")) {
        const index = this.#conditional();
        this.#expect("]");
        term = (scope) => this.#item(object(scope), index(scope));
      } else if (this.#takes(".")) {
        const name = this.#takeName();
        term = this.#takes("(") ? this.#method(object, name) : (scope) => this.#item(object(scope), name);
      } else return term;
    }
  }

  #method(object: Term, name: string): Term {
    if (name === "exists" || name === "all") return this.#quantifier(object, name);
    if (name === "size") {
      this.#expect(")");
      return (scope) => this.#size(object(scope));
    }
    const test = TEXT_TESTS[name];
    if (test === undefined) throw badFilter(this.#expression, `uses ${name}, which is not known here`);
    const argument = this.#conditional();
    this.#expect(")");
    return (scope) => test(this.#text(object(scope)), this.#text(argument(scope)));
  }

  #quantifier(object: Term, name: "exists" | "all"): Term {
    const variable = this.#takeName();
    this.#expect(",");
    this.#known.push(variable);
    const body = this.#conditional();
    this.#known.pop();
    this.#expect(")");
    return (scope) => {
      const test = (item: CelValue) => this.#boolean(body({ ...scope, [variable]: item }));
      const items = this.#list(object(scope));
      return name === "exists" ? items.some(test) : items.every(test);
    };
  }

  #primary(): Term {
    const token = this.#take();
    const { kind, text } = token;
    if (kind === "text") return () => text;
    if (kind === "number") return () => Number(text);
    if (kind === "name") return this.#name(text);
    if (text === "(") {
      const term = this.#conditional();
      this.#expect(")");
      return term;
    }
    if (kind !== "symbol" || text !== "[") throw this.#unexpected(token);
    const items: Term[] = [];
    while (!this.#takes("]")) {
      if (items.length > 0) this.#expect(",");
      items.push(this.#conditional());
    }
    return (scope) => items.map((item) => item(scope));
  }

  #name(name: string): Term {
    if (name === "true" || name === "false") return () => name === "true";
    if (name === "null") return () => null;
    if (this.#takes("(")) {
      const argument = this.#conditional();
      this.#expect(")");
      if (name === "size") return (scope) => this.#size(argument(scope));
      if (name === "timestamp") return (scope) => this.#timestamp(argument(scope));
      if (name === "has") return (scope) => argument(scope) !== null;
      throw badFilter(this.#expression, `uses ${name}, which is not known here`);
    }
    if (!this.#known.includes(name)) {
      throw badFilter(this.#expression, `names ${name}; there is ${this.#known.join(", ")}`);
    }
    return (scope) => scope[name] ?? null;
  }

  // Values

  #boolean(value: CelValue): boolean {
    if (typeof value === "boolean") return value;
    throw badFilter(this.#expression, "wants true or false where there is something else");
  }

  #text(value: CelValue): string {
    if (typeof value === "string") return value;
    throw badFilter(this.#expression, "wants a text where there is something else");
  }

  #list(value: CelValue): readonly CelValue[] {
    if (Array.isArray(value)) return value;
    throw badFilter(this.#expression, "wants a list where there is something else");
  }

  #size(value: CelValue): number {
    return typeof value === "string" ? [...value].length : this.#list(value).length;
  }

  #timestamp(value: CelValue): Date {
    const time = value instanceof Date ? value : new Date(this.#text(value));
    if (!Number.isNaN(time.getTime())) return time;
    throw badFilter(this.#expression, `holds ${String(value)}, which is no time`);
  }

  #item(value: CelValue, index: CelValue): CelValue {
    if (Array.isArray(value) && typeof index === "number") return value[index] ?? null;
    if (value === null) return null;
    if (isMap(value) && typeof index === "string") {
      return Object.hasOwn(value, index) ? (value[index] as CelValue) : null;
    }
    throw badFilter(this.#expression, `looks for ${String(index)} where nothing of the kind is`);
  }

  #compare(left: CelValue, right: CelValue): number {
    const [a, b] = [left, right].map((value) => (value instanceof Date ? value.getTime() : value));
    const isOrdered = typeof a === typeof b && (typeof a === "number" || typeof a === "string");
    if (!isOrdered || left instanceof Date !== right instanceof Date) {
      throw badFilter(this.#expression, "compares values that have no order");
    }
    if (a === b) return 0;
    return (a as number | string) < (b as number | string) ? -1 : 1;
  }

  // Tokens

  #peek(): Token {
    return this.#tokens[this.#next] as Token;
  }

  #take(): Token {
    const token = this.#peek();
    if (token.kind !== "end") this.#next += 1;
    return token;
  }

  #takes(symbol: string): boolean {
    const { kind, text } = this.#peek();
    if (kind !== "symbol" || text !== symbol) return false;
    this.#next += 1;
    return true;
  }

  #expect(symbol: string): void {
    if (!this.#takes(symbol)) throw this.#unexpected();
  }

  #takeName(): string {
    const token = this.#take();
    if (token.kind === "name") return token.text;
    throw this.#unexpected(token);
  }

  #unexpected({ text, at } = this.#peek()): Error {
    return badFilter(this.#expression, `is not understood at ${at + 1}, before ${text}`);
  }
}

const TEXT_TESTS: Readonly<Record<string, (text: string, part: string) => boolean>> = {
  startsWith: (text, part) => text.startsWith(part),
  endsWith: (text, part) => text.endsWith(part),
  contains: (text, part) => text.includes(part),
};

function isMap(value: CelValue): value is { readonly [member: string]: CelValue } {
  return value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof Date);
}

function same(left: CelValue, right: CelValue): boolean {
  if (left instanceof Date && right instanceof Date) return left.getTime() === right.getTime();
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, i) => same(item, right[i] as CelValue));
  }
  return left === right;
}
