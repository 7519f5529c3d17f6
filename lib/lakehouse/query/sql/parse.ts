import type { DuckDBConnection } from "@duckdb/node-api";
import { LRUCache } from "lru-cache";
import { ask } from "../duckdb/open.js";
import { sqlError } from "../duckdb/sql-error.js";
import { invalidSql } from "../errors.js";
import type { Edit } from "../text/edits.js";
import { foldName } from "../text/names.js";
import { fromByteString, quoteIdentifier, quoteString, toByteString, tokenize } from "../text/tokens.js";
import { isNode, type Node, refuseStatement, type StatementReferences } from "./statement.js";

/** What DuckDB says of a statement that is no query. */
const NO_QUERY = "Only SELECT statements";
const NUL = "A statement cannot have a NUL character.";

/** A constant that would lose digits as a number: snapshot ids are such. Within text the quotes would be escaped. */
const BIG_VALUE = /"value":(-?\d{16,})(?=[,}])/g;

/** Trees of statements that ran, by their text: an application asks the same ones. One of long text is not kept. */
const parsed = new LRUCache<string, Node>({ max: 256 });
const KEPT_BYTES = 4_000;

/**
 * The tree of one query, from DuckDB's own parser.
 *
 * @param body the text to parse, a byte string.
 * @param source the text as the user wrote it; `original` maps a position of `body` to one of it.
 * @throws LakehouseError INVALID_SQL for what does not parse, is several statements, or is not a query.
 */
export async function parseStatement(
  connection: DuckDBConnection,
  body: string,
  source: string,
  original: (position: number) => number,
): Promise<Node> {
  // The text would end there for DuckDB, and what follows would not count.
  if (body.includes("\0")) throw sqlError(new Error(NUL), source, () => 0);
  const known = parsed.get(body);
  if (known) return known;
  const options = "skip_empty := true, skip_null := true, skip_default := true";
  const literal = quoteString(fromByteString(body));
  const [[json] = []] = await ask(connection, `SELECT json_serialize_sql(${literal}, ${options})`);
  const tree = JSON.parse((json ?? "{}").replace(BIG_VALUE, '"value":"$1"')) as Record<string, unknown>;
  if (tree.error === true) {
    // A query can have parts, too, that DuckDB parses and does not know.
    if (String(tree.error_message).startsWith(NO_QUERY)) throw refuseStatement(body);
    throw sqlError(new Error(JSON.stringify(tree)), source, original);
  }
  const statements = Array.isArray(tree.statements) ? tree.statements.filter(isNode) : [];
  const [statement] = statements;
  if (!statement) throw refuseStatement(body);
  if (statements.length > 1) {
    throw invalidSql(
      fromByteString(source),
      `The text has ${statements.length} statements; one runs at a time.`,
      "Call sql() once for each.",
    );
  }
  if (body.length <= KEPT_BYTES) parsed.set(body, statement);
  return statement;
}

/**
 * True for a statement that compares by IS [NOT] DISTINCT FROM. DuckDB (1.5) pushes `v = 5 OR v IS DISTINCT FROM 0` down
 * to a table as if nulls could not fulfil it, and where its statistics leave nothing else it gives no rows.
 */
export function comparesNulls(statement: Node): boolean {
  return Object.entries(statement).some(([key, value]) => {
    if (key === "type" && (value === "COMPARE_DISTINCT_FROM" || value === "COMPARE_NOT_DISTINCT_FROM"))
      return true;
    return (Array.isArray(value) ? value : [value]).some((part) => isNode(part) && comparesNulls(part));
  });
}

/**
 * Columns named in full, `namespace.table.column`: in the statement that runs, the table has its last name only.
 */
export function columnEdits({ tables, columns }: StatementReferences, body: string): Edit[] {
  const tokens = tokenize(body);
  const isNamed = (names: readonly string[], parts: readonly string[], fold: (name: string) => string) =>
    parts.every((part, i) => fold(names[i] ?? "") === fold(part));
  return columns.flatMap(({ names, start }) => {
    const named = tables.filter(
      ({ parts, alias }) => !alias && parts.length > 1 && names.length > parts.length,
    );
    // Tables may differ by case: the one that is spelled just so is meant first.
    const table =
      named.find(({ parts }) => isNamed(names, parts, String)) ??
      named.find(({ parts }) => isNamed(names, parts, foldName));
    const first = tokens.findIndex((token) => token.start === start);
    const last = table && tokens[first + 2 * (table.parts.length - 1)];
    if (!table || first < 0 || !last) return [];
    const text = toByteString(quoteIdentifier(table.parts.at(-1) ?? ""));
    return [{ start, end: last.end, text }];
  });
}
