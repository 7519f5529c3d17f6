import type { CheckOptions } from "../checks/builders.js";
import type { Allowance } from "../checks/types.js";
import { invalidSuite } from "../errors.js";

/** Keys of YAML with their values. */
export type Arguments = Readonly<Record<string, unknown>>;

/** A test with what it was given. */
export interface Test {
  /** `not_null`, `dbt_utils.accepted_range`. */
  readonly kind: string;
  /** Absent for a test of a model. */
  readonly column: string | undefined;
  readonly given: Arguments;
  /** Name, severity, where and thresholds. */
  readonly options: CheckOptions;
  /** Whether `error_if` or `warn_if` count failures. */
  readonly counts: boolean;
  /** For errors. */
  readonly at: string;
}

/** What says how a test runs, and not what it tests. The last are for dbt's own bookkeeping. */
const CONFIG = ["severity", "where", "error_if", "warn_if", "enabled"];
const BOOKKEEPING = [
  "tags",
  "meta",
  "store_failures",
  "store_failures_as",
  "alias",
  "schema",
  "database",
  "group",
  "docs",
];

/** A test as YAML has it: a name, or a name with arguments, in any of the places that dbt has had for them. */
export function argumentsOf(test: unknown, column: string | undefined, at: string): Test | undefined {
  if (typeof test === "string")
    return { kind: test, column, given: {}, options: {}, counts: false, at: `${at}: ${test}` };
  const map = mapOf(test, at);
  const { name, description, ...rest } = map;
  const [kind, ...others] =
    typeof map.test_name === "string" ? [map.test_name] : Object.keys(rest).filter((key) => key !== "config");
  if (kind === undefined || others.length > 0)
    throw invalidSuite(
      at,
      `${at} has a test that names none, or several.`,
      "Write each test as an item of its own.",
    );
  const { config: beside = {}, ...inner } =
    typeof map.test_name === "string"
      ? (({ test_name: _, ...left }) => left)(rest)
      : { config: rest.config, ...mapOf(rest[kind] ?? {}, `${at}: ${kind}`) };
  const below = mapOf(rest.config ?? {}, at);
  const config: Record<string, unknown> = { ...below, ...mapOf(beside ?? {}, `${at}: ${kind}`) };
  const given: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(inner)) {
    if (key === "arguments") Object.assign(given, mapOf(value, `${at}: ${kind}`));
    else if (key === "name" || key === "description") continue;
    else if (key === "limit" || CONFIG.includes(key) || BOOKKEEPING.includes(key)) config[key] = value;
    else given[key] = value;
  }
  if (config.enabled === false) return undefined;
  const counts = [config.error_if, config.warn_if].some((bound) => bound !== undefined && bound !== null);
  // How many failures dbt looks at, at the most: of no matter where they are not counted.
  if (!counts) delete config.limit;
  keysOf(config, [...CONFIG, ...BOOKKEEPING], `${at}: ${kind}`);
  refuseTemplates({ ...given, ...config }, `${at}: ${kind}`);
  const said = (inner.name ?? name) as unknown;
  const about = (inner.description ?? description) as unknown;
  return {
    kind,
    column,
    given,
    counts,
    at: `${at}: ${kind}`,
    options: {
      ...(said !== undefined && { name: textOf(said, at) }),
      ...(about !== undefined && { description: textOf(about, at) }),
      ...(config.where !== undefined && config.where !== null && { where: textOf(config.where, at) }),
      ...thresholds(config, `${at}: ${kind}`),
    },
  };
}

/** As dbt reckons: an error if `error_if` holds (and the severity is error), else a warning if `warn_if` does. */
function thresholds(config: Arguments, at: string): CheckOptions {
  const severity = String(config.severity ?? "error").toLowerCase();
  if (severity !== "error" && severity !== "warn")
    throw invalidSuite(at, `${at} has the severity ${severity}.`, "It can be error or warn.");
  const warn = allowanceOf(config.warn_if, at);
  if (severity === "warn") return { severity: "warn", ...(warn.rows > 0 && { allow: warn }) };
  const error = allowanceOf(config.error_if, at);
  if (error.rows === 0) return {};
  return { allow: error, ...(warn.rows < error.rows && { warnOver: warn }) };
}

function allowanceOf(condition: unknown, at: string): Extract<Allowance, { readonly rows: number }> {
  if (condition === undefined || condition === null) return { rows: 0 };
  const [, operator, number] = /^\s*(>=|>|!=|<>)\s*(\d+)\s*$/.exec(String(condition)) ?? [];
  const count = Number(number);
  if (operator === ">") return { rows: count };
  if (operator === ">=" && count > 0) return { rows: count - 1 };
  if ((operator === "!=" || operator === "<>") && count === 0) return { rows: 0 };
  throw invalidSuite(
    at,
    `${at} fails if ${String(condition)}, which is no bound from above.`,
    "Write it as in > 10 or >= 10.",
  );
}

export function refuseTemplates(value: unknown, at: string): void {
  if (typeof value === "string" && /\{[{%]/.test(value) && !/^\s*\{\{\s*(ref|source)\(/.test(value))
    throw invalidSuite(
      at,
      `${at} has a template of Jinja in it, which only dbt can fill: ${value}`,
      "Write what it stands for.",
    );
  if (typeof value === "object" && value !== null)
    for (const each of Object.values(value)) refuseTemplates(each, at);
}

export function mapOf(value: unknown, at: string): Arguments {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Arguments;
  throw invalidSuite(at, `${at} has ${JSON.stringify(value)} where names with values belong.`);
}

export function listOf(value: unknown, at: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw invalidSuite(at, `${at} has ${JSON.stringify(value)} where a list belongs.`);
}

export function textOf(value: unknown, at: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw invalidSuite(at, `${at} is ${JSON.stringify(value)}, and no text.`);
}

/** Refuses what would otherwise be passed over. */
export function keysOf(given: Arguments, known: readonly string[], at: string): void {
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw invalidSuite(
    at,
    `${at} has ${JSON.stringify(unknown)}, which is not read.`,
    `What is read is ${known.join(", ")}.`,
  );
}
