/** Records from text: lines, NDJSON or CSV, from arguments, a file or stdin. */
import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import { invalidArgument, isLakehouseError } from "../../errors.js";
import type { JsonInput } from "../../iceberg/index.js";
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

/** What came of a text, a piece at a time: as many records as are whole, then an error where a line is none. */
export type RecordParser = (text: string, isLast: boolean) => Iterable<NewRecord>;

/** Integers of any size, which a key has to keep: two keys that are taken for one become one record. */
type ReadJson = (text: string) => unknown;

export async function recordParser(options: RecordOptions): Promise<RecordParser> {
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
  if (format === "lines") return linewise((line, number) => ofLine(line, number, options));
  if (format === "csv") return csvParser(options);
  const { parseJson, stringifyJson } = await import("../../iceberg/index.js");
  const asText = (value: unknown) => stringifyJson(value as JsonInput);
  return linewise((line, number) => {
    if (line.trim() === "") return undefined;
    const value = parsed(line, number, keyField === undefined ? JSON.parse : parseJson);
    return { key: keyOf(value, number, options, asText), value: line, headers: options.headers };
  });
}

/** Each argument is a record as it is, line breaks and all; of CSV, the first has the names. */
export function* ofArguments(
  values: readonly string[],
  options: RecordOptions,
  parse: RecordParser,
): Generator<NewRecord> {
  if (options.format === "lines")
    for (const [at, value] of values.entries()) yield ofLine(value, at + 1, options);
  else yield* parse(`${values.join("\n")}\n`, true);
}

/**
 * Text as it comes, in pieces that end where the source had no more at the time, without a byte order mark.
 *
 * @param file `undefined` for stdin.
 * @throws LakehouseError INVALID_ARGUMENT for a file that cannot be read, and behind the last line before one that is no UTF-8.
 */
export async function* textOf(file: string | undefined, signal: AbortSignal): AsyncGenerator<string> {
  const stream = file === undefined ? process.stdin : createReadStream(file, { highWaterMark: 2 ** 20 });
  const stop = () => stream.destroy();
  signal.addEventListener("abort", stop);
  let rest: Buffer = Buffer.alloc(0);
  let lines = 0;
  let isFirst = true;
  const decoded = (bytes: Buffer) => {
    const text = bytes.toString();
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines++;
    const hasMark = isFirst && text.startsWith("\ufeff");
    if (text !== "") isFirst = false;
    return hasMark ? text.slice(1) : text;
  };
  try {
    for await (const chunk of stream) {
      const bytes = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
      const whole = bytes.subarray(0, endOfCharacters(bytes));
      rest = bytes.subarray(whole.length);
      const valid = isUtf8(whole) ? whole : whole.subarray(0, endOfUtf8Lines(whole));
      yield decoded(valid);
      if (valid.length < whole.length) throw noUtf8(lines + 1);
    }
    if (rest.length > 0) throw noUtf8(lines + 1);
  } catch (cause) {
    if (signal.aborted) return;
    if (isLakehouseError(cause)) throw cause;
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

/** Where the last character ends that is not cut: one has four bytes at most, and only its first is none of 10xxxxxx. */
function endOfCharacters(bytes: Buffer): number {
  for (let at = bytes.length - 1; at >= Math.max(0, bytes.length - 3); at--) {
    const byte = bytes[at] as number;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return at + length > bytes.length ? at : bytes.length;
  }
  return bytes.length;
}

/** Where the first line begins that is no UTF-8. */
function endOfUtf8Lines(bytes: Buffer): number {
  let end = 0;
  for (;;) {
    const next = bytes.indexOf("\n", end) + 1;
    if (next === 0 || !isUtf8(bytes.subarray(end, next))) return end;
    end = next;
  }
}

function noUtf8(number: number) {
  return badLine(number, "it is no UTF-8", "Make the text UTF-8, with iconv for example,");
}

function linewise(toRecord: (line: string, number: number) => NewRecord | undefined): RecordParser {
  // Of a line that has not ended. Joined once: else a long one would be copied with every piece of it.
  let begun: string[] = [];
  let number = 0;
  return function* (text, isLast) {
    begun.push(text);
    if (!isLast && !text.includes("\n")) return;
    const lines = begun.join("").split("\n");
    const rest = lines.pop() ?? "";
    begun = isLast ? [] : [rest];
    if (isLast && rest !== "") lines.push(rest);
    for (const line of lines) {
      const record = toRecord(line.endsWith("\r") ? line.slice(0, -1) : line, ++number);
      if (record !== undefined) yield record;
    }
  };
}

function ofLine(line: string, number: number, { keySeparator, headers }: RecordOptions): NewRecord {
  if (keySeparator === undefined) return { key: null, value: line, headers };
  const at = line.indexOf(keySeparator);
  if (at < 0) throw badLine(number, `it has no ${JSON.stringify(keySeparator)} between a key and a value`);
  return { key: line.slice(0, at), value: line.slice(at + keySeparator.length), headers };
}

function parsed(line: string, number: number, read: ReadJson): unknown {
  try {
    return read(line);
  } catch (cause) {
    throw badLine(number, `it is no JSON (${(cause as Error).message})`);
  }
}

function keyOf(
  value: unknown,
  number: number,
  { keyField }: RecordOptions,
  asText: (value: unknown) => string,
): string | null {
  if (keyField === undefined) return null;
  const isObject = typeof value === "object" && value !== null && Object.hasOwn(value, keyField);
  const key = isObject ? (value as Record<string, unknown>)[keyField] : undefined;
  if (key === undefined) throw badLine(number, `it has no field ${JSON.stringify(keyField)}`);
  if (key === null) return null;
  return typeof key === "string" ? key : asText(key);
}

function badLine(number: number, why: string, remedy = "Mend it,") {
  return invalidArgument(
    `line ${number}`,
    `Line ${number} is no record: ${why}.`,
    `What stands before it has been appended. ${remedy} and append the rest, from this line on.`,
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
    return {
      key: keyOf(value, number, options, String),
      value: JSON.stringify(value),
      headers: options.headers,
    };
  };
  const endLine = function* () {
    const record = endRow();
    if (record !== undefined) yield record;
    number++;
  };
  return function* (piece, isLast) {
    const text = after + piece;
    // A line break may be cut in two.
    after = text.endsWith("\r") && !isLast ? "\r" : "";
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
      } else if (character === "\n") yield* endLine();
      else if (character !== "\r" || text[at + 1] !== "\n") {
        if (state === "quote") throw badLine(number, "something stands behind a quoted field");
        field += character;
        state = "plain";
      }
    }
    if (isLast && state === "quoted") throw badLine(number, "a quote is not closed");
    if (isLast && (fields.length > 0 || field !== "" || state !== "start")) yield* endLine();
  };
}
