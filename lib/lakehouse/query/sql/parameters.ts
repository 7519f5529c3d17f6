import { invalidArgument, nearNames } from "../../errors.js";
import { applyEdits, type EditedText } from "../text/edits.js";
import { fromByteString, type Token, toByteString, tokenize } from "../text/tokens.js";
import { type SqlParameter, valueSql } from "../types/values.js";

/** The values of a statement's parameters: in their order for `?` and `$1`, by name for `$name`. */
export type SqlParams = readonly SqlParameter[] | { readonly [name: string]: SqlParameter };

/**
 * Puts values in the place of a text's parameters, before anything else looks at it: so that they choose files and
 * snapshots as constants do, in every kind of statement.
 *
 * @param source a byte string.
 * @throws LakehouseError INVALID_ARGUMENT where parameters and values do not belong together.
 */
export function bindParameters(source: string, params: SqlParams | undefined): EditedText {
  const found = tokenize(source).filter(({ kind }) => kind === "parameter");
  if (found.length === 0 && params === undefined) return { text: source, original: (position) => position };
  const names = found.map(nameOf);
  const values = valuesOf(names, params);
  const edits = found.map(({ start, end }, i) => {
    const value = values.get(names[i] as string) as string;
    // Apart from what is beside it, which could otherwise make one token with it.
    return { start, end, text: toByteString(` ${value} `) };
  });
  return applyEdits(source, edits);
}

/** As an error names it: `$id`, `$2`. Each `?` is the next number. */
function nameOf({ text }: Token, i: number): string {
  return text === "?" ? `?${i + 1}` : `$${fromByteString(text.slice(1))}`;
}

/** SQL for each of the parameters. */
function valuesOf(names: readonly string[], params: SqlParams | undefined): ReadonlyMap<string, string> {
  const distinct = [...new Set(names)];
  const [first = ""] = distinct;
  const isNumbered = /^[?$]\d/.test(first);
  const kindOf = (name: string) => (/^\$\d/.test(name) ? "$1" : name.startsWith("?") ? "?" : "$name");
  const kinds = new Set(distinct.map(kindOf));
  if (kinds.size > 1) {
    throw invalidArgument(
      [...kinds].join(", "),
      `The statement has parameters of several kinds: ${[...kinds].join(", ")}.`,
      "Use one of them throughout.",
    );
  }
  if (params === undefined) {
    throw invalidArgument(
      shown(first),
      `The statement has the parameter${distinct.length === 1 ? "" : "s"} ${distinct.map(shown).join(", ")}, and no values came with it.`,
      `Give them as { params: ${isNumbered ? "[…]" : `{ ${first.slice(1)}: … }`} }.`,
    );
  }
  if (typeof params !== "object" || params === null || Object.getPrototypeOf(params) === Map.prototype) {
    throw invalidArgument("params", "The values of parameters are an array, or an object by name.");
  }
  return Array.isArray(params)
    ? listed(distinct, params, isNumbered)
    : named(distinct, params as { readonly [name: string]: SqlParameter }, isNumbered);
}

function shown(name: string): string {
  return name.startsWith("?") ? "?" : name;
}

function listed(
  names: readonly string[],
  params: readonly SqlParameter[],
  isNumbered: boolean,
): ReadonlyMap<string, string> {
  if (names.length > 0 && !isNumbered) {
    throw invalidArgument(
      names.join(", "),
      `The statement has parameters with names (${names.join(", ")}), and its values came without: as an array.`,
      `Give them by name: { params: { ${names.map((name) => name.slice(1)).join(", ")} } }.`,
    );
  }
  const wanted = new Set(names.map((name) => Number(name.slice(1))));
  const count = Math.max(0, ...wanted);
  const unused = params.findIndex((_, i) => !wanted.has(i + 1));
  if (wanted.has(0) || params.length < count || unused >= 0) {
    const lacking = params.length < count ? ` It has no value ${params.length + 1}.` : "";
    const spare =
      unused >= 0 && params.length >= count ? ` Nothing in it stands for value ${unused + 1}.` : "";
    throw invalidArgument(
      "params",
      `The statement has ${count} parameter${count === 1 ? "" : "s"}, and ${params.length} value${params.length === 1 ? "" : "s"} came with it.${lacking}${spare}`,
      "Parameters count from 1; a ? in quotes or in a comment is none.",
    );
  }
  const sql = params.map((value, i) => valueSql(value, `params[${i}]`));
  return new Map(names.map((name) => [name, sql[Number(name.slice(1)) - 1] as string]));
}

function named(
  names: readonly string[],
  params: { readonly [name: string]: SqlParameter },
  isNumbered: boolean,
): ReadonlyMap<string, string> {
  if (isNumbered) {
    throw invalidArgument(
      names.map(shown).join(", "),
      "The statement has parameters without names, and its values came by name.",
      "Give them in their order, as an array: { params: […] }.",
    );
  }
  const wanted = names.map((name) => name.slice(1));
  const given = Object.keys(params);
  const surplus = given.filter((name) => !wanted.includes(name));
  const [missing] = wanted.filter((name) => !Object.hasOwn(params, name));
  if (missing !== undefined) {
    const [near] = nearNames(missing, surplus);
    throw invalidArgument(
      `$${missing}`,
      `There is no value for the parameter $${missing}.`,
      near === undefined
        ? "Give null where there shall be none."
        : `The values have ${near}: the two are to be spelled the same.`,
    );
  }
  if (surplus.length > 0) {
    throw invalidArgument(
      surplus.join(", "),
      `The statement has no parameter $${surplus[0]}, and a value for it came along.`,
      wanted.length === 0
        ? "It has none at all: one in quotes or in a comment is none."
        : `It has ${wanted.map((name) => `$${name}`).join(", ")}.`,
    );
  }
  return new Map(wanted.map((name) => [`$${name}`, valueSql(params[name] as SqlParameter, `$${name}`)]));
}
