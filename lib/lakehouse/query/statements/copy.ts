import type { QueryResult } from "../result/query-result.js";
import { compose, type Piece } from "../text/compose.js";
import { fromByteString } from "../text/tokens.js";
import type { Statement, StatementContext } from "./context.js";
import { type Beginning, refusePart } from "./kind.js";
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
  if (!cursor.is("TO")) {
    throw refusePart(
      cursor,
      "COPY writes files here; it does not read them.",
      "Write INSERT INTO … SELECT * FROM 'file.parquet', or use table.appendFrom(file).",
    );
  }
  const rest = cursor.until(() => false);
  cursor.end();
  return context.relations.use(async (use) => {
    const { text } = statement.prepared;
    const part = await context.prepare(compose(text, query), statement, use);
    const head = "COPY (";
    const bytes = `${head}${part.bytes}\n) ${text.slice(rest.start, rest.end)}`;
    const end = head.length + part.bytes.length;
    const original = (position: number) =>
      position < end
        ? part.original(position - head.length)
        : statement.prepared.original(position - end - 3 + rest.start);
    try {
      const reader = await use.connection.runAndReadAll(fromByteString(bytes));
      const count = BigInt(String(reader.getRowsJson()[0]?.[0] ?? 0));
      return await countResult(context.relations, count, use.tables);
    } catch (error) {
      throw valueError(error, statement.source, original);
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
