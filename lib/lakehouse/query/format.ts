import * as arrow from "apache-arrow";
import { type SqlValue, valueReader } from "./arrow/values.js";

export type ResultFormat = "table" | "json" | "ndjson" | "csv";

type Row = readonly SqlValue[];

/** Batches as text; `maxRows` limits the `table` format alone. */
export function formatRows(
  schema: arrow.Schema,
  batches: readonly arrow.RecordBatch[],
  format: ResultFormat,
  maxRows: number,
): string {
  const names = schema.fields.map((field) => field.name);
  switch (format) {
    case "table": {
      const total = batches.reduce((sum, batch) => sum + batch.numRows, 0);
      return table(schema, [...rowsOf(schema, batches, maxRows)], total);
    }
    case "csv":
      return [names, ...[...rowsOf(schema, batches)].map((row) => row.map(csvText))]
        .map((cells) => `${cells.map(csvCell).join(",")}\n`)
        .join("");
    case "ndjson":
      return [...rowsOf(schema, batches)].map((row) => `${jsonRow(names, row)}\n`).join("");
    case "json":
      return `[${[...rowsOf(schema, batches)].map((row) => `\n  ${jsonRow(names, row)}`).join(",")}\n]\n`;
  }
}

function* rowsOf(
  schema: arrow.Schema,
  batches: readonly arrow.RecordBatch[],
  limit = Infinity,
): Generator<Row> {
  let left = limit;
  for (const batch of batches) {
    const readers = schema.fields.map((field, i) => valueReader(field, batch.data.children[i] as arrow.Data));
    for (let row = 0; row < batch.numRows; row++) {
      if (left-- <= 0) return;
      yield readers.map((read) => read(row));
    }
  }
}

/**
 * JSON forms without loss: integers beyond 2^53 and decimals as strings, bytes as lower-case hex, maps as arrays of
 * `[key, value]`, and the numbers that JSON has no word for as the strings NaN, Infinity and -Infinity.
 */
function jsonValue(value: SqlValue): unknown {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (value instanceof Map) return [...value].map(([key, item]) => [jsonValue(key), jsonValue(item)]);
  if (Array.isArray(value)) return value.map(jsonValue);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, jsonValue(item as SqlValue)]));
  }
  return value;
}

function jsonRow(names: readonly string[], row: Row): string {
  return JSON.stringify(Object.fromEntries(names.map((name, i) => [name, jsonValue(row[i] ?? null)])));
}

/** A null is an empty cell; an empty text is a quoted one. */
function csvText(value: SqlValue): string {
  if (value === null) return "";
  if (value === "") return '""';
  return plainText(value);
}

function csvCell(text: string): string {
  if (text === '""') return text;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function plainText(value: SqlValue): string {
  if (value === null) return "";
  if (typeof value === "object") return JSON.stringify(jsonValue(value)).replace(/^"(.*)"$/, "$1");
  return String(value);
}

/** Characters of a cell, at most; a result for people is for reading, and the other formats have it all. */
const MAX_CELL = 60;

function table(schema: arrow.Schema, rows: readonly Row[], total: number): string {
  const names = schema.fields.map((field) => field.name);
  const right = schema.fields.map(({ type }) => isNumber(type));
  const cells = rows.map((row) => row.map((value) => cut(value === null ? "NULL" : cellText(value))));
  const widths = names.map((name, i) => Math.max(width(name), ...cells.map((row) => width(row[i] ?? ""))));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => pad(cell, widths[i] ?? 0, right[i] ?? false))
      .join("  ")
      .trimEnd();
  const rule = widths.map((size) => "─".repeat(size)).join("  ");
  const more = total - rows.length;
  const count = `${total.toLocaleString("en-US")} ${total === 1 ? "row" : "rows"}`;
  const note = more > 0 ? `${count}, the first ${rows.length.toLocaleString("en-US")} shown` : count;
  return [line(names), rule, ...cells.map(line), `(${note})`, ""].join("\n");
}

/** Timestamps read better with a space, and without a fraction that says nothing. */
function cellText(value: SqlValue): string {
  const text = plainText(value).replace(/[\r\n\t]+/g, " ");
  const timestamp = /^(-?\d{4,}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?(\+00:00)?$/.exec(text);
  if (!timestamp) return text;
  const [, date, time, fraction = "", zone = ""] = timestamp;
  return `${date} ${time}${/^\.0+$/.test(fraction) ? "" : fraction}${zone}`;
}

function isNumber(type: arrow.DataType): boolean {
  return arrow.DataType.isInt(type) || arrow.DataType.isFloat(type) || arrow.DataType.isDecimal(type);
}

function cut(text: string): string {
  const characters = [...text];
  return characters.length > MAX_CELL ? `${characters.slice(0, MAX_CELL - 1).join("")}…` : text;
}

/** Columns that a text takes in a terminal: East Asian wide characters take two, combining marks none. */
function width(text: string): number {
  let columns = 0;
  for (const character of text) {
    if (/\p{Mark}/u.test(character)) continue;
    columns +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\u{1f300}-\u{1faff}]/u.test(
        character,
      )
        ? 2
        : 1;
  }
  return columns;
}

function pad(text: string, size: number, right: boolean): string {
  const space = " ".repeat(Math.max(0, size - width(text)));
  return right ? space + text : text + space;
}
