import type { DuckDBConnection } from "@duckdb/node-api";
import type { LakehouseError } from "../../errors.js";
import { type ChangedRows, canonicalValue, type NestedField, typeToString } from "../../iceberg/index.js";
import { schemaMismatch } from "../../parquet/index.js";
import { duckdbMessage } from "../duckdb/open.js";
import { sqlError } from "../duckdb/sql-error.js";
import { spellExpression } from "../sql/spelling.js";
import { aliasOf, type Edge } from "../text/names.js";
import { fromByteString, quoteIdentifier, toByteString } from "../text/tokens.js";
import { fittedSql, misfitIn } from "../types/fit.js";
import { sqlLiteral, sqlType } from "../types/sql-types.js";

type Assigned = Exclude<ChangedRows["set"], (row: Record<string, unknown>) => unknown>;

/** A user's expression for a column, and DuckDB's value of it as the column's. */
interface Evaluated {
  readonly source: string;
  readonly fitted: string;
}

/**
 * SQL for rows with new values: the table's columns, in order.
 *
 * @param edge the rows as they are, under the names that expressions say.
 * @param where what rows are meant, over the relation that `edge` is of.
 * @param kept SQL for what follows the table's columns, given the names that follow theirs in `edge`.
 * @throws LakehouseError SCHEMA_MISMATCH for a column that is not there, and a literal that is none of its type;
 *   INVALID_SQL.
 */
export async function assignedSql(
  connection: DuckDBConnection,
  set: Assigned,
  fields: readonly NestedField[],
  edge: Edge,
  where: string,
  kept: (names: readonly string[]) => readonly string[],
): Promise<string> {
  const names = edge.names.map((_, i) => `c${i}`);
  const columns: string[] = names.slice(0, fields.length);
  const evaluated: Evaluated[] = [];
  for (const [name, value] of Object.entries(set)) {
    const place = fields.findIndex((each) => each.name === name);
    const field = fields[place];
    if (field === undefined) throw unassignable(name, "the table has no such top-level column");
    if (value === undefined) continue;
    if (!isSql(value)) {
      columns[place] = valueSql(field, value);
      continue;
    }
    const one = await evaluate(connection, value.sql, field, fields, edge, `v${evaluated.length}`);
    evaluated.push(one);
    columns[place] = one.fitted;
  }
  // Expressions are evaluated once, below: what fits them into columns looks at their values more than once.
  const sources = evaluated.map(({ source }) => `, (${source})`).join("");
  const values = evaluated.map((_, i) => `v${i}`);
  const stored = edge.names.map(quoteIdentifier).join(", ");
  return `SELECT ${[...columns, ...kept(names.slice(fields.length))].join(", ")} FROM (SELECT ${stored}${sources} FROM (${edge.sql} WHERE ${where}) AS ${aliasOf(edge)}) AS q(${[...names, ...values].join(", ")})`;
}

const HEAD = "SELECT (";

async function evaluate(
  connection: DuckDBConnection,
  sql: string,
  field: NestedField,
  fields: readonly NestedField[],
  edge: Edge,
  name: string,
): Promise<Evaluated> {
  const bytes = toByteString(sql);
  const spelled = await spellExpression(connection, bytes, fields);
  // A comment at its end shall not reach what follows.
  const source = `${fromByteString(spelled.text)}\n`;
  try {
    const statement = await connection.prepare(`${HEAD}${source}) FROM (${edge.sql}) AS ${aliasOf(edge)}`);
    const fitted = fittedSql(name, statement.columnType(0), field);
    statement.destroySync();
    return { source, fitted };
  } catch (error) {
    throw sqlError(error, bytes, (position) => spelled.original(position - HEAD.length));
  }
}

/** A failure of rows with new values, as the user is to see it. */
export function assignmentError(cause: unknown, bytes: string): LakehouseError {
  const misfit = misfitIn(duckdbMessage(cause).message);
  if (misfit === undefined) return sqlError(cause, bytes, (position) => position);
  const remedy = "Write the conversion that you mean into the expression: CAST(… AS …), round(…).";
  return unassignable(misfit.column, misfit.problem, remedy);
}

function valueSql(field: NestedField, value: unknown): string {
  if (value === null) return `NULL::${sqlType(field.type)}`;
  const { type } = field;
  const nested = type.type === "struct" || type.type === "list" || type.type === "map";
  const canonical = nested ? undefined : canonicalValue(type, value);
  if (canonical !== undefined) return sqlLiteral(type, canonical);
  throw unassignable(
    field.name,
    `${String(value)} is no value of type ${typeToString(type)}${nested ? "; give it by a function" : ""}`,
  );
}

function isSql(value: unknown): value is { readonly sql: string } {
  return typeof value === "object" && value !== null && "sql" in value && typeof value.sql === "string";
}

function unassignable(column: string, problem: string, remedy?: string): LakehouseError {
  return schemaMismatch(column, `Column ${JSON.stringify(column)} cannot be set: ${problem}.`, remedy);
}
