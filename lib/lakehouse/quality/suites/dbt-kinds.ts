import {
  acceptedValues,
  type CheckOptions,
  expression,
  freshness,
  length,
  notNull,
  pattern,
  range,
  references,
  rowCount,
  sqlCheck,
  unique,
} from "../checks/builders.js";
import type { Check, CheckValue } from "../checks/types.js";
import { invalidSuite } from "../errors.js";
import { keysOf, listOf, type Test, textOf } from "./dbt-tests.js";

/** Where the tables are that a test names. */
export interface Relations {
  /** Of models, seeds and snapshots: the table of each that is not called as it is, by its name. */
  readonly models: ReadonlyMap<string, string>;
  /** The tables of the file's sources, by `source.table`. */
  readonly sources: ReadonlyMap<string, string>;
  /** Of all other models. */
  readonly namespace: string;
}

/** A test of dbt as a check. */
type Reader = (test: Given, relations: Relations) => Check;

/** A test whose arguments are asked for by name. */
interface Given extends Test {
  /** Its column; "" without one. */
  readonly on: string;
  /** True where that is SQL. */
  readonly isSql: boolean;
  readonly options: CheckOptions;
}

interface Kind {
  /** The arguments that it may have. */
  readonly keys: readonly string[];
  /** `model`: it has no column of its own. `either`: it may have one. Of a column where not given. */
  readonly about?: "model" | "either";
  /** True where the column may be SQL, as `column_name` at a model can be. */
  readonly takesSql?: true;
  /** True where dbt counts no rows, so that bounds of its count would mean something else here. */
  readonly hasNoCount?: true;
  readonly read: Reader;
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
/** SQL of the file: a comment at its end ends before the parenthesis. */
const inner = (text: string): string => `(${text}\n)`;
/** In quotes whatever it is: DuckDB reads such a text as the type of what it is compared with. */
const literal = (value: unknown): string => `'${String(value).replaceAll("'", "''")}'`;
const values = ({ given, at }: Given, key: string): readonly CheckValue[] =>
  listOf(given[key], at) as readonly CheckValue[];
const numberAt = ({ given, at }: Given, key: string): number | undefined => {
  const value = given[key];
  if (value === undefined || value === null || typeof value === "number") return value ?? undefined;
  throw invalidSuite(at, `${at}: ${key} is ${JSON.stringify(value)}, and no number.`);
};

const isNotNull: Kind = {
  keys: [],
  takesSql: true,
  read: ({ on, isSql, options }) =>
    isSql
      ? expression(`${inner(on)} IS NOT NULL`, { name: `${on} not null`, ...options })
      : notNull(on, options),
};
const isUnique: Kind = {
  keys: [],
  takesSql: true,
  read: ({ on, isSql, options, counts }) => {
    const sqlOf = isSql ? inner : quoted;
    return isSql || counts
      ? duplicates([on], options, `${sqlOf(on)} IS NOT NULL`, sqlOf)
      : unique(on, options);
  },
};

/** Rows that are wrong by their values: dbt counts each such value once, which matters where there are bounds. */
function wrongValues({ on, options }: Given, says: string, isWrong: string): Check {
  const { where, ...rest } = options;
  const kept = where === undefined ? isWrong : `${inner(where)} AND ${isWrong}`;
  return sqlCheck(`SELECT ${quoted(on)}, count(*) AS copies FROM rows WHERE ${kept} GROUP BY ${quoted(on)}`, {
    name: `${on} ${says}`,
    ...rest,
  });
}

const isAccepted = (key: string, quote: string, countsValues?: true): Kind => ({
  keys: [key, quote],
  read: (test) => {
    const { on, given, options, counts } = test;
    const all = values(test, key);
    // What is not to be put in quotes is SQL.
    const isSql = given[quote] === false && all.some((value) => typeof value === "string");
    const list = (isSql ? all.map(String) : all.map(literal)).join(", ");
    if (counts && countsValues) return wrongValues(test, "accepted values", `${quoted(on)} NOT IN (${list})`);
    const name = `${on} accepted values`;
    return isSql
      ? expression(`${quoted(on)} IN (${list})`, { name, ...options })
      : acceptedValues(on, all, options);
  },
});

const isBetween = (isStrict: (test: Given) => boolean, more: readonly string[]): Kind => ({
  keys: ["min_value", "max_value", ...more],
  read: (test) => {
    const { on, given, options } = test;
    const { min_value: min, max_value: max } = given;
    const exclusive = isStrict(test) ? true : undefined;
    const isSql = [min, max].some((bound) => typeof bound === "string");
    if (!isSql)
      return range(on, {
        min: numberAt(test, "min_value"),
        max: numberAt(test, "max_value"),
        exclusive,
        ...options,
      });
    // Text is SQL there, as in current_date.
    const [over, under] = exclusive ? [">", "<"] : [">=", "<="];
    const bounds = [
      min === undefined || min === null ? [] : [`${quoted(on)} ${over} (${String(min)})`],
      max === undefined || max === null ? [] : [`${quoted(on)} ${under} (${String(max)})`],
    ].flat();
    return expression(bounds.join(" AND "), options);
  },
});

const matches = (not: true | undefined): Kind => ({
  keys: ["regex", "is_raw"],
  read: ({ on, given, options, at }) => pattern(on, textOf(given.regex, at), { ...options, not }),
});

/** Keys with NULLs in them, which `unique` passes over, are keys there. */
function duplicates(
  columns: readonly string[],
  options: CheckOptions,
  isMeant = "",
  sqlOf: (column: string) => string = quoted,
): Check {
  const list = columns.map(sqlOf).join(", ");
  const { where, ...rest } = options;
  const conditions = [where === undefined ? [] : [inner(where)], isMeant === "" ? [] : [isMeant]].flat();
  const kept = conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
  return sqlCheck(
    `SELECT ${list}, count(*) AS copies FROM rows${kept} GROUP BY ${list} HAVING count(*) > 1`,
    {
      name: `${columns.join(", ")} unique`,
      ...rest,
    },
  );
}

const UNITS: Readonly<Record<string, string>> = { second: "s", minute: "m", hour: "h", day: "d" };

function span({ given, at }: Given): string {
  const unit = UNITS[String(given.datepart)];
  if (unit !== undefined && typeof given.interval === "number") return `${given.interval}${unit}`;
  throw invalidSuite(
    at,
    `${at} has no span of time in seconds, minutes, hours or days.`,
    "Give a datepart and an interval.",
  );
}

/** What is true of the rows together, by a query that has a row where it is not. */
const ofAll = (having: (column: string) => string, says: string): Kind => ({
  keys: [],
  read: ({ on, options }) => {
    const { where, ...rest } = options;
    const kept = where === undefined ? "" : ` WHERE ${inner(where)}`;
    return sqlCheck(`SELECT count(*) AS rows FROM rows${kept} HAVING ${having(quoted(on))}`, {
      name: `${on} ${says}`,
      ...rest,
    });
  },
});

const KINDS: Readonly<Record<string, Kind>> = {
  not_null: isNotNull,
  unique: isUnique,
  accepted_values: isAccepted("values", "quote", true),
  relationships: {
    keys: ["to", "field"],
    read: ({ on, given, options, at }, relations) =>
      references(on, relationOf(given.to, relations, at), textOf(given.field, at), options),
  },
  "dbt_utils.accepted_range": isBetween(({ given }) => given.inclusive === false, ["inclusive"]),
  "dbt_utils.expression_is_true": {
    keys: ["expression"],
    about: "either",
    read: ({ on, given, options, at }) => {
      const text = textOf(given.expression, at);
      return expression(on === "" ? text : `${quoted(on)} ${text}`, options);
    },
  },
  "dbt_utils.unique_combination_of_columns": {
    keys: ["combination_of_columns", "quote_columns"],
    about: "model",
    read: ({ given, options, at }) =>
      duplicates(listOf(given.combination_of_columns, at) as string[], options),
  },
  "dbt_utils.not_null_proportion": {
    keys: ["at_least"],
    hasNoCount: true,
    read: (test) =>
      notNull(test.on, { ...test.options, allow: { fraction: 1 - (numberAt(test, "at_least") ?? 1) } }),
  },
  "dbt_utils.not_empty_string": {
    keys: ["trim_whitespace"],
    read: ({ on, given, options }) =>
      expression(`${given.trim_whitespace === false ? quoted(on) : `trim(${quoted(on)})`} <> ''`, options),
  },
  "dbt_utils.not_accepted_values": {
    keys: ["values", "quote"],
    read: (test) => {
      const { on, given, options, counts } = test;
      const all = values(test, "values").map(given.quote === false ? String : literal);
      const list = `${quoted(on)} %s (${all.join(", ")})`;
      return counts
        ? wrongValues(test, "has no value that it must not have", list.replace("%s", "IN"))
        : expression(list.replace("%s", "NOT IN"), options);
    },
  },
  "dbt_utils.at_least_one": ofAll((column) => `count(${column}) = 0`, "has a value"),
  "dbt_utils.not_constant": ofAll((column) => `count(DISTINCT ${column}) = 1`, "is not constant"),
  "dbt_utils.recency": {
    keys: ["field", "datepart", "interval"],
    about: "model",
    read: (test) => freshness(textOf(test.given.field, test.at), span(test), test.options),
  },
  "dbt_expectations.expect_column_values_to_not_be_null": isNotNull,
  "dbt_expectations.expect_column_values_to_be_unique": isUnique,
  "dbt_expectations.expect_column_values_to_be_in_set": isAccepted("value_set", "quote_values"),
  "dbt_expectations.expect_column_values_to_be_between": isBetween(
    ({ given }) => given.strictly === true,
    ["strictly"],
  ),
  "dbt_expectations.expect_column_values_to_match_regex": matches(undefined),
  "dbt_expectations.expect_column_values_to_not_match_regex": matches(true),
  "dbt_expectations.expect_column_value_lengths_to_be_between": {
    keys: ["min_value", "max_value"],
    read: (test) =>
      length(test.on, {
        min: numberAt(test, "min_value"),
        max: numberAt(test, "max_value"),
        ...test.options,
      }),
  },
  "dbt_expectations.expect_column_value_lengths_to_equal": {
    keys: ["value"],
    read: (test) =>
      length(test.on, { min: numberAt(test, "value"), max: numberAt(test, "value"), ...test.options }),
  },
  "dbt_expectations.expect_table_row_count_to_be_between": {
    keys: ["min_value", "max_value"],
    about: "model",
    read: (test) =>
      rowCount({ min: numberAt(test, "min_value"), max: numberAt(test, "max_value"), ...test.options }),
  },
  "dbt_expectations.expect_table_row_count_to_equal": {
    keys: ["value"],
    about: "model",
    read: (test) => rowCount({ min: numberAt(test, "value"), max: numberAt(test, "value"), ...test.options }),
  },
  "dbt_expectations.expect_compound_columns_to_be_unique": {
    keys: ["column_list", "quote_columns"],
    about: "model",
    read: ({ given, options, at }) => {
      const columns = listOf(given.column_list, at) as string[];
      return duplicates(
        columns,
        options,
        `NOT (${columns.map((name) => `${quoted(name)} IS NULL`).join(" AND ")})`,
      );
    },
  },
  "dbt_expectations.expect_row_values_to_have_recent_data": {
    keys: ["datepart", "interval"],
    read: (test) => freshness(test.on, span(test), test.options),
  },
};

/** @throws LakehouseError INVALID_SUITE for a test that is none of these, or has more to say than they do. */
export function checkOf(test: Test, relations: Relations): Check {
  const kind = KINDS[test.kind.replace(/^dbt\./, "")];
  const { at } = test;
  if (kind === undefined) {
    throw invalidSuite(
      at,
      `${at} is a test that has no counterpart here.`,
      "Write it as SQL, by sqlCheck or expression, and take it out of the file.",
    );
  }
  const { row_condition: condition, ...rest } = test.given;
  const { on, isSql, given } = columnOf({ ...test, given: rest }, kind);
  keysOf(given, kind.keys, at);
  if (kind.hasNoCount && test.counts)
    throw invalidSuite(
      at,
      `${at} has a bound for its failures, which are not counted: it passes or fails.`,
      "Take error_if and warn_if out.",
    );
  const both = [test.options.where, condition === undefined ? undefined : textOf(condition, at)].filter(
    (each) => each !== undefined,
  );
  const where = both.length === 0 ? {} : { where: both.map(inner).join(" AND ") };
  try {
    return kind.read({ ...test, given, on, isSql, options: { ...test.options, ...where } }, relations);
  } catch (cause) {
    if (invalidSuite.is(cause)) throw cause;
    throw invalidSuite(at, `${at} cannot be read: ${(cause as Error).message}`, undefined, cause);
  }
}

/** The column that a test is about: the one that it stands below or, at a model, what `column_name` says. */
function columnOf(
  { column, given, at }: Test,
  { about, takesSql }: Kind,
): Pick<Given, "on" | "isSql" | "given"> {
  const { column_name: named, ...rest } = given;
  if (column !== undefined || about === "model" || (about === "either" && named === undefined))
    return { on: column ?? "", isSql: false, given };
  if (named === undefined)
    throw invalidSuite(at, `${at} is about a column, and stands at a model.`, "Put it below the column.");
  const text = textOf(named, at);
  const inQuotes = /^\s*"((?:[^"]|"")+)"\s*$/.exec(text)?.[1]?.replaceAll('""', '"');
  const on = /^[\p{L}_][\p{L}\p{N}_]*$/u.test(text) ? text : inQuotes;
  if (on !== undefined) return { on, isSql: false, given: rest };
  if (takesSql) return { on: text, isSql: true, given: rest };
  throw invalidSuite(
    at,
    `${at} is about ${text}, which is SQL and no column.`,
    "Write it as a query, by sqlCheck, and take it out of the file.",
  );
}

/** `ref('orders')`, `source('raw', 'orders')`, in braces or not. */
function relationOf(to: unknown, { models, sources, namespace }: Relations, at: string): string {
  const text = textOf(to, at);
  const [, kind, inside = ""] = /^\s*(?:\{\{)?\s*(ref|source)\((.*)\)\s*(?:\}\})?\s*$/.exec(text) ?? [];
  const names = inside.split(",").map((name) => /^\s*(['"])(.+)\1\s*$/.exec(name)?.[2]);
  const last = names.at(-1);
  // Of a model of another package, that comes first.
  if (kind === "ref" && names.length <= 2 && !names.includes(undefined) && last !== undefined)
    return models.get(last) ?? `${namespace}.${last}`;
  if (kind === "source" && names.length === 2 && !names.includes(undefined))
    return sources.get(names.join(".")) ?? names.join(".");
  throw invalidSuite(
    at,
    `${at} refers to ${text}.`,
    "Write it as ref('orders'), or source('raw', 'orders').",
  );
}
