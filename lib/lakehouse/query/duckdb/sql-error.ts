import { corruptFile, invalidConfig, LakehouseError } from "../../errors.js";
import { storageFailed } from "../../storage/index.js";
import { invalidSql } from "../errors.js";
import { fromByteString, isKeyword, tokenize } from "../text/tokens.js";
import { duckdbMessage } from "./open.js";

/**
 * An error of DuckDB as INVALID_SQL, with the line of the query that it is about and a caret below the place.
 *
 * @param bytes the query as the user wrote it, as a byte string.
 * @param original maps a position of the text that DuckDB saw to one of `bytes`.
 */
export function sqlError(
  cause: unknown,
  bytes: string,
  original: (position: number) => number,
): LakehouseError {
  if (cause instanceof LakehouseError) return cause;
  const { message, type, position } = duckdbMessage(cause);
  const symmetric = /Expression type T_List/.test(message) ? symmetricBetween(bytes) : undefined;
  if (symmetric !== undefined) {
    return invalidSql(
      fromByteString(bytes),
      `DuckDB has no BETWEEN SYMMETRIC.\n${caret(bytes, symmetric)}`,
      "Write both orders: (x BETWEEN a AND b OR x BETWEEN b AND a).",
      cause,
    );
  }
  const text = message
    .replace(/lakehouse\.relation_\d+/g, "the table")
    .replace(/\n\n(LINE \d+:|Please try installing)[\s\S]*$/, "")
    .trim();
  const place = position === undefined ? "" : `\n${caret(bytes, original(position))}`;
  const sentence = /[.!?]$/.test(text) ? text : `${text}.`;
  const room = /No space left on device|Disk quota exceeded|Could not write all bytes/.test(message);
  if (type === "IO" && room) {
    return storageFailed(
      fromByteString(bytes),
      `The query could not write, the disk is full: ${sentence}`,
      "Free some space and try again.",
      cause,
    );
  }
  const folder = /^Directory "(.*)" is not empty! Enable OVERWRITE/.exec(message)?.[1];
  if (folder !== undefined) {
    return storageFailed(
      folder,
      `Not written, the folder ${folder} is not empty.`,
      "Name another folder, or say what becomes of them: COPY … TO … (OVERWRITE), or (OVERWRITE_OR_IGNORE) to keep them.",
      cause,
    );
  }
  if (type === "IO" || type === "Out of Memory") {
    return storageFailed(
      fromByteString(bytes),
      `The query could not read or hold its data: ${sentence}`,
      type === "Out of Memory" ? "Raise memoryLimit, or let it spill with tempDirectory." : undefined,
      cause,
    );
  }
  // DuckDB says to install them, by statements that are not run here.
  const wantsExtension = /requires the extension \w+ to be loaded|exists in the \w+ extension/.test(message);
  const remedy = wantsExtension
    ? "DuckDB's extensions are not loaded here: have another program make a Parquet, CSV or JSON file on this machine, and read that."
    : undefined;
  return invalidSql(fromByteString(bytes), `${sentence}${place}`, remedy, cause);
}

/** An error of DuckDB while it read a table's files, with no SQL of a user in it: the files are what is wrong. */
export function readError(table: string): (cause: unknown) => LakehouseError {
  return (cause) => {
    const failure = sqlError(cause, "", () => 0);
    if (failure.code !== "INVALID_SQL") return failure;
    return corruptFile(
      table,
      `The rows of ${table} cannot be read: ${failure.message}`,
      "Restore the file from a backup, or read a snapshot before it.",
      cause,
    );
  };
}

/** An error of DuckDB when a table's files were to be made a relation; `file` is one of them. */
export function relationError(cause: unknown, file: string): LakehouseError {
  const { message, type } = duckdbMessage(cause);
  if (type !== "Permission") return readError(file)(cause);
  const [, denied = file] = /"(.+)"/.exec(message) ?? [];
  return invalidConfig(
    denied,
    `${denied} lies outside the folders that queries may read.`,
    "Name the folder of the table's files among allowedDirectories.",
    cause,
  );
}

/** Where BETWEEN SYMMETRIC stands: DuckDB's parser takes it, and then fails without a word of what. */
function symmetricBetween(bytes: string): number | undefined {
  const tokens = tokenize(bytes);
  return tokens.find((token, i) => isKeyword(token, "SYMMETRIC") && isKeyword(tokens[i - 1], "BETWEEN"))
    ?.start;
}

function caret(bytes: string, position: number): string {
  const at = Math.max(0, Math.min(position, bytes.length));
  const start = bytes.lastIndexOf("\n", at - 1) + 1;
  const newline = bytes.indexOf("\n", at);
  const line = fromByteString(bytes.slice(start, newline < 0 ? undefined : newline));
  const column = fromByteString(bytes.slice(start, at)).length;
  const number = bytes.slice(0, start).split("\n").length;
  const prefix = `line ${number}: `;
  return `${prefix}${line}\n${" ".repeat(prefix.length + column)}^`;
}
