import { invalidArgument, type LakehouseError } from "../../errors.js";
import { isWellFormed } from "../../iceberg/index.js";
import { quoteIdentifier, quoteString } from "../text/tokens.js";

/**
 * A value of JavaScript for a parameter of a statement. Its type in SQL follows from the value alone:
 *
 * | value | SQL type |
 * |---|---|
 * | `null` | NULL, of whatever type is wanted |
 * | `boolean` | BOOLEAN |
 * | `number`, whole | INTEGER, or BIGINT from 2^31 on |
 * | `number`, any other (also NaN, infinite, -0, whole beyond 2^53) | DOUBLE |
 * | `bigint` | BIGINT, or HUGEINT beyond 64 bits |
 * | `string` | as a text in quotes: VARCHAR, or what it is compared with, such as DATE or DECIMAL |
 * | `Date` | TIMESTAMPTZ, the instant |
 * | `Uint8Array` | BLOB |
 * | array | LIST; its values are of one kind, or null |
 * | object, plain | STRUCT |
 * | `Map` | MAP |
 */
export type SqlParameter =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uint8Array
  | readonly SqlParameter[]
  | ReadonlyMap<SqlParameter, SqlParameter>
  | { readonly [name: string]: SqlParameter };

/** Kinds of values that a list may have only one of. */
type Kind = "boolean" | "whole" | "floating" | "text" | "moment" | "bytes" | "list" | "map" | "struct";

/** How deep lists and structs may stand in one another: one that holds itself is no value. */
const MAX_DEPTH = 100;

/**
 * A SQL expression of exactly this value. Whatever stands around it, it is one expression: what comes from a value is
 * inside of quotes, and never a name.
 *
 * @param at what the value is called in errors.
 * @throws LakehouseError INVALID_ARGUMENT for what has no type in SQL.
 */
export function valueSql(value: SqlParameter, at: string, depth = 0): string {
  if (value === null) return "NULL";
  if (depth > MAX_DEPTH) throw invalidArgument(at, `${at} holds values more than ${MAX_DEPTH} deep.`);
  const kind = kindOf(value, at);
  switch (kind) {
    case "boolean":
      return String(value);
    case "whole":
      return wholeSql(value as number | bigint, at);
    case "floating":
      return cast(doubleText(value as number), "DOUBLE");
    case "text":
      return textSql(value as string, at);
    case "moment":
      return momentSql(value as Date);
    case "bytes":
      return `from_hex('${Buffer.from(value as Uint8Array).toString("hex")}')`;
    case "list":
      return listSql(value as readonly SqlParameter[], at, depth);
    case "map": {
      const entries = [...(value as ReadonlyMap<SqlParameter, SqlParameter>)].map(
        ([key, inner]) => `${valueSql(key, `a key of ${at}`, depth + 1)}: ${valueSql(inner, at, depth + 1)}`,
      );
      return `MAP {${entries.join(", ")}}`;
    }
    case "struct":
      return structSql(value as { readonly [name: string]: SqlParameter }, at, depth);
  }
}

function kindOf(value: SqlParameter | undefined, at: string): Kind {
  switch (typeof value) {
    case "boolean":
      return "boolean";
    case "bigint":
      return "whole";
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? "whole" : "floating";
    case "string":
      return "text";
    case "undefined":
      throw noValue(at, "undefined", "Write null for a value that is not there.");
    case "object":
      break;
    default:
      throw noValue(at, `a ${typeof value}`);
  }
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw noValue(at, "a Date that is no point in time");
    return "moment";
  }
  if (value instanceof Uint8Array) return "bytes";
  if (Array.isArray(value)) return "list";
  if (value instanceof Map) return "map";
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || Object.getPrototypeOf(prototype) === null) return "struct";
  const name = (value as object).constructor?.name ?? "class";
  throw noValue(at, `an object of the class ${name}`, "Give its values, as an array or a plain object.");
}

function noValue(at: string, what: string, remedy?: string): LakehouseError {
  return invalidArgument(
    at,
    `${at} is ${what}, which SQL has no type for.`,
    remedy ??
      "Values are null, boolean, number, bigint, string, Date, Uint8Array, and arrays, objects and Maps of them.",
  );
}

function isInt(value: number | bigint, bits: number): boolean {
  return BigInt.asIntN(bits, BigInt(value)) === BigInt(value);
}

/** The narrowest of the types that hold these numbers; a bigint is a bigint again when it is read. */
function wholeType(values: readonly (number | bigint)[], at: string): string {
  if (values.every((value) => typeof value === "number" && isInt(value, 32))) return "INTEGER";
  if (values.every((value) => isInt(value, 64))) return "BIGINT";
  if (values.every((value) => isInt(value, 128))) return "HUGEINT";
  throw noValue(at, "a bigint of more than 128 bits", "Give it as text, and say in SQL what to make of it.");
}

function wholeSql(value: number | bigint, at: string): string {
  const type = wholeType([value], at);
  // A sign of its own could be another's operand.
  return type === "INTEGER" && value >= 0 ? String(value) : cast(String(value), type);
}

/** Written as a call, it is one operand wherever it stands. */
function cast(text: string, type: string): string {
  return `CAST('${text}' AS ${type})`;
}

function doubleText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

function checkText(text: string, at: string): void {
  if (!isWellFormed(text)) {
    throw invalidArgument(
      at,
      `${at} has half a surrogate pair, which is no character: ${JSON.stringify(text)}.`,
    );
  }
}

/** In parentheses it is no name: a text alone behind FROM would be a file's. */
function textSql(text: string, at: string): string {
  checkText(text, at);
  return `(${quoteString(text)})`;
}

const MICROS = 1000n;

function momentSql(date: Date): string {
  const year = date.getUTCFullYear();
  if (year < 1 || year > 9999) return `make_timestamptz(${BigInt(date.getTime()) * MICROS})`;
  return cast(date.toISOString().replace("T", " ").replace("Z", "+00"), "TIMESTAMPTZ");
}

function listSql(values: readonly SqlParameter[], at: string, depth: number): string {
  // A hole is undefined, and is refused as such.
  const items = Array.from(values);
  const kinds = new Set(items.flatMap((value, i) => (value === null ? [] : [kindOf(value, `${at}[${i}]`)])));
  const isNumeric = kinds.size === 2 && kinds.has("whole") && kinds.has("floating");
  if (isNumeric && items.some((value) => typeof value === "bigint")) {
    throw invalidArgument(
      at,
      `${at} has both bigints and numbers that are not whole, and no type holds both exactly.`,
      "Make numbers of them all.",
    );
  }
  if (kinds.size > 1 && !isNumeric) {
    throw invalidArgument(
      at,
      `${at} has values of several kinds: ${[...kinds].join(", ")}.`,
      "A list in SQL has values of one type: convert them first.",
    );
  }
  const [kind] = kinds;
  const texts = (write: (value: SqlParameter) => string) =>
    `[${items.map((value) => (value === null ? "NULL" : write(value))).join(",")}]`;
  // As one text, for DuckDB parses that at once; in brackets each value is a node of a tree.
  if (isNumeric || kind === "floating")
    return cast(
      texts((value) => doubleText(value as number)),
      "DOUBLE[]",
    );
  if (kind === "boolean") return cast(texts(String), "BOOLEAN[]");
  if (kind === "whole") {
    const numbers = items.filter((value) => value !== null) as (number | bigint)[];
    return cast(texts(String), `${wholeType(numbers, at)}[]`);
  }
  const inner = items.map((value, i) => valueSql(value, `${at}[${i}]`, depth + 1));
  return `[${inner.join(", ")}]`;
}

function structSql(value: { readonly [name: string]: SqlParameter }, at: string, depth: number): string {
  const members = Object.entries(value);
  if (members.length === 0) throw noValue(at, "an object without members");
  const parts = members.map(([name, inner]) => {
    checkText(name, `a name in ${at}`);
    if (name === "" || name.includes("\0")) throw noValue(at, "an object with a member that has no name");
    return `${quoteIdentifier(name)} := ${valueSql(inner, `${at}.${name}`, depth + 1)}`;
  });
  return `struct_pack(${parts.join(", ")})`;
}
