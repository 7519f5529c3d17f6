import { invalidArgument } from "../../errors.js";
import type { Schema } from "../../iceberg/index.js";
import { checkObject } from "../../options.js";
import { isKind, requireTerms } from "./terms.js";
import type {
  AcceptedValuesCheck,
  Check,
  CheckBase,
  CheckKind,
  CheckOf,
  CheckValue,
  Distribution,
  DriftCheck,
  ExpressionCheck,
  FreshnessCheck,
  LengthCheck,
  NotNullCheck,
  OfRows,
  PatternCheck,
  RangeCheck,
  ReferencesCheck,
  RowCountCheck,
  SqlCheck,
  TypesCheck,
  UniqueCheck,
} from "./types.js";

/** What any check can be given: a name of its own, and what a failure means. */
export type CheckOptions = Partial<CheckBase>;

/** A value as programs have it; it is kept as JSON can say it. */
export type ValueInput = CheckValue | bigint | Date;

/** @example notNull("origin"), notNull("delay", { severity: "warn", allow: { fraction: 0.01 } }) */
export function notNull(column: string, options: CheckOptions = {}): NotNullCheck {
  return made({ kind: "notNull", column }, `${column} not null`, options);
}

/** What columns that a schema requires to have a value ask of rows that may lack it, where no check that blocks does. */
export function notNulls({ fields }: Schema, checks: readonly Check[]): readonly NotNullCheck[] {
  const said = new Set(
    checks.flatMap((check) =>
      check.kind === "notNull" &&
      check.severity === "block" &&
      check.allow === undefined &&
      check.where === undefined
        ? [check.column]
        : [],
    ),
  );
  const taken = new Set(checks.map(({ name }) => name));
  return fields
    .filter((field) => field.required && !said.has(field.name))
    .map((field) => notNull(field.name))
    .map((check) => (taken.has(check.name) ? { ...check, name: `${check.name} (schema)` } : check));
}

/** Of one column, or of several together. @example unique("id"), unique(["date", "flight"]) */
export function unique(columns: string | readonly string[], options: CheckOptions = {}): UniqueCheck {
  const all = list(columns);
  return made({ kind: "unique", columns: all }, `${all.join(", ")} unique`, options);
}

/** @example range("delay", { min: -120, max: 2000 }), range("date", { min: "2001-01-01" }) */
export function range(
  column: string,
  {
    min,
    max,
    exclusive,
    ...options
  }: CheckOptions & {
    readonly min?: ValueInput | undefined;
    readonly max?: ValueInput | undefined;
    readonly exclusive?: boolean | undefined;
  },
): RangeCheck {
  if (min === undefined && max === undefined) throw needs("range", column, "a min or a max");
  if (Number.isNaN(min) || Number.isNaN(max)) throw needs("range", column, "bounds, and NaN is none");
  const bounds = { min: min === undefined ? min : plain(min), max: max === undefined ? max : plain(max) };
  return made(
    { kind: "range", column, ...bounds, exclusive },
    `${column} ${between(bounds.min, bounds.max)}`,
    options,
  );
}

/** @example acceptedValues("status", ["open", "closed"]) */
export function acceptedValues(
  column: string,
  values: readonly ValueInput[],
  options: CheckOptions = {},
): AcceptedValuesCheck {
  if (!Array.isArray(values) || values.length === 0) throw needs("acceptedValues", column, "values");
  return made(
    { kind: "acceptedValues", column, values: values.map(plain) },
    `${column} accepted values`,
    options,
  );
}

/** @example pattern("origin", "^[A-Z]{3}$") */
export function pattern(
  column: string,
  expression: string,
  { not, ...options }: CheckOptions & { readonly not?: boolean | undefined } = {},
): PatternCheck {
  if (typeof expression !== "string" || expression === "")
    throw needs("pattern", column, "a regular expression, as text");
  const name = `${column} ${not === true ? "has no" : "has"} ${expression}`;
  return made({ kind: "pattern", column, pattern: expression, not }, name, options);
}

/** @example length("origin", { min: 3, max: 3 }) */
export function length(
  column: string,
  {
    min,
    max,
    ...options
  }: CheckOptions & { readonly min?: number | undefined; readonly max?: number | undefined },
): LengthCheck {
  if (min === undefined && max === undefined) throw needs("length", column, "a min or a max");
  return made({ kind: "length", column, min, max }, `${column} length ${between(min, max)}`, options);
}

/** By the schema, in Iceberg's own words. @example types({ id: "long", price: "decimal(10, 2)" }) */
export function types(columns: Readonly<Record<string, string>>, options: CheckOptions = {}): TypesCheck {
  checkObject("types", "columns", columns);
  if (Object.keys(columns).length === 0) throw needs("types", "columns", "columns");
  return made({ kind: "types", columns }, "types", options);
}

/** @example references("origin", "flights.airports", "iata") */
export function references(
  columns: string | readonly string[],
  table: string,
  to: string | readonly string[],
  options: CheckOptions = {},
): ReferencesCheck {
  const [from, into] = [list(columns), list(to)];
  if (from.length !== into.length)
    throw needs("references", from.join(", "), `as many columns of ${table} as of its own`);
  if (typeof table !== "string" || !table.includes("."))
    throw needs("references", from.join(", "), "a table, as in flights.airports");
  const check = { kind: "references", columns: from, table, to: into } as const;
  return made(check, `${from.join(", ")} in ${table}`, options);
}

/** @example expression("landed >= departed") */
export function expression(text: string, options: CheckOptions = {}): ExpressionCheck {
  if (typeof text !== "string" || text.trim() === "")
    throw needs("expression", "expression", "a SQL predicate");
  return made({ kind: "expression", expression: text }, text, options);
}

/** @example sqlCheck("select origin from rows group by 1 having count(*) > 100000", { name: "no origin too busy" }) */
export function sqlCheck(text: string, options: CheckOptions & OfRows = {}): SqlCheck {
  if (typeof text !== "string" || text.trim() === "") throw needs("sqlCheck", "sql", "a query");
  return made({ kind: "sql", sql: text }, text.replace(/\s+/g, " ").trim().slice(0, 80), options);
}

/** @example rowCount({ min: 1 }), rowCount({ change: { min: -0.1, runs: 5 } }), rowCount({ max: 10_000, of: "new" }) */
export function rowCount({
  min,
  max,
  change,
  ...options
}: CheckOptions & OfRows & Pick<RowCountCheck, "min" | "max" | "change">): RowCountCheck {
  if (min === undefined && max === undefined && change === undefined)
    throw needs("rowCount", "rows", "a min, a max or a change");
  const parts = [
    min === undefined && max === undefined ? [] : [`row count ${between(min, max)}`],
    change === undefined ? [] : ["row count against history"],
  ];
  return made({ kind: "rowCount", min, max, change }, parts.flat().join(", "), options);
}

/** @example freshness("received_at", "24h") */
export function freshness(
  column: string,
  within: string,
  options: CheckOptions & OfRows = {},
): FreshnessCheck {
  milliseconds(within, column);
  return made({ kind: "freshness", column, within }, `${column} within ${within}`, options);
}

/** @example drift("delay", { against: "main" }), drift("origin", { against: "2026-10", max: 0.1 }) */
export function drift(
  column: string,
  {
    against,
    max,
    ...options
  }: CheckOptions & OfRows & { readonly against: string | Distribution; readonly max?: number | undefined },
): DriftCheck {
  if (against === undefined)
    throw needs("drift", column, "what it is compared with, a ref or a distribution");
  return made({ kind: "drift", column, against, max }, `${column} drift`, options);
}

/** Milliseconds of `90s`, `15m`, `24h`, `7d`. */
export function milliseconds(text: string, subject: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*(s|m|h|d)$/.exec(text) ?? [];
  const scale = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit ?? ""];
  if (scale !== undefined) return Number(amount) * scale;
  throw invalidArgument(
    subject,
    `${JSON.stringify(text)} is no span of time.`,
    "Write it as in 90s, 15m, 24h or 7d.",
  );
}

/**
 * Checks with their names distinct, as a table's have to be.
 *
 * @throws LakehouseError INVALID_ARGUMENT for two of one name, and for what is no check.
 */
export function requireChecks(checks: readonly Check[]): readonly Check[] {
  if (!Array.isArray(checks))
    throw invalidArgument("checks", "The checks are no list.", 'Give [notNull("id"), …].');
  const names = new Set<string>();
  for (const check of checks) {
    if (typeof check !== "object" || check === null || !isKind(check.kind) || typeof check.name !== "string")
      throw invalidArgument(
        "checks",
        "There is something among the checks that is none.",
        'Make them by notNull("id") and its like.',
      );
    if (names.has(check.name))
      throw invalidArgument(
        check.name,
        `Two checks are called ${JSON.stringify(check.name)}.`,
        'Give one of them a name of its own, as in { name: "…" }.',
      );
    names.add(check.name);
    requireTerms(check.name, check.kind, { ...check });
  }
  return checks;
}

const OPTIONS = ["name", "severity", "allow", "warnOver", "where", "description", "of"] as const;

/** Without the keys that have no value, so that two checks which say the same are equal. */
function made<Kind extends CheckKind>(
  own: Omit<CheckOf<Kind>, keyof CheckBase> & { readonly kind: Kind },
  name: string,
  options: CheckOptions & OfRows,
): CheckOf<Kind> {
  checkObject(own.kind, "options", options);
  const unknown = Object.keys(options).find((key) => !(OPTIONS as readonly string[]).includes(key));
  if (unknown !== undefined)
    throw invalidArgument(unknown, `The check ${own.kind} has no option ${JSON.stringify(unknown)}.`);
  for (const key of ["column", "where", "name"] as const) {
    const given = { ...own, ...options }[key as keyof typeof options];
    if (given !== undefined && (typeof given !== "string" || given === ""))
      throw invalidArgument(own.kind, `The ${key} of a check is a text, and not ${JSON.stringify(given)}.`);
  }
  refuseMeaningless(own.kind, options);
  const given = Object.entries({ ...own, ...options }).filter(([, value]) => value !== undefined);
  const all = { name, severity: "block" as const, ...Object.fromEntries(given) };
  requireTerms(own.kind, own.kind, all);
  return all as unknown as CheckOf<Kind>;
}

/** Kinds that pass or fail as a whole: there are no rows of theirs to let through. */
const WHOLE: ReadonlySet<CheckKind> = new Set<CheckKind>(["rowCount", "freshness", "drift", "types"]);

/** An option that would be passed over is refused. */
function refuseMeaningless(kind: CheckKind, { where, allow, warnOver, of }: CheckOptions & OfRows): void {
  if (where !== undefined && (kind === "sql" || kind === "types"))
    throw invalidArgument(
      kind,
      `A check by ${kind} has no where.`,
      kind === "sql" ? "Write it in the query." : undefined,
    );
  if ((allow !== undefined || warnOver !== undefined) && WHOLE.has(kind))
    throw invalidArgument(kind, `A check by ${kind} passes or fails as a whole, and can allow for no rows.`);
  if (of !== undefined && (kind === "types" || !(WHOLE.has(kind) || kind === "sql")))
    throw invalidArgument(
      kind,
      `A check by ${kind} is about single rows: of is for checks of rows as a whole.`,
    );
  if (of !== undefined && of !== "table" && of !== "new")
    throw invalidArgument(kind, "What a check is of is the table, or the new rows.", 'Write of: "new".');
}

function list(columns: string | readonly string[]): readonly string[] {
  const all = typeof columns === "string" ? [columns] : columns;
  if (Array.isArray(all) && all.length > 0 && all.every((name) => typeof name === "string" && name !== ""))
    return all;
  throw invalidArgument("columns", `${JSON.stringify(columns)} is no column, and no list of columns.`);
}

function plain(value: ValueInput): CheckValue {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  throw invalidArgument("value", `${String(value)} is no value of a column that can be compared.`);
}

function between(min: CheckValue | undefined, max: CheckValue | undefined): string {
  if (min === undefined) return `at most ${max}`;
  return max === undefined ? `at least ${min}` : `${min} to ${max}`;
}

function needs(call: string, subject: string, what: string) {
  return invalidArgument(subject, `${call} of ${subject} needs ${what}.`);
}
