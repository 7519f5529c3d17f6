import {
  asc,
  bucket,
  day,
  hour,
  identity,
  month,
  type PartitionFieldInit,
  type SortFieldInit,
  truncate,
  year,
} from "../../iceberg/index.js";
import { invalidSql } from "../errors.js";
import { foldName } from "../text/names.js";
import { fromByteString } from "../text/tokens.js";
import type { Cursor } from "./cursor.js";

/** What a table has beside its columns. */
export interface TableLayout {
  readonly partitionSpec: readonly PartitionFieldInit[] | undefined;
  readonly sortOrder: readonly SortFieldInit[] | undefined;
  readonly properties: Readonly<Record<string, string>>;
}

/** Reads `PARTITIONED BY (…)`, `SORTED BY (…)` and `WITH (…)`, in any order. */
export function readLayout(cursor: Cursor): TableLayout {
  let partitionSpec: readonly PartitionFieldInit[] | undefined;
  let sortOrder: readonly SortFieldInit[] | undefined;
  let properties: Readonly<Record<string, string>> = {};
  for (;;) {
    if (cursor.take("PARTITIONED", "BY")) partitionSpec = readPartitioning(cursor);
    else if (cursor.take("SORTED", "BY")) sortOrder = readSortOrder(cursor);
    else if (cursor.is("WITH")) {
      cursor.take("WITH");
      properties = readProperties(cursor);
    } else return { partitionSpec, sortOrder, properties };
  }
}

const TIMES = new Map([
  ["year", year],
  ["years", year],
  ["month", month],
  ["months", month],
  ["day", day],
  ["days", day],
  ["hour", hour],
  ["hours", hour],
  ["identity", identity],
]);

/** `(day(ts), bucket(16, id), region)`. */
export function readPartitioning(cursor: Cursor): readonly PartitionFieldInit[] {
  return cursor.parentheses().list((_, item) => {
    const { parts } = item.path();
    if (!item.isSymbol("(")) return identity(parts.join("."));
    const name = foldName(parts.join("."));
    const inside = item.parentheses();
    item.end();
    const given = inside.list((_, argument) =>
      argument.peek()?.kind === "number" ? Number(argument.peek()?.text) : argument.path().parts.join("."),
    );
    const column = given.find((each) => typeof each === "string");
    const number = given.find((each) => typeof each === "number");
    const time = TIMES.get(name);
    if (column !== undefined && time !== undefined && given.length === 1) return time(column);
    if (column !== undefined && number !== undefined && given.length === 2) {
      if (name === "bucket") return bucket(column, number);
      if (name === "truncate") return truncate(column, number);
    }
    throw invalidSql(
      fromByteString(cursor.text),
      `${name} with ${given.length} arguments is no partition transform.`,
      "They are year, month, day and hour of a column, bucket(16, column), truncate(10, column), and the column itself.",
    );
  });
}

/** `(a, b)`: ascending, nulls first. DuckDB's grammar has no other. */
export function readSortOrder(cursor: Cursor): readonly SortFieldInit[] {
  return cursor.parentheses().list((_, item) => {
    const column = item.path().parts.join(".");
    item.end();
    return asc(column);
  });
}

/** `('write.format.default' = 'parquet', "commit.retry.num-retries" = 3)`. */
export function readProperties(cursor: Cursor): Readonly<Record<string, string>> {
  return Object.fromEntries(
    cursor.parentheses().list((_, item): [string, string] => {
      const key = readWord(item);
      item.expectSymbol("=");
      const value = readWord(item);
      item.end();
      return [key, value];
    }),
  );
}

/** A text in quotes, a number, or a dotted name. */
export function readWord(cursor: Cursor): string {
  const token = cursor.peek();
  if (token?.kind === "string") {
    cursor.at++;
    return fromByteString(token.text.slice(1, -1).replaceAll("''", "'"));
  }
  if (token?.kind === "number") {
    cursor.at++;
    return token.text;
  }
  return cursor.path().parts.join(".");
}
