import type { Names } from "./names.js";

/** Words that statements are made of. */
const KEYWORDS = (
  "ALL ALTER AND ANTI AS ASC BETWEEN BY CASE CAST COLUMN COPY CREATE CROSS CURRENT DELETE DESC DESCRIBE DISTINCT DROP " +
  "ELSE END EXCEPT EXCLUDE EXISTS EXPLAIN FALSE FILTER FOLLOWING FOR FROM FULL GROUP HAVING IN INNER INSERT INTERSECT " +
  "INTO IS JOIN LAST LATERAL LEFT LIKE LIMIT MATCHED MERGE NATURAL NOT NULL NULLS OF OFFSET ON OR ORDER OUTER OVER " +
  "PARTITION PIVOT PRECEDING QUALIFY RANGE RECURSIVE RENAME REPLACE RETURNING RIGHT ROWS SAMPLE SELECT SEMI SET SHOW " +
  "SUMMARIZE TABLE TABLES THEN TIMESTAMP TO TRUE TRUNCATE UNION UNPIVOT UPDATE USING VALUES VERSION VIEW WHEN WHERE " +
  "WINDOW WITH"
).split(" ");

/** A name as it is written, its end perhaps missing: parts in quotes or not, dots, and a ref. */
const LAST_WORD = /(?:"(?:[^"]|"")*"?|[\p{L}\p{N}_$.@~^-])*$/u;

const NAME = String.raw`(?:"(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_$]*)`;
const REF = String.raw`(?:@(?:${NAME}|[\w/.~^-]+))?`;
const TABLES = new RegExp(
  String.raw`\b(?:from|join|into|update|table|describe)\s+(${NAME}(?:\.${NAME})*)${REF}(?:\s+(?:as\s+)?(${NAME}))?`,
  "giu",
);

/** What could stand in place of the last word of a line, and that word. */
export type Completions = [candidates: string[], word: string];

/**
 * Completes SQL: keywords, tables, columns of the tables that the statement names, columns after a table's name or
 * alias and a dot, branches and tags after `@`.
 *
 * @param statement all of it up to the cursor
 */
export async function completeSql(statement: string, names: Names): Promise<Completions> {
  const word = LAST_WORD.exec(statement)?.[0] ?? "";
  const at = word.lastIndexOf("@");
  if (at >= 0) {
    const refs = (await names.refs()).map((ref) => `${word.slice(0, at)}@${refText(ref)}`);
    return [startingWith(refs, word), word];
  }
  const tables = await names.tables();
  const written = tables.map(nameText);
  const dot = word.lastIndexOf(".");
  const named = tablesIn(statement, tables);
  if (dot >= 0) {
    const qualifier = word.slice(0, dot);
    const table =
      named.get(plain(qualifier)) ?? tables.find((name) => plain(nameText(name)) === plain(qualifier));
    const columns = table === undefined ? [] : await names.columns(table);
    const qualified = columns.map((column) => `${qualifier}.${identifierText(column)}`);
    return [startingWith([...qualified, ...written], word), word];
  }
  const columns = await Promise.all([...new Set(named.values())].map((table) => names.columns(table)));
  const isLower = word !== "" && word === word.toLowerCase();
  const keywords = KEYWORDS.map((keyword) => (isLower ? keyword.toLowerCase() : keyword));
  const own = [...written, ...columns.flat().map(identifierText), ...aliases(named, written)];
  return [startingWith([...own, ...(word === "" ? [] : keywords)], word), word];
}

/** The tables that a statement names so far, by each name that they can be called by in it. */
function tablesIn(statement: string, tables: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, name = "", alias] of statement.matchAll(TABLES)) {
    const table = tables.find((each) => plain(nameText(each)) === plain(name));
    if (table === undefined) continue;
    found.set(plain(name), table);
    found.set(plain(identifierText(table.slice(table.lastIndexOf(".") + 1))), table);
    if (alias !== undefined && !KEYWORDS.includes(alias.toUpperCase())) found.set(plain(alias), table);
  }
  return found;
}

function aliases(named: ReadonlyMap<string, string>, written: readonly string[]): string[] {
  return [...named.keys()].filter((name) => !written.some((table) => plain(table) === name));
}

/** SQL ignores case in names, and quotes where a name needs none. */
const plain = (name: string): string => name.replaceAll('"', "").toLowerCase();

/** A name as it is written in SQL, each part in quotes where it needs them. */
function nameText(name: string): string {
  return name.split(".").map(identifierText).join(".");
}

function identifierText(name: string): string {
  const isPlain = /^[\p{L}_][\p{L}\p{N}_$]*$/u.test(name) && !KEYWORDS.includes(name.toUpperCase());
  return isPlain ? name : `"${name.replaceAll('"', '""')}"`;
}

function refText(ref: string): string {
  return /^[A-Za-z_]\w*$/.test(ref) ? ref : `"${ref}"`;
}

/** Those that begin as a word does, without looking at case and at quotes that are still open; each once. */
export function startingWith(candidates: readonly string[], word: string): string[] {
  const wanted = plain(word);
  return [...new Set(candidates.filter((candidate) => plain(candidate).startsWith(wanted)))];
}
