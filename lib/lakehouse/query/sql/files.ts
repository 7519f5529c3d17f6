import { invalidSql } from "../errors.js";
import { fromByteString, quoteString, type Token, tokenize } from "../text/tokens.js";
import { isNode, type Node, type TableReference } from "./statement.js";

/** Files of text that a statement reads by DuckDB's readers. */
export interface FileReference {
  /** SQL for a path, a glob, or a list of them. */
  readonly paths: string;
  /** What the statement says of it; as the file's ending says, where it says nothing. */
  readonly compression: string | undefined;
  /** Of a file that is named alone, its ending says it. */
  readonly isJson: boolean | undefined;
}

/** DuckDB's functions that read text which may be compressed. */
const READERS = /^(read_csv|read_csv_auto|sniff_csv|read_(nd)?json(_auto|_objects|_objects_auto)?)$/i;

/** The files that a parsed statement reads as text: those in quotes in its FROM, and those that it calls a reader with. */
export function fileReferences(statement: Node, text: string): FileReference[] {
  const tokens = tokenize(text);
  const found: FileReference[] = [];
  const placeOf = (node: Node) => tokens.findIndex(({ start }) => start === Number(node.query_location ?? 0));
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit);
    if (!isNode(value)) return;
    if (value.type === "BASE_TABLE" && tokens[placeOf(value)]?.kind === "string") {
      found.push({ paths: quoteString(String(value.table_name)), compression: undefined, isJson: undefined });
    }
    const { function_name: name, children } = value;
    if (value.class === "FUNCTION" && typeof name === "string" && READERS.test(name)) {
      const compression = (children as readonly Node[] | undefined)?.find(isCompression);
      const paths = fromByteString(firstArgument(text, tokens.slice(placeOf(value))));
      found.push({ paths, compression: compression && textOf(compression), isJson: /json/i.test(name) });
    }
    Object.values(value).forEach(visit);
  };
  visit(statement);
  return found;
}

/** True for `compression := …`, which has an alias, and `compression = …`, which is a comparison. */
function isCompression({ alias, type, left }: Node): boolean {
  const isNamed = type === "COMPARE_EQUAL" && isNode(left) && Array.isArray(left.column_names);
  return String(isNamed ? (left.column_names as string[])[0] : alias).toLowerCase() === "compression";
}

function textOf({ right, value }: Node): string | undefined {
  const constant = isNode(right) ? right.value : value;
  const text = isNode(constant) ? constant.value : undefined;
  return typeof text === "string" ? text.toLowerCase() : undefined;
}

/** The first argument of a call, as it is written: those with names come later. */
function firstArgument(text: string, tokens: readonly Token[]): string {
  const open = tokens.findIndex((token) => token.text === "(");
  let depth = 0;
  const end = tokens.find((token, i) => {
    if (i <= open) return false;
    if (depth === 0 && (token.text === ")" || token.text === ",")) return true;
    if (/^[([{]$/.test(token.text)) depth++;
    if (/^[)\]}]$/.test(token.text)) depth--;
    return false;
  });
  return text.slice(tokens[open]?.end, end?.start);
}

/** Functions that make rows of what they are given, and read nothing. */
const MAKERS: ReadonlySet<string> = new Set([
  "generate_series",
  "json_each",
  "json_tree",
  "range",
  "repeat",
  "repeat_row",
  "unnest",
]);

/**
 * Refuses a statement that reads anything beside the tables that were found in it: files, by name or by function, and what
 * the engine tells of itself and of this machine.
 *
 * @throws LakehouseError INVALID_SQL
 */
export function requireTables(statement: Node, tables: readonly TableReference[]): void {
  const known = new Set(tables.map(({ node }) => node));
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit);
    if (!isNode(value)) return;
    const { type, function: called, table_name: name } = value;
    // The others are named by a WITH. A file's name has a dot, by which DuckDB tells what to read it as.
    if (type === "BASE_TABLE" && !known.has(value) && String(name).includes(".")) throw noTable(`'${name}'`);
    if (type === "TABLE_FUNCTION") {
      const maker = isNode(called) ? String(called.function_name) : "";
      if (!MAKERS.has(maker.toLowerCase())) throw noTable(`${maker}()`);
    }
    if (type === "SHOW_REF") throw noTable("What SHOW, DESCRIBE or SUMMARIZE gives");
    Object.values(value).forEach(visit);
  };
  visit(statement);
}

function noTable(what: string) {
  return invalidSql(
    what,
    `${what} is no table of the lakehouse, and this statement may read nothing else.`,
    "Append what it reads to a table, and name that.",
  );
}
