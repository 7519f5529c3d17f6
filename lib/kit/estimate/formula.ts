import { invalidArgument } from "sololakehouse/errors";
import { over, plus, type Quantity, quantity, times } from "./quantity.js";

/**
 * Reckons a formula over named quantities: names, plain numbers, `+`, `*`, `/` and parentheses. The text that is reckoned is
 * the text that is shown, so the arithmetic on a page cannot be another than the one behind its number.
 *
 * @example reckon("rows_a_day * bytes_a_row * kept", (name) => known[name])
 * @throws INVALID_ARGUMENT for a name that nobody knows, for what is no formula, and for a sum of unlike things.
 */
export function reckon(formula: string, named: (name: string) => Quantity | undefined): Quantity {
  const tokens = formula.match(/[a-z_][a-z_0-9]*|\d+(?:\.\d+)?|\S/g) ?? [];
  let at = 0;
  const wrong = (why: string): Error =>
    invalidArgument(formula, `"${formula}" is not a formula: ${why}.`, "Write it as: rows * bytes / 2");
  const one = (): Quantity => {
    const token = tokens[at++];
    if (token === undefined) throw wrong("it ends too early");
    if (token === "(") {
      const inside = sum();
      if (tokens[at++] !== ")") throw wrong("a parenthesis is not closed");
      return inside;
    }
    if (/^\d/.test(token)) return quantity(Number(token), "");
    if (!/^[a-z_]/.test(token)) throw wrong(`"${token}" stands where a name or a number should`);
    const found = named(token);
    if (found === undefined) throw wrong(`nothing is called "${token}"`);
    return found;
  };
  const product = (): Quantity => {
    let result = one();
    while (tokens[at] === "*" || tokens[at] === "/")
      result = tokens[at++] === "*" ? times(result, one()) : over(result, one());
    return result;
  };
  const sum = (): Quantity => {
    let result = product();
    while (tokens[at] === "+") {
      at++;
      result = plus(result, product());
    }
    return result;
  };
  const result = sum();
  if (at < tokens.length) throw wrong(`"${tokens[at]}" is left over`);
  return result;
}

/** The names that a formula uses, each once, in order. */
export function namesIn(formula: string): string[] {
  return [...new Set(formula.match(/[a-z_][a-z_0-9]*/g) ?? [])];
}
