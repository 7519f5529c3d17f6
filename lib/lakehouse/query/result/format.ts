import * as arrow from "apache-arrow";
import { invalidArgument } from "../../errors.js";
import { type SqlValue, valueReader } from "../arrow/values.js";
import { jsonCell, jsonRows, jsonText } from "./json.js";
import { type TextColumn, tableChunks, tableText } from "./table-text.js";

export type ResultFormat = "table" | "json" | "ndjson" | "csv";

/** How much of a result a table for people shows. The other formats have all of it. */
export interface FormatOptions {
  /** Rows, 40 by default. `Infinity` shows them all as they come; columns are then as wide as the first rows need. */
  readonly maxRows?: number | undefined;
  /** Columns of the terminal that its lines shall fit: wide cells are cut, then columns left out. Default: no limit. */
  readonly width?: number | undefined;
}

/** Lines that are handed on together. */
const LINES_PER_CHUNK = 1024;

/** The text of a result in pieces, as its batches come, in flat memory. */
export async function* formatBatches(
  schema: arrow.Schema,
  batches: AsyncIterable<arrow.RecordBatch>,
  format: ResultFormat,
  options: FormatOptions = {},
): AsyncGenerator<string, void, undefined> {
  if (format === "table") {
    yield* tableChunks(columnsOf(schema), batches, (batch) => rowsOf(schema, batch), options);
    return;
  }
  if (!Object.hasOwn(LINES, format)) {
    throw invalidArgument("format", `There is no format ${format}.`, "Take table, csv, json or ndjson.");
  }
  const { head, lines, tail } = LINES[format](schema);
  let chunk: string[] = head === "" ? [] : [head];
  for await (const batch of batches) {
    for (const line of lines(batch)) {
      if (chunk.push(line) < LINES_PER_CHUNK) continue;
      yield chunk.join("");
      chunk = [];
    }
    // What there is goes out before the next batch is waited for.
    if (chunk.length > 0) yield chunk.join("");
    chunk = [];
  }
  yield chunk.join("") + tail;
}

/** A text format: what comes before the rows, each row of a batch, and what comes after them. */
interface Lines {
  readonly head: string;
  readonly lines: (batch: arrow.RecordBatch) => Iterable<string>;
  readonly tail: string;
}

const LINES: Readonly<Record<Exclude<ResultFormat, "table">, (schema: arrow.Schema) => Lines>> = {
  csv: (schema) => ({
    head: `${schema.fields.map((field) => csvCell(field.name)).join(",")}\n`,
    lines: (batch) => csvLines(schema, batch),
    tail: "",
  }),
  ndjson: (schema) => ({ head: "", lines: (batch) => jsonLines(schema, batch, () => "", "\n"), tail: "" }),
  json: (schema) => {
    let rows = 0;
    const before = () => (rows++ === 0 ? "\n  " : ",\n  ");
    return { head: "[", lines: (batch) => jsonLines(schema, batch, before, ""), tail: "\n]\n" };
  },
};

/** The first rows as a table, where the others have not been read. */
export function formatHead(
  schema: arrow.Schema,
  { batch, total }: { readonly batch: arrow.RecordBatch | undefined; readonly total: number | undefined },
  maxRows: number,
): string {
  const rows = batch ? [...rowsOf(schema, batch.slice(0, maxRows))] : [];
  return tableText(columnsOf(schema), rows, total).trimEnd();
}

function* jsonLines(
  schema: arrow.Schema,
  batch: arrow.RecordBatch,
  before: () => string,
  after: string,
): Generator<string, void, undefined> {
  const json = jsonRows(schema, batch);
  for (let row = 0; row < batch.numRows; row++) yield before() + json(row) + after;
}

function* csvLines(schema: arrow.Schema, batch: arrow.RecordBatch): Generator<string, void, undefined> {
  for (const row of rowsOf(schema, batch)) yield `${row.map(csvCell).join(",")}\n`;
}

/** Rows as text, cell by cell; null where the value is null. */
function* rowsOf(
  schema: arrow.Schema,
  batch: arrow.RecordBatch,
): Generator<(string | null)[], void, undefined> {
  const cells = schema.fields.map((field, i) => textCell(field, batch.data.children[i] as arrow.Data));
  for (let row = 0; row < batch.numRows; row++) yield cells.map((cell) => cell(row));
}

/** A column's values as text: as in JSON, without the quotes around what is no text inside. */
function textCell(field: arrow.Field, data: arrow.Data): (row: number) => string | null {
  const { DataType } = arrow;
  const { type } = field;
  if (DataType.isUtf8(type) || DataType.isTimestamp(type) || DataType.isDate(type) || DataType.isTime(type)) {
    const read = valueReader(field, data);
    return (row) => read(row) as string | null;
  }
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
  return tableText(columns, rows, rows.length);
}

function isNumber(type: arrow.DataType): boolean {
  return arrow.DataType.isInt(type) || arrow.DataType.isFloat(type) || arrow.DataType.isDecimal(type);
}
