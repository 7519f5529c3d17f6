import { homedir } from "node:os";
import { type FolderFiles, pathOfFile, writeBeside } from "../../storage/index.js";
import type { QueryResult } from "../result/query-result.js";
import { compose, type Piece, type Span } from "../text/compose.js";
import { fromByteString, quoteString } from "../text/tokens.js";
import type { Statement, StatementContext } from "./context.js";
import { Cursor } from "./cursor.js";
import { type Beginning, refusePart } from "./kind.js";
import { readWord } from "./layout.js";
import { countResult } from "./outcome.js";
import { valueError } from "./values.js";

/** `COPY (query) TO 'file' (…)`, and `COPY t [(columns)] TO 'file' (…)`. */
export async function copy(
  { cursor }: Beginning,
  statement: Statement,
  context: StatementContext,
): Promise<QueryResult> {
  const query: Piece[] = [];
  if (cursor.isSymbol("(")) query.push(spanOf(() => cursor.skip()));
  else {
    const path = cursor.path();
    const columns = cursor.isSymbol("(") ? spanOf(() => cursor.skip()) : undefined;
    const list = columns && { start: columns.start + 1, end: columns.end - 1 };
    query.push("SELECT ", list ?? "*", " FROM ", path);
  }
  if (!cursor.take("TO")) {
    throw refusePart(
      cursor,
      "COPY writes files here; it does not read them.",
      "Write INSERT INTO … SELECT * FROM 'file.parquet', or use table.appendFrom(file).",
    );
  }
  const to = targetOf(cursor);
  const rest = cursor.until(() => false);
  cursor.end();
  return context.relations.use(async (use) => {
    const { text, original } = statement.prepared;
    const part = await context.prepare(compose(text, query), statement, use);
    const head = "COPY (";
    const run = async (file: Piece): Promise<bigint> => {
      const tail = compose(text, ["\n) TO ", file, " ", rest]);
      const end = head.length + part.bytes.length;
      try {
        const reader = await use.connection.runAndReadAll(fromByteString(`${head}${part.bytes}${tail.text}`));
        return BigInt(String(reader.getRowsJson()[0]?.[0] ?? 0));
      } catch (error) {
        throw valueError(use.stopped ?? error, statement.source, (position) =>
          position < end ? part.original(position - head.length) : original(tail.original(position - end)),
        );
      }
    };
    try {
      const { path } = to;
      const count =
        path === undefined
          ? await run(to.span)
          : await writeBeside(path, (beside) => run(quoteString(beside)), folderFiles(text, rest));
      return await countResult(context.relations, count, use.tables);
    } finally {
      use.release();
    }
  });

  function spanOf(pass: () => void): { readonly start: number; readonly end: number } {
    const start = cursor.peek()?.start ?? 0;
    pass();
    return { start, end: cursor.tokens[cursor.at - 1]?.end ?? start };
  }
}

/** What COPY writes to: as it is said, and its path where it is one of this machine. */
function targetOf(cursor: Cursor): { readonly span: Span; readonly path: string | undefined } {
  const first = cursor.peek();
  const start = first?.start ?? 0;
  const isText = first?.kind === "string" && first.text.startsWith("'");
  const isStream = cursor.is("STDOUT");
  const said = isText || cursor.isName ? readWord(cursor) : undefined;
  if (said === undefined) cursor.skip();
  const span = { start, end: cursor.tokens[cursor.at - 1]?.end ?? start };
  if (isStream || !said || (/^[a-z][a-z0-9+.-]+:\/\//i.test(said) && !/^file:/i.test(said))) {
    return { span, path: undefined };
  }
  return { span, path: said.startsWith("~") ? homedir() + said.slice(1) : pathOfFile(said) };
}

/** What COPY does with files that are in its folder; `undefined` where it does nothing with a folder that has some. */
function folderFiles(text: string, { start, end }: Span): FolderFiles | undefined {
  const cursor = new Cursor(text.slice(start, end));
  cursor.take("WITH");
  if (!cursor.isSymbol("(")) return undefined;
  const on = cursor.parentheses().list((_, item) => {
    const name = item.isName ? item.name().toUpperCase() : "";
    const isOff = item.is("FALSE") || ["0", "'false'"].includes(item.peek()?.text.toLowerCase() ?? "");
    return isOff ? "" : name;
  });
  if (on.includes("OVERWRITE")) return "replace";
  return on.includes("OVERWRITE_OR_IGNORE") || on.includes("APPEND") ? "add" : undefined;
}
