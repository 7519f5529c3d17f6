import {
  type IcebergType,
  locateByName,
  type PrimitiveType,
  type Schema,
  typeToString,
} from "../../iceberg/index.js";
import { identifier, type SqlFragment, sql, verbatim } from "../../query/index.js";
import { invalidCheck, noSuchColumn } from "../errors.js";
import type { Check, CheckValue } from "./types.js";

/** A column of the rows, or a field inside its structs, for SQL. */
export interface CheckedColumn {
  readonly name: string;
  readonly type: IcebergType;
  readonly sql: SqlFragment;
}

/**
 * A column by its name; dots lead into structs.
 *
 * @param check named in errors.
 * @throws LakehouseError INVALID_CHECK
 */
export function columnOf(schema: Schema, name: string, check: string): CheckedColumn {
  const found = locateByName(schema, name);
  if (found === undefined)
    throw noSuchColumn(
      check,
      name,
      schema.fields.map((field) => field.name),
    );
  const [column, ...members] = found.path ?? [];
  if (column === undefined)
    throw invalidCheck(
      check,
      `The check ${check} is about ${name}, which lies inside a list or map.`,
      "Check the list or map itself, or write an expression, as in list_sum(tags) > 0.",
    );
  const at = members.reduce((outer, member) => sql`struct_extract(${outer}, ${member})`, identifier(column));
  return { name, type: found.field.type, sql: at };
}

/** Before a check is kept for later. @throws LakehouseError INVALID_CHECK for one that names a column which is not there. */
export function requireKnown(schema: Schema, checks: readonly Check[]): void {
  for (const check of checks) {
    const own =
      "column" in check ? [check.column] : "columns" in check && check.kind !== "types" ? check.columns : [];
    for (const name of own) columnOf(schema, name, check.name);
  }
}

/** SQL of text that is read as a value of the type. Text without an offset is UTC. */
const CASTS: { readonly [Type in PrimitiveType["type"]]?: string } = {
  int: "BIGINT",
  long: "BIGINT",
  float: "FLOAT",
  double: "DOUBLE",
  date: "DATE",
  time: "TIME",
  timestamp: "TIMESTAMP",
  timestamptz: "TIMESTAMPTZ",
  timestamp_ns: "TIMESTAMP_NS",
  timestamptz_ns: "TIMESTAMPTZ",
  uuid: "UUID",
};

/**
 * A value as one of the column's type.
 *
 * @throws LakehouseError INVALID_CHECK for what is no value of it.
 */
export function literalOf({ name, type }: CheckedColumn, value: CheckValue, check: string): SqlFragment {
  const refuse = () =>
    invalidCheck(
      check,
      `The check ${check} compares ${name}, of type ${typeToString(type)}, with ${JSON.stringify(value)}, which is no value of it.`,
      "Write a value of the column's type.",
    );
  const text = String(value);
  if (type.type === "boolean") {
    if (typeof value !== "boolean") throw refuse();
    return sql`${value}`;
  }
  if (typeof value === "boolean") throw refuse();
  if (type.type === "string") return sql`${text}::VARCHAR`;
  if (type.type === "int" || type.type === "long") {
    if (!/^-?\d+$/.test(text) || BigInt.asIntN(64, BigInt(text)) !== BigInt(text)) throw refuse();
    return sql`${BigInt(text)}::BIGINT`;
  }
  if (type.type === "float" || type.type === "double") {
    // DuckDB's text of what has no end, as in the bounds of a distribution.
    const number = /^\s*$/.test(text) ? undefined : Number(text.replace(/^(-?)inf$/i, "$1Infinity"));
    if (number === undefined || (Number.isNaN(number) && text !== "NaN")) throw refuse();
    return type.type === "float" ? sql`${Math.fround(number)}::FLOAT` : sql`${number}::DOUBLE`;
  }
  if (type.type === "decimal") {
    const [, digits = "", scale = ""] = /^[-+]?(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
    if (digits === "" || digits.length + scale.length > 38) throw refuse();
    return rawCast(text, `DECIMAL(38, ${scale.length})`);
  }
  const cast = CASTS[type.type as PrimitiveType["type"]];
  if (cast === undefined || typeof value !== "string" || !isWellSaid(type.type, value)) throw refuse();
  const zoned = cast === "TIMESTAMPTZ" && !/(?:Z|[+-]\d{2}(?::?\d{2})?)$/i.test(value) ? `${value}Z` : value;
  return rawCast(zoned, cast);
}

/** A bound of a range: of whole numbers also one between two of them. */
export function boundOf(
  column: CheckedColumn,
  value: CheckValue,
  side: "min" | "max",
  exclusive: boolean,
  check: string,
): SqlFragment {
  // As JSON keeps it: nothing is less or more.
  if (mayBeNaN(column) && String(value) === "NaN")
    throw invalidCheck(check, `The check ${check} has NaN as a bound of ${column.name}.`, "Give a number.");
  const isWhole = column.type.type === "int" || column.type.type === "long";
  const number = typeof value === "boolean" ? Number.NaN : Number(value);
  const isBetween =
    isWhole && !/^-?\d+$/.test(String(value)) && Number.isFinite(number) && String(value).trim() !== "";
  const [over, under] = side === "min" ? [sql`<`, sql`<=`] : [sql`>`, sql`>=`];
  if (isBetween && Number.isSafeInteger(number))
    return boundOf(column, String(BigInt(number)), side, exclusive, check);
  if (isBetween)
    return sql`${column.sql} ${over} ${BigInt(side === "min" ? Math.ceil(number) : Math.floor(number))}`;
  return sql`${column.sql} ${exclusive ? under : over} ${literalOf(column, value, check)}`;
}

function rawCast(text: string, type: string): SqlFragment {
  // The type is from the tables above, never from a reader.
  return sql`CAST(${text} AS ${verbatim(type)})`;
}

/** Before DuckDB reads it, which takes more than a reader may mean. */
function isWellSaid(type: string, text: string): boolean {
  if (type === "uuid") return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
  if (type === "time") return /^\d{2}:\d{2}(:\d{2}(\.\d+)?)?$/.test(text);
  if (type === "date") return /^[-+]?\d{4,6}-\d{2}-\d{2}$/.test(text);
  return /^[-+]?\d{4,6}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?$/i.test(text);
}

/** True for numbers that may be NaN. */
export function mayBeNaN({ type }: CheckedColumn): boolean {
  return type.type === "float" || type.type === "double";
}

export function and(parts: readonly SqlFragment[]): SqlFragment {
  return joined(parts, sql` AND `, sql`TRUE`);
}

/** Fragments with another between each two of them. */
export function joined(
  parts: readonly SqlFragment[],
  between: SqlFragment,
  none: SqlFragment = sql``,
): SqlFragment {
  const [first, ...rest] = parts;
  return first === undefined ? none : rest.reduce((before, part) => sql`${before}${between}${part}`, first);
}

/** SQL that a reader wrote, in parentheses: a comment at its end ends before they close. */
export function written(text: string): SqlFragment {
  return verbatim(`(${text}\n)`);
}
