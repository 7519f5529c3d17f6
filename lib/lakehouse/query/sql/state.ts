import type { DuckDBConnection } from "@duckdb/node-api";

import type { ScanOptions } from "../../iceberg/index.js";
import { ask } from "../duckdb/open.js";
import { sqlError } from "../duckdb/sql-error.js";
import { invalidSql } from "../errors.js";
import { toByteString } from "../text/tokens.js";
import { requireTables } from "./files.js";
import { parseStatement } from "./parse.js";
import type { TableReference } from "./statement.js";

/** Which snapshot of a table. */
export type SnapshotChoice = Pick<ScanOptions, "snapshotId" | "ref" | "asOf">;

/** The state that a reference asks for, else the query's; the timestamp is any expression that DuckDB understands. */
export async function snapshotOf(
  { version, timestamp }: TableReference,
  options: { readonly at?: Date | bigint | undefined; readonly tablesOnly?: boolean | undefined },
  connection: DuckDBConnection,
): Promise<SnapshotChoice> {
  if (typeof version === "bigint") return { snapshotId: version };
  if (version !== undefined) return { ref: version };
  if (timestamp === undefined) return { asOf: options.at };
  if (options.tablesOnly) {
    const source = toByteString(timestamp);
    requireTables(await parseStatement(connection, `SELECT ${source}`, source, () => 0), []);
  }
  try {
    const [[ms] = []] = await ask(connection, `SELECT epoch_ms(CAST((${timestamp}) AS TIMESTAMPTZ))`);
    if (ms !== null && ms !== undefined) return { asOf: BigInt(ms) };
  } catch (error) {
    throw sqlError(error, toByteString(timestamp), () => 0);
  }
  throw invalidSql(timestamp, `${timestamp} is no point in time.`, "Write it as '2024-03-01 12:00:00'.");
}
