import {
  DuckDBArrayType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  type DuckDBType,
  VARCHAR,
} from "@duckdb/node-api";
import { type IcebergType, type NestedField, type PrimitiveType, typeToString } from "../../iceberg/index.js";
import { foldName, memberNames } from "../text/names.js";
import { quoteIdentifier, quoteString } from "../text/tokens.js";
import { spellingOf } from "./primitives.js";
import { sqlType } from "./sql-types.js";

/*
 * Values of a user's SQL that become values of a column. DuckDB's own cast rounds, cuts, and takes anything for a
 * boolean; here a value that is not the same in the column's type is refused, and the user writes the cast that is meant.
 */

/** What a refusal's text starts with, which no other error's does. */
const REFUSAL = "\u0001misfit ";
const END = "\u0001";

/** A value that a column does not hold. */
export interface Misfit {
  readonly column: string;
  /** What `FitOptions.where` was for its row. */
  readonly where: string;
  /** The value, its type and what was expected. */
  readonly problem: string;
}

/** What a message of DuckDB says about a value that was refused, if it does. */
export function misfitIn(message: string): Misfit | undefined {
  const at = message.indexOf(REFUSAL);
  if (at < 0) return undefined;
  const [column = "", where = "", ...rest] = message.slice(at + REFUSAL.length).split(END);
  return { column, where, problem: rest.join(END) };
}

export interface FitOptions {
  /** SQL for text that says where a row comes from, for the refusal of its values. */
  readonly where?: string | undefined;
  /** What becomes of members of JSON objects that the struct does not have. Default `refuse`. */
  readonly extraFields?: "refuse" | "ignore" | undefined;
}

/** What DuckDB calls its text that is JSON; of values inside others, too. */
export const JSON_ALIAS = "JSON";

interface Place extends FitOptions {
  readonly column: string;
  /** How many lambdas are around. */
  readonly depth: number;
}

/**
 * SQL for a value of DuckDB's type `from` as one of a column. It is null where the value is, and an error where
 * the column's type does not hold the value.
 *
 * @param value a name, or what is evaluated as often as it is written: not a user's expression.
 */
export function fittedSql(
  value: string,
  from: DuckDBType,
  { name, type }: NestedField,
  options: FitOptions = {},
): string {
  return fit(value, from, type, { ...options, column: name, depth: 0 });
}

/** SQL that refuses a value as none of a column, in the words of `problem`, which is SQL for text. */
export function refusalSql(column: string, problem: string, { where = "''" }: FitOptions): string {
  return `error(${quoteString(REFUSAL + column + END)} || ${where} || ${quoteString(END)} || ${problem})`;
}

function fit(value: string, from: DuckDBType, to: IcebergType, at: Place): string {
  if (from.alias === JSON_ALIAS) return fitJson(value, to, at);
  const inside = { ...at, depth: at.depth + 1 };
  switch (to.type) {
    case "struct":
      return from instanceof DuckDBStructType
        ? fitStruct(value, from, to.fields, at)
        : none(value, from, to, at);
    case "list": {
      if (!(from instanceof DuckDBListType || from instanceof DuckDBArrayType))
        return none(value, from, to, at);
      const item = `e${at.depth}`;
      const element = fit(item, from.valueType, to.element, inside);
      const list = from instanceof DuckDBArrayType ? `CAST(${value} AS ${from.valueType}[])` : value;
      return `list_transform(${list}, lambda ${item}: ${element})`;
    }
    case "map": {
      if (!(from instanceof DuckDBMapType)) return none(value, from, to, at);
      const item = `e${at.depth}`;
      const key = fit(`struct_extract(${item}, 'key')`, from.keyType, to.key, inside);
      const inner = fit(`struct_extract(${item}, 'value')`, from.valueType, to.value, inside);
      const entries = `list_transform(map_entries(${value}), lambda ${item}: struct_pack(k := ${key}, v := ${inner}))`;
      return `CASE WHEN ${value} IS NULL THEN NULL ELSE map_from_entries(${entries}) END`;
    }
    case "variant":
      return fitVariant(value, from, to, at);
    default:
      return fitPrimitive(value, from, to, at);
  }
}

/** Members go by name, or by place where they have none, as those of `row(1, 2)`; what is left out is null. */
function fitStruct(value: string, from: DuckDBStructType, fields: readonly NestedField[], at: Place): string {
  const given = from.entryNames.map(foldName);
  const unnamed = given.every((name) => name === "");
  const names = memberNames(fields);
  const places = names.map((name, i) => (unnamed ? i : given.indexOf(foldName(name))));
  const all = given.every((_, i) => places.includes(i));
  if (!all || (unnamed && given.length !== fields.length))
    return none(value, from, { type: "struct", fields }, at);
  const members = fields.map((field, i) => {
    const place = places[i] as number;
    const member = from.entryTypes[place];
    const inner =
      member === undefined
        ? `NULL::${sqlType(field.type)}`
        : fit(`struct_extract_at(${value}, ${place + 1})`, member, field.type, at);
    return `${quoteIdentifier(names[i] as string)} := ${inner}`;
  });
  return `CASE WHEN ${value} IS NULL THEN NULL ELSE struct_pack(${members.join(", ")}) END`;
}

function fitVariant(value: string, from: DuckDBType, to: IcebergType, at: Place): string {
  const target = sqlType(to);
  if (String(from) === "VARIANT") {
    return `CASE WHEN ${value} IS NULL THEN NULL ELSE variant_to_parquet_variant(${value})::${target} END`;
  }
  const isParts =
    from instanceof DuckDBStructType &&
    from.entryNames.join() === "metadata,value" &&
    from.entryTypes.every((type) => String(type) === "BLOB");
  return isParts ? value : none(value, from, to, at);
}

const NUMBER = /^(U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$|BIGNUM$|FLOAT$|DOUBLE$|DECIMAL)/;
const POINT = /^(DATE$|TIMESTAMP)/;
const CLOCK = /^TIME($|_NS$| WITH TIME ZONE$)/;
/** What is text, or has one text for each of its values. */
const WORDED = /^(VARCHAR|BOOLEAN|UUID|INTERVAL|BIT|ENUM)/;

function isRelated(source: string, target: string): boolean {
  if (source === target) return true;
  if ([NUMBER, POINT, CLOCK].some((kind) => kind.test(source) && kind.test(target))) return true;
  if (target === "VARCHAR") return [NUMBER, POINT, CLOCK, WORDED].some((kind) => kind.test(source));
  return source === "VARCHAR" && target !== "BLOB";
}

function fitPrimitive(value: string, from: DuckDBType, to: PrimitiveType, at: Place): string {
  const [source, target] = [String(from), sqlType(to)];
  if (to.type === "unknown" || !isRelated(source, target)) return none(value, from, to, at);
  const cast = castSql(value, source, target);
  const conditions = [`${cast} IS NOT NULL`];
  const spelling = source === "VARCHAR" ? spellingOf(to) : undefined;
  if (spelling !== undefined) conditions.push(`regexp_full_match(${value}, ${quoteString(spelling)})`);
  else if (/^DECIMAL/.test(source) && FLOATING.test(target)) conditions.push(isHeld(value, source, cast));
  else if (source !== target) {
    // By way of text: DuckDB's own cast of a decimal to a float multiplies, and may give the neighbour of the one meant.
    const back = FLOATING.test(source) && to.type === "decimal" ? `CAST(${cast} AS VARCHAR)` : cast;
    conditions.push(`CAST(${back} AS ${source}) IS NOT DISTINCT FROM ${value}`);
  }
  if (source === "VARCHAR" && (to.type === "float" || to.type === "double")) {
    // A fraction means the nearest number; a whole number itself, or what a number is shortly written as.
    const [is, shown, was] = [cast, `CAST(${cast} AS VARCHAR)`, value].map(
      (number) => `TRY_CAST(${number} AS DECIMAL(38,0))`,
    );
    conditions.push(`(isfinite(${cast}) OR NOT regexp_matches(${value}, '\\d'))`);
    conditions.push(
      `(NOT regexp_full_match(${value}, '[+-]?\\d{8,}') OR ${is} IS NOT DISTINCT FROM ${was} OR ${shown} IS NOT DISTINCT FROM ${was})`,
    );
  }
  // DuckDB's own: Iceberg has neither an infinite date nor the time 24:00.
  if (POINT.test(target)) conditions.push(`isfinite(${cast})`);
  if (target === "TIME") conditions.push(`${cast} < TIME '24:00:00'`);
  if (source === target && conditions.length === 1) return value;
  return `CASE WHEN ${value} IS NULL OR (${conditions.join(" AND ")}) THEN ${cast} ELSE ${refuse(value, source, to, at)} END`;
}

const FLOATING = /^(FLOAT|DOUBLE)$/;

/**
 * Whether a float is the decimal that it was made of: as it is shortly written, or exactly, where it is whole. DuckDB's own
 * cast back multiplies as floats do, and rounds to where it came from what is not the same.
 */
function isHeld(value: string, source: string, cast: string): string {
  const written = `TRY_CAST(CAST(${cast} AS VARCHAR) AS ${source}) IS NOT DISTINCT FROM ${value}`;
  return `(${written} OR (trunc(${value}) = ${value} AND TRY_CAST(${cast} AS HUGEINT) IS NOT DISTINCT FROM TRY_CAST(${value} AS HUGEINT)))`;
}

/**
 * Null where the type has no such value. DuckDB fails instead for times that nanoseconds do not reach, and gives other
 * digits than a float has where it multiplies one to get a decimal.
 */
function castSql(value: string, source: string, target: string): string {
  const cast = `TRY_CAST(${value} AS ${target})`;
  if (FLOATING.test(source) && /^DECIMAL/.test(target)) {
    const whole = `TRY_CAST(TRY_CAST(${value} AS HUGEINT) AS ${target})`;
    return `CASE WHEN trunc(${value}) = ${value} THEN ${whole} ELSE TRY_CAST(CAST(${value} AS VARCHAR) AS ${target}) END`;
  }
  if (target !== "TIMESTAMP_NS" || source === target || !POINT.test(source)) return cast;
  const reach = 2n ** 63n / 1_000n;
  return `CASE WHEN ${value} BETWEEN make_timestamp(${-reach}) AND make_timestamp(${reach}) THEN ${cast} END`;
}

/** No value of the one type is one of the other, but null, which has no type of its own in SQL. */
function none(value: string, from: DuckDBType, to: IcebergType, at: Place): string {
  return `CASE WHEN ${value} IS NULL THEN NULL::${sqlType(to)} ELSE ${refuse(value, String(from), to, at)} END`;
}

const SHOWN_CHARACTERS = 80;

function refuse(value: string, source: string, to: IcebergType, at: Place): string {
  const text = `left(CAST(${value} AS VARCHAR), ${SHOWN_CHARACTERS})`;
  return refusalSql(
    at.column,
    `${text} || ${quoteString(` (${source}) is no value of type ${typeToString(to)}`)}`,
    at,
  );
}

/*
 * JSON: objects are structs, or maps by their keys; arrays are lists, or maps of [key, value]. Text is what DuckDB's own
 * type JSON is not: a string column gets `x` of "x", and of other values their JSON.
 */

function fitJson(value: string, to: IcebergType, at: Place): string {
  const kind = `json_type(${value})`;
  const branch = (of: string, then: string): string =>
    `CASE WHEN coalesce(${kind}, 'NULL') = 'NULL' THEN NULL::${sqlType(to)} WHEN ${of} THEN ${then} ELSE ${refuse(value, "JSON", to, at)} END`;
  const inside = { ...at, depth: at.depth + 1 };
  const item = `e${at.depth}`;
  switch (to.type) {
    case "struct": {
      const names = memberNames(to.fields);
      const members = to.fields.map(
        (field, i) =>
          `${quoteIdentifier(names[i] as string)} := ${fitJson(memberSql(value, field.name), field.type, at)}`,
      );
      return branch(
        `${kind} = 'OBJECT' AND ${keysFit(value, to.fields, at)}`,
        `struct_pack(${members.join(", ")})`,
      );
    }
    case "list":
      return branch(
        `${kind} = 'ARRAY'`,
        `list_transform(json_extract(${value}, '$[*]'), lambda ${item}: ${fitJson(item, to.element, inside)})`,
      );
    case "map": {
      const member = `json_extract(${value}, '/' || replace(replace(${item}, '~', '~0'), '/', '~1'))`;
      const entries = (key: string, inner: string) =>
        `lambda ${item}: struct_pack(k := ${key}, v := ${inner})`;
      const byKey = entries(fitText(item, to.key, inside), fitJson(member, to.value, inside));
      const pair = (place: number) => `json_extract(${item}, '/${place}')`;
      const byPair = entries(fitJson(pair(0), to.key, inside), fitJson(pair(1), to.value, inside));
      const all = `CASE WHEN ${kind} = 'OBJECT' THEN list_transform(json_keys(${value}), ${byKey}) ELSE list_transform(json_extract(${value}, '$[*]'), ${byPair}) END`;
      return branch(`${kind} IN ('OBJECT', 'ARRAY')`, `map_from_entries(${all})`);
    }
    case "variant":
      return branch("true", `variant_to_parquet_variant(${value}::VARIANT)::${sqlType(to)}`);
    default:
      return fitJsonLeaf(value, kind, to, at);
  }
}

/** Numbers of JSON are doubles where they have a fraction: more digits than these may have been lost before. */
const EXACT_DIGITS = 15;

function fitJsonLeaf(value: string, kind: string, to: PrimitiveType, at: Place): string {
  const text = `json_extract_string(${value}, '$')`;
  if (to.type === "string") return text;
  const refused = refuse(value, "JSON", to, at);
  if (to.type === "decimal") {
    const digits = `length(ltrim(regexp_replace(${text}, '[eE].*|[^0-9]', '', 'g'), '0'))`;
    return `CASE WHEN ${kind} = 'DOUBLE' AND ${digits} > ${EXACT_DIGITS} THEN ${refused} ELSE ${fitText(text, to, at)} END`;
  }
  // A number that is whole, however it is written.
  const whole = to.type === "int" || to.type === "long";
  return fitText(whole ? `regexp_replace(${text}, '\\.0+$', '')` : text, to, at);
}

function fitText(value: string, to: IcebergType, at: Place): string {
  return fit(value, VARCHAR, to, at);
}

/** SQL for a member of a JSON object. */
export function memberSql(json: string, name: string): string {
  const pointer = `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  return `json_extract(${json}, ${quoteString(pointer)})`;
}

/** SQL that is true for a JSON object of which each key is a field, once. */
function keysFit(json: string, fields: readonly NestedField[], { extraFields }: FitOptions): string {
  const keys = `json_keys(${json})`;
  const once = `len(list_distinct(${keys})) = len(${keys})`;
  if (extraFields === "ignore") return once;
  return `${once} AND list_has_all([${fields.map(({ name }) => quoteString(name)).join(", ")}]::VARCHAR[], ${keys})`;
}
