/*
 * What means the same to DuckDB and to Spark, as our driver sets it (spark_driver.py). What is not here is refused: a list of
 * what differs would be silent about what nobody thought of.
 */

/** DuckDB's types of values. */
export const TYPES: ReadonlySet<string> = new Set([
  ...["NULL", "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL"],
  ...["VARCHAR", "DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "INTERVAL"],
]);

const WHOLE = ["TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"];
const isWhole = (type: string | undefined) => WHOLE.includes(type ?? "");
const isNumber = (type: string | undefined) => isWhole(type) || type === "DOUBLE";
const isExact = (type: string | undefined) => isWhole(type) || type === "DECIMAL";
const isTime = (type: string | undefined) => type === "DATE" || type === "TIMESTAMP";

/** Parts of DuckDB's plans. A LIMIT is none of them: which rows it leaves, the query does not say as a rule. */
export const plans: ReadonlySet<string> = new Set(
  [
    ...[
      "PROJECTION",
      "FILTER",
      "GET",
      "COMPARISON_JOIN",
      "ANY_JOIN",
      "DELIM_JOIN",
      "CROSS_PRODUCT",
      "DELIM_GET",
    ],
    ...["AGGREGATE_AND_GROUP_BY", "DISTINCT", "UNION", "EXCEPT", "INTERSECT", "MATERIALIZED_CTE", "CTE_REF"],
    ...["ORDER_BY", "WINDOW", "DUMMY_SCAN"],
  ].map((name) => `LOGICAL_${name}`),
);

/** Operators that no function stands for; comparisons, AND, OR and CASE are known beside them. */
export const operators: ReadonlySet<string> = new Set([
  ...["OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "OPERATOR_NOT", "OPERATOR_COALESCE"],
  ...["COMPARE_IN", "COMPARE_NOT_IN"],
]);

/** Casts, as `from to`. Of text they are `textCasts`; a DOUBLE rounds to a whole number in one, and is cut in the other. */
export const casts: ReadonlySet<string> = new Set([
  ...[...TYPES].map((type) => `NULL ${type}`),
  ...WHOLE.flatMap((from) => [...WHOLE, "DOUBLE"].map((to) => `${from} ${to}`)),
  ...WHOLE.filter((from) => from !== "HUGEINT").flatMap((from) => [`${from} VARCHAR`, `${from} DECIMAL`]),
  "FLOAT DOUBLE",
  "DATE TIMESTAMP",
  "TIMESTAMP DATE",
]);

const DATE = "[12][0-9]{3}-[0-9]{2}-[0-9]{2}";
const TIME = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]";

/**
 * Of text that is held to a pattern, as `CASE WHEN regexp_extract(text, pattern, 0) = text THEN text END`: of anything else,
 * such as 1e3, 12.7 or 24:00:00, each engine makes what it likes.
 */
export const textCasts: Readonly<Record<string, (pattern: string) => boolean>> = {
  SMALLINT: (pattern) => digitsIn(pattern) <= 4,
  INTEGER: (pattern) => digitsIn(pattern) <= 9,
  BIGINT: (pattern) => digitsIn(pattern) <= 18,
  DATE: (pattern) => pattern === DATE,
  TIMESTAMP: (pattern) => pattern === `${DATE}T${TIME}` || pattern === `${DATE} ${TIME}`,
};

/** True for a constant that is written so that both read it alike, as in `DATE '2001-01-07'`. */
export function isWritten(text: string, type: string): boolean {
  const pattern = type === "DATE" ? DATE : type === "TIMESTAMP" ? `${DATE}[T ]${TIME}` : undefined;
  return pattern !== undefined && new RegExp(`^(?:${pattern})$`).test(text);
}

/** The most digits of the numbers of a pattern, as `-?[0-9]{1,9}`. */
function digitsIn(pattern: string): number {
  return Number(/^(?:-\?|\[-\+\]\?)?\[0-9\]\{1,(\d+)\}$/.exec(pattern)?.[1] ?? Number.POSITIVE_INFINITY);
}

/** A pattern of characters, classes, groups and counts alone, which RE2 and Java read alike. */
export function isSafePattern(pattern: unknown): boolean {
  return typeof pattern === "string" && /^[A-Za-z0-9 :,/_\-[\](){}|?+*@#%=;]*$/.test(pattern);
}

type Known = (types: readonly string[], constants: readonly unknown[]) => boolean;

const PARTS = new Set(["year", "quarter", "month", "day", "hour", "minute"]);
const ofOne: Known = ([type]) => isTime(type);
const arithmetic: Known = (types) => types.every(isNumber) || types.every(isExact);
const like: Known = ([, type], [, pattern]) =>
  type === "VARCHAR" && typeof pattern === "string" && !pattern.includes("\\");

/** Functions and operators, by DuckDB's names, for what they take. */
export const functions: Readonly<Record<string, Known>> = {
  "+": (types, constants) => arithmetic(types, constants) || isDays(types),
  "-": (types, constants) => arithmetic(types, constants) || isDays(types),
  "*": arithmetic,
  "/": (types) => types.every((type) => type === "DOUBLE"),
  "%": (types) => types.every(isWhole),
  "||": (types) => types.every((type) => type === "VARCHAR"),
  "~~": like,
  "!~~": like,
  abs: ([type]) => isNumber(type),
  date_part: ([, type], [part]) => isTime(type) && PARTS.has(String(part)),
  year: ofOne,
  month: ofOne,
  day: ofOne,
  hour: ([type]) => type === "TIMESTAMP",
  minute: ([type]) => type === "TIMESTAMP",
  length: ([type]) => type === "VARCHAR",
  regexp_extract: (_, [, pattern, group]) => isSafePattern(pattern) && (group === 0 || group === undefined),
};

/** A day and a number of days, or an interval of days. */
function isDays([from, by]: readonly string[]): boolean {
  return (isTime(from) && by === "INTERVAL") || (from === "DATE" && isWhole(by));
}

/** Aggregates, as such and in windows. Of a sum of DOUBLEs the last digits follow the order of the rows. */
export const aggregates: Readonly<Record<string, (types: readonly string[]) => boolean>> = {
  count: () => true,
  count_star: () => true,
  sum: ([type]) => isExact(type),
  avg: ([type]) => isWhole(type) && type !== "BIGINT" && type !== "HUGEINT",
  min: () => true,
  max: () => true,
  bool_and: () => true,
  bool_or: () => true,
};
