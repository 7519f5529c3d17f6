/** Records from text: lines, NDJSON or CSV, from arguments, a file or stdin. */
import { createReadStream } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { invalidArgument } from "../../errors.js";
import type { NewRecord, RecordHeader } from "../records/batch-builder.js";

export type InputFormat = "lines" | "ndjson" | "csv";

export interface RecordOptions {
  readonly format: InputFormat;
  /** Stands between key and value. */
  readonly keySeparator?: string | undefined;
  /** The field of a JSON object, or the column, that is the key. */
  readonly keyField?: string | undefined;
  readonly headers: readonly RecordHeader[];
}

/** What came of a text, a piece at a time: as many records as are whole. */
export type RecordParser = (text: string, isLast: boolean) => NewRecord[];

const PARSERS: Readonly<Record<InputFormat, (options: RecordOptions) => RecordParser>> = {
  lines: (options) => linewise((line, number) => ofLine(line, number, options)),
  ndjson: (options) =>
    linewise((line, number) => {
      if (line.trim() === "") return undefined;
      return { key: keyOf(parsed(line, number), number, options), value: line, headers: options.headers };
    }),
  csv: csvParser,
};

export function recordParser(options: RecordOptions): RecordParser {
  const { format, keySeparator, keyField } = options;
  if (keySeparator !== undefined && format !== "lines")
    throw invalidArgument(
      "--key-separator",
      "A key stands before a separator in lines only.",
      "Give --key-field.",
    );
  if (keySeparator === "")
    throw invalidArgument("--key-separator", "The separator is empty.", "Give one such as :.");
  if (keyField !== undefined && format === "lines")
    throw invalidArgument("--key-field", "Lines have no fields.", "Add --format ndjson or csv.");
  return PARSERS[format](options);
}

/** Each argument is a record as it is, line breaks and all; of CSV, the first has the names. */
export function ofArguments(values: readonly string[], options: RecordOptions): NewRecord[] {
  if (options.format === "lines") return values.map((value, at) => ofLine(value, at + 1, options));
  return recordParser(options)(`${values.join("\n")}\n`, true);
}

/**
 * Text as it comes, in pieces that end where the source had no more at the time.
 *
 * @param file `undefined` for stdin.
 * @throws LakehouseError INVALID_ARGUMENT for a file that cannot be read.
 */
export async function* textOf(file: string | undefined, signal: AbortSignal): AsyncGenerator<string> {
  const stream = file === undefined ? process.stdin : createReadStream(file, { highWaterMark: 2 ** 20 });
  const stop = () => stream.destroy();
  signal.addEventListener("abort", stop);
  const decoder = new StringDecoder("utf8");
  try {
    for await (const chunk of stream) yield decoder.write(chunk as Buffer);
    yield decoder.end();
  } catch (cause) {
    if (signal.aborted) return;
    throw invalidArgument(
      file ?? "stdin",
      `${file ?? "stdin"} cannot be read: ${(cause as Error).message}.`,
      "Name a file of text.",
      cause,
    );
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function linewise(toRecord: (line: string, number: number) => NewRecord | undefined): RecordParser {
  let rest = "";
  let number = 0;
  return (text, isLast) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    if (isLast && rest !== "") lines.push(rest);
    const records: NewRecord[] = [];
    for (const line of lines) {
      const record = toRecord(line.endsWith("\r") ? line.slice(0, -1) : line, ++number);
      if (record !== undefined) records.push(record);
    }
    return records;
  };
}

function ofLine(line: string, number: number, { keySeparator, headers }: RecordOptions): NewRecord {
  if (keySeparator === undefined) return { key: null, value: line, headers };
  const at = line.indexOf(keySeparator);
  if (at < 0) throw badLine(number, `it has no ${JSON.stringify(keySeparator)} between a key and a value`);
  return { key: line.slice(0, at), value: line.slice(at + keySeparator.length), headers };
}

function parsed(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw badLine(number, `it is no JSON (${(cause as Error).message})`);
  }
}

function keyOf(value: unknown, number: number, { keyField }: RecordOptions): string | null {
  if (keyField === undefined) return null;
  const isObject = typeof value === "object" && value !== null && Object.hasOwn(value, keyField);
  const key = isObject ? (value as Record<string, unknown>)[keyField] : undefined;
  if (key === undefined) throw badLine(number, `it has no field ${JSON.stringify(keyField)}`);
  if (key === null) return null;
  return typeof key === "string" ? key : JSON.stringify(key);
}

function badLine(number: number, why: string) {
  return invalidArgument(
    `line ${number}`,
    `Line ${number} is no record: ${why}.`,
    "What stands before it may have been appended. Mend it, and go on from there.",
  );
}

/** Rows become JSON objects by the names in the first, all of text (RFC 4180: quotes, and line breaks within them). */
function csvParser(options: RecordOptions): RecordParser {
  let names: string[] | undefined;
  let fields: string[] = [];
  let field = "";
  let state: "start" | "plain" | "quoted" | "quote" = "start";
  let number = 1;
  let after = "";
  const endRow = (): NewRecord | undefined => {
    fields.push(field);
    const row = fields;
    fields = [];
    field = "";
    const isEmpty = row.length === 1 && row[0] === "" && state === "start";
    state = "start";
    if (isEmpty) return undefined;
    if (names === undefined) {
      names = row;
      if (new Set(names).size < names.length) throw badLine(number, "a column is named twice");
      return undefined;
    }
    if (row.length !== names.length)
      throw badLine(number, `it has ${row.length} fields, where the first line has ${names.length}`);
    const value = Object.fromEntries(names.map((name, at) => [name, row[at]]));
    return { key: keyOf(value, number, options), value: JSON.stringify(value), headers: options.headers };
  };
  const endLine = (records: NewRecord[]) => {
    const record = endRow();
    if (record !== undefined) records.push(record);
    number++;
  };
  return (piece, isLast) => {
    const text = after + piece;
    // A line break may be cut in two.
    after = text.endsWith("\r") && !isLast ? "\r" : "";
    const records: NewRecord[] = [];
    const end = after === "" ? text.length : text.length - 1;
    for (let at = 0; at < end; at++) {
      const character = text[at] as string;
      if (state === "quoted") {
        if (character === '"') state = "quote";
        else field += character;
        if (character === "\n") number++;
      } else if (character === '"' && state === "quote") {
        field += '"';
        state = "quoted";
      } else if (character === '"' && state === "start") state = "quoted";
      else if (character === ",") {
        fields.push(field);
        field = "";
        state = "start";
      } else if (character === "\n") endLine(records);
      else if (character !== "\r" || text[at + 1] !== "\n") {
        if (state === "quote") throw badLine(number, "something stands behind a quoted field");
        field += character;
        state = "plain";
      }
    }
    if (isLast && state === "quoted") throw badLine(number, "a quote is not closed");
    if (isLast && (fields.length > 0 || field !== "" || state !== "start")) endLine(records);
    return records;
  };
}
