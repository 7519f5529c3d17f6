import type { RowChange, Table } from "../../iceberg/index.js";
import type { QueryResult } from "../result/query-result.js";
import type { Piece } from "../text/compose.js";
import { quoteIdentifier } from "../text/tokens.js";
import { ChangeBySql, type ChangeNames, type ChangeQuery } from "./change.js";
import type { Statement, StatementContext } from "./context.js";
import type { Path } from "./cursor.js";
import { loadTarget, tableName } from "./names.js";
import { countResult } from "./outcome.js";

/**
 * Runs a statement that changes rows of a table, as one commit. When another commit is in its way, it is evaluated again on
 * the table as it is then: as if it had come later.
 *
 * @param path the table's name.
 * @param query the change of the table as it is.
 */
export async function changeTable(
  path: Path,
  statement: Statement,
  context: StatementContext,
  query: (table: Table, names: ChangeNames) => ChangeQuery | Promise<ChangeQuery>,
  what: string,
): Promise<QueryResult> {
  const table = await loadTarget(tableName(path, statement, context), context);
  const names = changeNames(statement, table);
  let change: ChangeBySql | undefined;
  const find = async (now: Table): Promise<RowChange | undefined> => {
    await change?.close();
    change = await ChangeBySql.open(context, statement, now, names, await query(now, names));
    return change.change();
  };
  try {
    const { signal } = statement.options;
    await table.changeRows(find, { message: `${what} ${table.name}`, signal });
    return await countResult(context.relations, change?.count ?? 0n);
  } finally {
    await change?.close();
  }
}

/** Names that neither the statement nor the table has. */
function changeNames({ prepared }: Statement, { schema }: Table): ChangeNames {
  const taken = (name: string) =>
    prepared.text.includes(name) || schema.fields.some((field) => field.name.startsWith(name));
  let own = "lakehouse change";
  while (taken(own)) own += "_";
  return { target: `${own} target`, task: `${own} task`, pos: `${own} pos` };
}

/** The table in the query of its change: under its alias, or its name. */
export function targetPieces({ target }: ChangeNames, alias: string | undefined): readonly Piece[] {
  return [`${quoteIdentifier(target)}${alias === undefined ? "" : ` AS ${quoteIdentifier(alias)}`}`];
}
