import type { Schema } from "../../iceberg/index.js";
import { duckdbMessage, openDuckDB } from "../duckdb/open.js";
import { invalidSql } from "../errors.js";
import { quoteIdentifier, quoteString } from "../text/tokens.js";
import { sqlType } from "../types/sql-types.js";

/** A part of a plan, as DuckDB's `json_serialize_plan` has it. */
export type PlanNode = { readonly [key: string]: unknown };

/**
 * What DuckDB makes of a query before it optimizes: names are bound, and each expression has its types and the casts that it
 * takes. Nothing is read.
 *
 * @param tables those that it can read, by their names, with their columns.
 * @param nulls where nulls stand in an order that does not say.
 * @throws LakehouseError INVALID_SQL
 */
export async function boundPlan(
  query: string,
  tables: ReadonlyMap<string, Schema>,
  nulls: "first" | "last" = "last",
): Promise<readonly PlanNode[]> {
  const instance = await openDuckDB({ threads: 1, allowedDirectories: [] });
  const connection = await instance.connect();
  try {
    for (const [name, { fields }] of tables) {
      const columns = fields.map((field) => `${quoteIdentifier(field.name)} ${sqlType(field.type)}`);
      await connection.run(`CREATE TABLE ${quoteIdentifier(name)} (${columns.join(", ")})`);
    }
    await connection.run(`SET default_null_order = 'nulls_${nulls}'`);
    const options = "optimize := false, skip_null := true, skip_empty := true, skip_default := true";
    const asked = `SELECT json_serialize_plan(${quoteString(query)}, ${options})`;
    const [row] = (await connection.runAndReadAll(asked)).getRowsJson();
    const { plans, error_message: why } = JSON.parse(String(row?.[0])) as {
      readonly plans?: readonly PlanNode[];
      readonly error_message?: string;
    };
    if (plans === undefined) throw invalidSql("query", `The query cannot be bound: ${why}.`);
    return plans;
  } catch (error) {
    if (invalidSql.is(error)) throw error;
    throw invalidSql(
      "query",
      `The query cannot be bound: ${duckdbMessage(error).message}.`,
      undefined,
      error,
    );
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
