import * as arrow from "apache-arrow";
import type { SqlValue } from "../arrow/values.js";
import { jsonCell, jsonRows, jsonText } from "./json.js";

export type ResultFormat = "table" | "json" | "ndjson" | "csv";

/** Batches as text; `maxRows` limits the `table` format alone. */
export function formatRows(
  schema: arrow.Schema,
  batches: readonly arrow.RecordBatch[],
  format: ResultFormat,
  maxRows: number,
): string {
  switch (format) {
    case "table": {
      const total = batches.reduce((sum, batch) => sum + batch.numRows, 0);
      return table(columnsOf(schema), rowsOf(schema, batches, maxRows), total);
    }
    case "csv":
      return [...csvLines(schema, batches)].join("");
    case "ndjson":
      return [...ndjsonLines(schema, batches)].join("");
    case "json":
      return `[${[...ndjsonLines(schema, batches)].map((line) => `\n  ${line.trimEnd()}`).join(",")}\n]\n`;
  }
}

/** The first rows as a table, where the others have not been read. */
export function formatHead(
  schema: arrow.Schema,
  { batch, total }: { readonly batch: arrow.RecordBatch | undefined; readonly total: number | undefined },
  maxRows: number,
): string {
  return table(columnsOf(schema), rowsOf(schema, batch ? [batch] : [], maxRows), total).trimEnd();
}

/** Lines that are handed on together. */
const LINES_PER_CHUNK = 1024;

/** The text of a result in pieces, as its batches come: what is too large to hold. As `formatRows` gives it whole. */
export async function* formatBatches(
  schema: arrow.Schema,
  batches: AsyncIterable<arrow.RecordBatch>,
  format: Exclude<ResultFormat, "json">,
  maxRows: number,
): AsyncGenerator<string, void, undefined> {
  if (format === "table") {
    const first: arrow.RecordBatch[] = [];
    let total = 0;
    for await (const batch of batches) {
      if (total < maxRows) first.push(batch);
      total += batch.numRows;
    }
    yield table(columnsOf(schema), rowsOf(schema, first, maxRows), total);
    return;
  }
  if (format === "csv") yield [...csvLines(schema, [])].join("");
  for await (const batch of batches) {
    let chunk: string[] = [];
    for (const line of format === "csv" ? csvLines(schema, [batch], false) : ndjsonLines(schema, [batch])) {
      if (chunk.push(line) < LINES_PER_CHUNK) continue;
      yield chunk.join("");
      chunk = [];
    }
    yield chunk.join("");
  }
}

function* ndjsonLines(
  schema: arrow.Schema,
  batches: Iterable<arrow.RecordBatch>,
): Generator<string, void, undefined> {
  for (const batch of batches) {
    const json = jsonRows(schema, batch);
    for (let row = 0; row < batch.numRows; row++) yield `${json(row)}\n`;
  }
}

function* csvLines(
  schema: arrow.Schema,
  batches: Iterable<arrow.RecordBatch>,
  header = true,
): Generator<string, void, undefined> {
  if (header) yield `${schema.fields.map((field) => csvCell(field.name)).join(",")}\n`;
  for (const batch of batches) {
    const cells = schema.fields.map((field, i) => textCell(field, batch.data.children[i] as arrow.Data));
    for (let row = 0; row < batch.numRows; row++) {
      yield `${cells.map((cell) => csvCell(cell(row))).join(",")}\n`;
    }
  }
}

/** The first rows as text for people, cell by cell; null where the value is null. */
function rowsOf(
  schema: arrow.Schema,
  batches: readonly arrow.RecordBatch[],
  limit: number,
): (string | null)[][] {
  const rows: (string | null)[][] = [];
  for (const batch of batches) {
    const cells = schema.fields.map((field, i) => textCell(field, batch.data.children[i] as arrow.Data));
    for (let row = 0; row < batch.numRows && rows.length < limit; row++)
      rows.push(cells.map((cell) => cell(row)));
  }
  return rows;
}

/** A column's values as text: as in JSON, without the quotes around what is no text inside. */
function textCell(field: arrow.Field, data: arrow.Data): (row: number) => string | null {
  const json = jsonCell(field, data);
  return (row) => unquoted(json(row));
}

function unquoted(json: string): string | null {
  if (json === "null") return null;
  return json.startsWith('"') ? (JSON.parse(json) as string) : json;
}

/** A null is an empty cell; an empty text is a quoted one. */
function csvCell(text: string | null): string {
  if (text === null) return "";
  return text === "" || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Characters of a cell, at most; a result for people is for reading, and the other formats have it all. */
const MAX_CELL = 60;

interface TextColumn {
  readonly name: string;
  /** Whether it stands to the right, as numbers do. */
  readonly right: boolean;
}

function columnsOf(schema: arrow.Schema): TextColumn[] {
  return schema.fields.map(({ name, type }) => ({ name, right: isNumber(type) }));
}

/** Records as text: a result that no query gave. Each has a value for each column, in their order. */
export function formatRecords(
  names: readonly string[],
  records: readonly (readonly SqlValue[])[],
  format: Exclude<ResultFormat, "json">,
): string {
  if (format === "ndjson") {
    const keys = names.map((name) => JSON.stringify(name));
    return records
      .map((record) => `{${record.map((value, i) => `${keys[i]}:${jsonText(value)}`).join(",")}}\n`)
      .join("");
  }
  const rows = records.map((record) => record.map((value) => unquoted(jsonText(value))));
  if (format === "csv") return [names, ...rows].map((row) => `${row.map(csvCell).join(",")}\n`).join("");
  const columns = names.map((name, i) => ({
    name,
    right: records.some((record) => typeof record[i] === "number" || typeof record[i] === "bigint"),
  }));
  return table(columns, rows, rows.length);
}

function table(
  columns: readonly TextColumn[],
  rows: readonly (readonly (string | null)[])[],
  total: number | undefined,
): string {
  const names = columns.map(({ name }) => name);
  const right = columns.map((column) => column.right);
  const cells = rows.map((row) => row.map((value) => cut(value === null ? "NULL" : cellText(value))));
  const widths = names.map((name, i) => Math.max(width(name), ...cells.map((row) => width(row[i] ?? ""))));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => pad(cell, widths[i] ?? 0, right[i] ?? false))
      .join("  ")
      .trimEnd();
  const rule = widths.map((size) => "─".repeat(size)).join("  ");
  const shown = rows.length.toLocaleString("en-US");
  const count = total === undefined ? "" : `${total.toLocaleString("en-US")} ${total === 1 ? "row" : "rows"}`;
  const note =
    total === undefined
      ? `the first ${shown} rows`
      : total > rows.length
        ? `${count}, the first ${shown} shown`
        : count;
  return [line(names), rule, ...cells.map(line), `(${note})`, ""].join("\n");
}

/** Timestamps read better with a space, and without a fraction that says nothing. */
function cellText(value: string): string {
  const text = value.replace(/[\r\n\t]+/g, " ");
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
