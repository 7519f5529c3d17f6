import type { ScalarTag } from "yaml";
import { freshness } from "../checks/builders.js";
import type { Check } from "../checks/types.js";
import { invalidSuite } from "../errors.js";
import { checkOf, type Relations } from "./dbt-kinds.js";
import { type Arguments, argumentsOf, keysOf, listOf, mapOf, refuseTemplates, textOf } from "./dbt-tests.js";

/** The tests of one model or source table. */
export interface DbtTable {
  /** The lakehouse's name of it. */
  readonly table: string;
  readonly description?: string | undefined;
  readonly checks: readonly Check[];
}

export interface DbtOptions {
  /** Where the models' tables are: `ref('orders')` is `<namespace>.orders`. Sources bring their own. */
  readonly namespace: string;
}

/**
 * The tests of a dbt project's `schema.yml`, as checks: `data_tests` (or `tests`, as they were called) of models, seeds,
 * snapshots and sources, with `severity`, `where`, `error_if` and `warn_if`; and freshness of sources. dbt's own tests are
 * read, and those of dbt_utils and dbt_expectations that mean the same here. Anything else is refused by name, so that no
 * test is lost on the way.
 *
 * @param name of the file, for errors.
 * @throws LakehouseError INVALID_SUITE
 */
export async function readDbt(text: string, name: string, options: DbtOptions): Promise<DbtTable[]> {
  const { parseDocument } = await import("yaml");
  // dbt reads YAML 1.1 by PyYAML: it merges what << refers to, and takes words such as yes for booleans.
  const word = (test: RegExp, value: boolean): ScalarTag => ({
    tag: "tag:yaml.org,2002:bool",
    default: true,
    test,
    resolve: () => value,
  });
  const words = [word(/^(?:yes|Yes|YES|on|On|ON)$/, true), word(/^(?:no|No|NO|off|Off|OFF)$/, false)];
  const document = parseDocument(text, { merge: true, customTags: words });
  const [error] = document.errors;
  if (error !== undefined) throw invalidSuite(name, `${name} is no YAML: ${error.message.split("\n", 1)[0]}`);
  const root = mapOf(document.toJS() ?? {}, name);
  const models = modelsOf(root, name, options);
  const sources = sourcesOf(root, name);
  const relations: Relations = {
    models: new Map(models.map(({ ref, table }) => [ref, table])),
    sources: new Map(sources.map(({ ref, table }) => [ref, table])),
    namespace: options.namespace,
  };
  const tables = [...models, ...sources].flatMap(({ table, own, isEnabled }) =>
    isEnabled ? [tableOf(own, table, `${name}: ${table}`, relations)] : [],
  );
  if (models.length + sources.length > 0) return tables;
  throw invalidSuite(
    name,
    `${name} names no models and no sources.`,
    "Give the schema.yml of a dbt project.",
  );
}

/** A model or a table of a source, with what it says of itself. */
interface Named {
  /** As other tests refer to it. */
  readonly ref: string;
  readonly table: string;
  readonly own: Arguments;
  /** False for one that dbt passes over, with its tests. */
  readonly isEnabled: boolean;
}

function modelsOf(root: Arguments, name: string, { namespace }: DbtOptions): Named[] {
  return ["models", "seeds", "snapshots"].flatMap((kind) =>
    listOf(root[kind], `${name}: ${kind}`).map((model) => {
      const own = mapOf(model, `${name}: ${kind}`);
      const ref = nameOf(own.name, `${name}: a name in ${kind}`);
      const { alias, enabled } = mapOf(own.config ?? {}, `${name}: ${ref}`);
      const called = nameOf(alias ?? ref, `${name}: the alias of ${ref}`);
      return { ref, table: `${namespace}.${called}`, own, isEnabled: enabled !== false };
    }),
  );
}

function sourcesOf(root: Arguments, name: string): Named[] {
  return listOf(root.sources, `${name}: sources`).flatMap((source) => {
    const own = mapOf(source, `${name}: sources`);
    const origin = nameOf(own.name, `${name}: a source's name`);
    const schema = nameOf(own.schema ?? origin, `${name}: the schema of ${origin}`);
    const { enabled: all } = mapOf(own.config ?? {}, `${name}: ${origin}`);
    return listOf(own.tables, `${name}: ${origin}`).map((each) => {
      const given = mapOf(each, `${name}: ${origin}`);
      const ref = nameOf(given.name, `${name}: a table of ${origin}`);
      const called = nameOf(given.identifier ?? ref, `${name}: the identifier of ${origin}.${ref}`);
      const config = mapOf(given.config ?? {}, `${name}: ${origin}.${ref}`);
      // What a source says of its freshness holds for its tables.
      const inherited = { ...given, config: { ...config, ...freshnessTerms(own, given, name) } };
      const isEnabled = (config.enabled ?? all) !== false;
      return { ref: `${origin}.${ref}`, table: `${schema}.${called}`, own: inherited, isEnabled };
    });
  });
}

function nameOf(value: unknown, at: string): string {
  refuseTemplates(value, at);
  return textOf(value, at);
}

/** Freshness of a table of a source: what it does not say itself, the source says, each limit by itself. */
function freshnessTerms(source: Arguments, table: Arguments, at: string): Arguments {
  const terms = (own: Arguments, key: string) => {
    const config = mapOf(own.config ?? {}, at);
    return key in config ? config[key] : own[key];
  };
  const said = (key: string) => terms(table, key) ?? terms(source, key);
  const [base, own] = [terms(source, "freshness"), terms(table, "freshness")];
  const isOff = own === null || base === undefined || base === null;
  return {
    freshness: isOff ? own : { ...mapOf(base, at), ...mapOf(own ?? {}, at) },
    loaded_at_field: said("loaded_at_field"),
    loaded_at_query: said("loaded_at_query"),
  };
}

function tableOf(own: Arguments, table: string, at: string, relations: Relations): DbtTable {
  if (own.versions !== undefined)
    throw invalidSuite(
      at,
      `${at} has "versions", which are not read.`,
      "Write each version as a model of its own.",
    );
  const checks: Check[] = [];
  const add = (test: unknown, column: string | undefined) => {
    const found = argumentsOf(test, column, column === undefined ? at : `${at}.${column}`);
    if (found !== undefined) checks.push(checkOf(found, relations));
  };
  for (const column of listOf(own.columns, at)) {
    const given = mapOf(column, at);
    const name = textOf(given.name, `${at}: a column's name`);
    for (const test of testsOf(given, at)) add(test, name);
  }
  for (const test of testsOf(own, at)) add(test, undefined);
  checks.push(...freshnessOf(own, at));
  return { table, description: own.description as string | undefined, checks: distinct(checks) };
}

function testsOf(own: Arguments, at: string): readonly unknown[] {
  if (own.tests !== undefined && own.data_tests !== undefined)
    throw invalidSuite(at, `${at} has both tests and data_tests.`, "Put them in one list, data_tests.");
  return listOf(own.data_tests ?? own.tests, at);
}

const PERIODS: Readonly<Record<string, string>> = { minute: "m", hour: "h", day: "d" };

/** `freshness` of a source, also below its `config`. */
function freshnessOf(own: Arguments, at: string): Check[] {
  const config = mapOf(own.config ?? {}, at);
  const given = config.freshness ?? own.freshness;
  const column = config.loaded_at_field ?? own.loaded_at_field;
  if (given === undefined || given === null) return [];
  const limits = mapOf(given, `${at}: freshness`);
  const query = config.loaded_at_query ?? own.loaded_at_query;
  const isLimited = (limits.warn_after ?? limits.error_after ?? undefined) !== undefined;
  // dbt asks the warehouse or runs the query there.
  if (isLimited && (query !== undefined || column === undefined || column === null))
    throw invalidSuite(
      at,
      `${at} has a freshness that is not told by a loaded_at_field.`,
      "Name the column by loaded_at_field, or write freshness: null.",
    );
  if (column === undefined || column === null) return [];
  keysOf(limits, ["warn_after", "error_after", "filter"], `${at}: freshness`);
  return (["warn", "error"] as const).flatMap((severity) => {
    const after = limits[`${severity}_after`];
    if (after === undefined || after === null) return [];
    const { count, period } = mapOf(after, `${at}: freshness`);
    const unit = PERIODS[String(period)];
    if (unit === undefined || typeof count !== "number")
      throw invalidSuite(
        at,
        `${at}: ${severity}_after is no span of time.`,
        "Write { count: 12, period: hour }.",
      );
    const name = `${String(column)} within ${count}${unit}`;
    return freshness(timeOf(column, at), `${count}${unit}`, {
      name: severity === "warn" ? `${name} (warning)` : name,
      severity: severity === "warn" ? "warn" : "block",
      where: limits.filter === undefined ? undefined : textOf(limits.filter, at),
    });
  });
}

/** The column of a `loaded_at_field`, which may say that it is a timestamp: a date is one here anyway. */
function timeOf(field: unknown, at: string): string {
  const text = textOf(field, at).trim();
  const cast =
    /^(\w+)\s*::\s*timestamp(?:tz)?$/i.exec(text) ??
    /^cast\s*\(\s*(\w+)\s+as\s+timestamp(?:tz)?\s*\)$/i.exec(text);
  const column = cast?.[1] ?? text;
  if (!/[(:]/.test(column)) return column;
  throw invalidSuite(
    at,
    `${at} has a loaded_at_field that is SQL: ${text}`,
    "Name a column of points in time, in UTC where it has no zone.",
  );
}

/** Two tests of one kind on one column differ in what they were given: by a number, where they have no names. */
function distinct(checks: readonly Check[]): readonly Check[] {
  const seen = new Map<string, number>();
  return checks.map((check) => {
    const count = (seen.get(check.name) ?? 0) + 1;
    seen.set(check.name, count);
    return count === 1 ? check : { ...check, name: `${check.name} (${count})` };
  });
}
