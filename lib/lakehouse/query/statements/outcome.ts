import { sqlError } from "../duckdb/sql-error.js";
import type { Relations } from "../relation/relations.js";
import { execute } from "../result/execute.js";
import type { QueriedTable, QueryResult } from "../result/query-result.js";
import { toByteString } from "../text/tokens.js";

/**
 * What a statement that writes answers with, as DuckDB does: `Count`, of the rows that were written, changed or deleted;
 * without a row where it is about no rows.
 */
export function countResult(
  relations: Relations,
  count: bigint | undefined,
  tables: readonly QueriedTable[] = [],
): Promise<QueryResult> {
  const sql = `SELECT ${count ?? 0n}::BIGINT AS "Count"${count === undefined ? " WHERE false" : ""}`;
  const bytes = toByteString(sql);
  return relations.use((use) => {
    use.tables.push(...tables);
    return execute(use, { bytes, onError: (error) => sqlError(error, bytes, () => 0) });
  });
}
