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

/** A test of dbt as a check. */
type Reader = (test: Given, namespace: string) => Check;

/** A test whose arguments are asked for by name. */
interface Given extends Test {
  readonly on: string;
  readonly options: CheckOptions;
}

interface Kind {
  /** The arguments that it may have. */
  readonly keys: readonly string[];
  /** True for a test of a model, which has no column of its own. */
  readonly isOfModel?: true;
  /** True where dbt counts values and not rows, so that bounds of its count would mean something else here. */
  readonly countsValues?: true;
  readonly read: Reader;
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const literal = (value: unknown): string =>
  typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value);
const values = ({ given, at }: Given, key: string): readonly CheckValue[] =>
  listOf(given[key], at) as readonly CheckValue[];
const numberAt = ({ given, at }: Given, key: string): number | undefined => {
  const value = given[key];
  if (value === undefined || value === null || typeof value === "number") return value ?? undefined;
  throw invalidSuite(at, `${at}: ${key} is ${JSON.stringify(value)}, and no number.`);
};

const isNotNull: Kind = { keys: [], read: ({ on, options }) => notNull(on, options) };
const isUnique: Kind = { keys: [], countsValues: true, read: ({ on, options }) => unique(on, options) };
const isAccepted = (key: string, more: readonly string[], countsValues?: true): Kind => ({
  keys: [key, ...more],
  ...(countsValues && { countsValues }),
  read: (test) => acceptedValues(test.on, values(test, key), test.options),
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
function duplicates(columns: readonly string[], options: CheckOptions, isMeant = ""): Check {
  const list = columns.map(quoted).join(", ");
  const { where, ...rest } = options;
  const conditions = [where === undefined ? [] : [`(${where}\n)`], isMeant === "" ? [] : [isMeant]].flat();
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
    const kept = where === undefined ? "" : ` WHERE (${where}\n)`;
    return sqlCheck(`SELECT count(*) AS rows FROM rows${kept} HAVING ${having(quoted(on))}`, {
      name: `${on} ${says}`,
      ...rest,
    });
  },
});

const KINDS: Readonly<Record<string, Kind>> = {
  not_null: isNotNull,
  unique: isUnique,
  accepted_values: isAccepted("values", ["quote"], true),
  relationships: {
    keys: ["to", "field"],
    read: ({ on, given, options, at }, namespace) =>
      references(on, relationOf(given.to, namespace, at), textOf(given.field, at), options),
  },
  "dbt_utils.accepted_range": isBetween(({ given }) => given.inclusive === false, ["inclusive"]),
  "dbt_utils.expression_is_true": {
    keys: ["expression"],
    read: ({ column, given, options, at }) => {
      const text = textOf(given.expression, at);
      return expression(column === undefined ? text : `${quoted(column)} ${text}`, options);
    },
  },
  "dbt_utils.unique_combination_of_columns": {
    keys: ["combination_of_columns", "quote_columns"],
    isOfModel: true,
    read: ({ given, options, at }) =>
      duplicates(listOf(given.combination_of_columns, at) as string[], options),
  },
  "dbt_utils.not_null_proportion": {
    keys: ["at_least"],
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
    countsValues: true,
    read: (test) =>
      expression(
        `${quoted(test.on)} NOT IN (${values(test, "values").map(literal).join(", ")})`,
        test.options,
      ),
  },
  "dbt_utils.at_least_one": ofAll((column) => `count(${column}) = 0`, "has a value"),
  "dbt_utils.not_constant": ofAll((column) => `count(DISTINCT ${column}) = 1`, "is not constant"),
  "dbt_utils.recency": {
    keys: ["field", "datepart", "interval"],
    isOfModel: true,
    read: (test) => freshness(textOf(test.given.field, test.at), span(test), test.options),
  },
  "dbt_expectations.expect_column_values_to_not_be_null": isNotNull,
  "dbt_expectations.expect_column_values_to_be_unique": isUnique,
  "dbt_expectations.expect_column_values_to_be_in_set": isAccepted("value_set", ["quote_values"]),
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
    isOfModel: true,
    read: (test) =>
      rowCount({ min: numberAt(test, "min_value"), max: numberAt(test, "max_value"), ...test.options }),
  },
  "dbt_expectations.expect_table_row_count_to_equal": {
    keys: ["value"],
    isOfModel: true,
    read: (test) => rowCount({ min: numberAt(test, "value"), max: numberAt(test, "value"), ...test.options }),
  },
  "dbt_expectations.expect_compound_columns_to_be_unique": {
    keys: ["column_list", "quote_columns"],
    isOfModel: true,
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
export function checkOf(test: Test, namespace: string): Check {
  const kind = KINDS[test.kind.replace(/^dbt\./, "")];
  const { at, column } = test;
  if (kind === undefined) {
    throw invalidSuite(
      at,
      `${at} is a test that has no counterpart here.`,
      "Write it as SQL, by sqlCheck or expression, and take it out of the file.",
    );
  }
  const { row_condition: condition, ...given } = test.given;
  keysOf(given, kind.keys, at);
  if (kind.countsValues && test.counts)
    throw invalidSuite(
      at,
      `${at} has a bound for its failures, which dbt counts by value and this library by row.`,
      "Give the check an allowance of its own, or take error_if and warn_if out.",
    );
  if (column === undefined && kind.isOfModel === undefined && test.kind !== "dbt_utils.expression_is_true")
    throw invalidSuite(at, `${at} is about a column, and stands at a model.`, "Put it below the column.");
  const both = [test.options.where, condition === undefined ? undefined : textOf(condition, at)].filter(
    (each) => each !== undefined,
  );
  const where = both.length === 0 ? {} : { where: both.map((each) => `(${each}\n)`).join(" AND ") };
  try {
    return kind.read({ ...test, given, on: column ?? "", options: { ...test.options, ...where } }, namespace);
  } catch (cause) {
    if (invalidSuite.is(cause)) throw cause;
    throw invalidSuite(at, `${at} cannot be read: ${(cause as Error).message}`, undefined, cause);
  }
}

/** `ref('orders')`, `source('raw', 'orders')`, in braces or not. */
function relationOf(to: unknown, namespace: string, at: string): string {
  const text = textOf(to, at);
  const [, kind, inside = ""] = /^\s*(?:\{\{)?\s*(ref|source)\((.*)\)\s*(?:\}\})?\s*$/.exec(text) ?? [];
  const names = inside.split(",").map((name) => /^\s*(['"])(.+)\1\s*$/.exec(name)?.[2]);
  const [first, second] = names;
  if (kind === "ref" && names.length === 1 && first !== undefined) return `${namespace}.${first}`;
  if (kind === "source" && names.length === 2 && first !== undefined && second !== undefined)
    return `${first}.${second}`;
  throw invalidSuite(
    at,
    `${at} refers to ${text}.`,
    "Write it as ref('orders'), or source('raw', 'orders').",
  );
}
