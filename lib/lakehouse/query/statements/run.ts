import { throwIfAborted } from "../../errors.js";
import { sqlError } from "../duckdb/sql-error.js";
import { invalidSql } from "../errors.js";
import type { QueryResult } from "../result/query-result.js";
import { applyEdits, type Edit } from "../text/edits.js";
import { fromByteString, isKeyword, quoteIdentifier, tokenize } from "../text/tokens.js";
import { alter } from "./alter.js";
import type { Statement, StatementContext } from "./context.js";
import { copy } from "./copy.js";
import { create } from "./create.js";
import { drop } from "./drop.js";
import { insert } from "./insert.js";
import { type Beginning, beginningOf, type StatementKind } from "./kind.js";
import { merge } from "./merge.js";
import { remove, update } from "./update.js";

type Run = (beginning: Beginning, statement: Statement, context: StatementContext) => Promise<QueryResult>;

const RUNS: { readonly [Kind in StatementKind]: Run } = {
  INSERT: insert,
  UPDATE: update,
  DELETE: remove,
  TRUNCATE: remove,
  MERGE: merge,
  CREATE: create,
  ALTER: alter,
  DROP: drop,
  COPY: copy,
};

/** Runs a statement that writes, as one commit; `undefined` for one that does not. */
export function runStatement(
  statement: Statement,
  context: () => StatementContext,
): Promise<QueryResult> | undefined {
  const beginning = beginningOf(statement.prepared.text);
  if (beginning === undefined) return undefined;
  return (async () => {
    const found = context();
    const { signal } = statement.options;
    throwIfAborted(signal);
    await checkSyntax(statement, found);
    throwIfAborted(signal);
    return RUNS[beginning.kind](beginning, statement, found);
  })();
}

/**
 * Has DuckDB's parser read the whole statement: so that what is wrong with it is said by the one who knows, and what is
 * taken apart afterwards is right.
 */
async function checkSyntax({ source, prepared }: Statement, { relations }: StatementContext): Promise<void> {
  // The text would end there for DuckDB, and what follows would not count.
  if (source.includes("\0"))
    throw sqlError(new Error("A statement cannot have a NUL character."), source, () => 0);
  const short = applyEdits(prepared.text, longNames(prepared.text));
  await relations.use(async (use) => {
    let count: number;
    try {
      ({ count } = await use.connection.extractStatements(fromByteString(short.text)));
    } catch (error) {
      throw sqlError(error, source, (position) => prepared.original(short.original(position)));
    }
    use.release();
    // A PIVOT that does not name its values is several for DuckDB; it is refused where the query is read.
    const tokens = tokenize(short.text);
    if (count > 1 && tokens.some(({ text }, i) => text === ";" && i < tokens.length - 1)) {
      throw invalidSql(
        fromByteString(source),
        `The text has ${count} statements; one runs at a time, and each that writes is a commit of its own.`,
        "Call sql() once for each; to have them seen together, run them on a branch and merge it.",
      );
    }
  });
}

/** DuckDB's grammar has names of three parts at most, and of two for namespaces: longer ones are written as one. */
function longNames(text: string): Edit[] {
  const tokens = tokenize(text);
  return tokens.flatMap((token, i): Edit[] => {
    if (!isKeyword(token, ...BEFORE_NAMES)) return [];
    let last = i + 1;
    while (tokens[last + 1]?.text === "." && tokens[last + 2] !== undefined) last += 2;
    const first = tokens[i + 1];
    const end = tokens[last]?.end;
    if (first === undefined || end === undefined || last < i + 5) return [];
    return [{ start: first.start, end, text: quoteIdentifier("name") }];
  });
}

const BEFORE_NAMES = [
  "INTO",
  "UPDATE",
  "FROM",
  "TABLE",
  "SCHEMA",
  "VIEW",
  "EXISTS",
  "TRUNCATE",
  "COPY",
  "USING",
  "JOIN",
];
