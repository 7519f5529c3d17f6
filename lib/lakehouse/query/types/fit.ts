import {
  DuckDBArrayType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  type DuckDBType,
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
  /** The value, its type and what was expected. */
  readonly problem: string;
}

/** What a message of DuckDB says about a value that was refused, if it does. */
export function misfitIn(message: string): Misfit | undefined {
  const at = message.indexOf(REFUSAL);
  if (at < 0) return undefined;
  const [column = "", ...rest] = message.slice(at + REFUSAL.length).split(END);
  return { column, problem: rest.join(END) };
}

interface Place {
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
export function fittedSql(value: string, from: DuckDBType, { name, type }: NestedField): string {
  return fit(value, from, type, { column: name, depth: 0 });
}

function fit(value: string, from: DuckDBType, to: IcebergType, at: Place): string {
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
  else if (source !== target) conditions.push(`CAST(${cast} AS ${source}) IS NOT DISTINCT FROM ${value}`);
  // DuckDB's own: Iceberg has neither an infinite date nor the time 24:00.
  if (POINT.test(target)) conditions.push(`isfinite(${cast})`);
  if (target === "TIME") conditions.push(`${cast} < TIME '24:00:00'`);
  if (source === target && conditions.length === 1) return value;
  return `CASE WHEN ${value} IS NULL OR (${conditions.join(" AND ")}) THEN ${cast} ELSE ${refuse(value, source, to, at)} END`;
}

/** Null where the type has no such value. DuckDB fails instead for times that nanoseconds do not reach. */
function castSql(value: string, source: string, target: string): string {
  const cast = `TRY_CAST(${value} AS ${target})`;
  if (target !== "TIMESTAMP_NS" || source === target || !POINT.test(source)) return cast;
  const reach = 2n ** 63n / 1_000n;
  return `CASE WHEN ${value} BETWEEN make_timestamp(${-reach}) AND make_timestamp(${reach}) THEN ${cast} END`;
}

/** No value of the one type is one of the other, but null, which has no type of its own in SQL. */
function none(value: string, from: DuckDBType, to: IcebergType, at: Place): string {
  return `CASE WHEN ${value} IS NULL THEN NULL::${sqlType(to)} ELSE ${refuse(value, String(from), to, at)} END`;
}

const SHOWN_CHARACTERS = 80;

function refuse(value: string, source: string, to: IcebergType, { column }: Place): string {
  const text = `left(CAST(${value} AS VARCHAR), ${SHOWN_CHARACTERS})`;
  const rest = ` (${source}) is no value of type ${typeToString(to)}`;
  return `error(${quoteString(REFUSAL + column + END)} || ${text} || ${quoteString(rest)})`;
}
