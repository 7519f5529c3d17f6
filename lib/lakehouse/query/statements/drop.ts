import { noSuchNamespace, noSuchView } from "../../catalog/index.js";
import { noSuchTable } from "../../iceberg/index.js";
import type { QueryResult } from "../result/query-result.js";
import type { Statement, StatementContext } from "./context.js";
import { type Beginning, refusePart } from "./kind.js";
import { tableName, targetName } from "./names.js";
import { countResult } from "./outcome.js";

/** `DROP TABLE | VIEW | SCHEMA [IF EXISTS] …`. */
export async function drop(
  { cursor }: Beginning,
  statement: Statement,
  context: StatementContext,
): Promise<QueryResult> {
  const kind = (["TABLE", "VIEW", "SCHEMA"] as const).find((word) => cursor.take(word));
  if (kind === undefined) {
    throw refusePart(
      cursor,
      "What a lakehouse has are tables, views and namespaces.",
      "Write DROP TABLE, DROP VIEW or DROP SCHEMA.",
    );
  }
  const ifExists = cursor.take("IF", "EXISTS");
  const path = cursor.path();
  cursor.take("RESTRICT");
  if (cursor.is("CASCADE")) {
    throw refusePart(
      cursor,
      "DROP takes one thing, in one commit: what is in a namespace stays, and CASCADE would take it.",
      "Drop the tables and views in it first.",
    );
  }
  cursor.end();
  const name = kind === "SCHEMA" ? targetName : tableName;
  const { catalog, identifier } = name(path, statement, context);
  const [run, missing] = {
    TABLE: [() => catalog.dropTable(identifier), noSuchTable] as const,
    VIEW: [() => catalog.dropView(identifier), noSuchView] as const,
    SCHEMA: [
      () => catalog.dropNamespace([...identifier.namespace, identifier.name]),
      noSuchNamespace,
    ] as const,
  }[kind];
  try {
    await run();
  } catch (error) {
    if (!(ifExists && (missing.is(error) || noSuchNamespace.is(error)))) throw error;
  }
  return countResult(context.relations, undefined);
}
