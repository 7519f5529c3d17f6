import type { Schema } from "../../iceberg/index.js";
import { quoteString } from "../text/tokens.js";
import { sqlLiteral } from "../types/sql-types.js";

/**
 * DESCRIBE of a table: DuckDB's own, and what only the table's schema knows. `null` is NO for a required column, `key`
 * PRI for one of the identifier fields, `default` the value that writers give to rows without one, and `extra` the doc.
 *
 * @param sql a SELECT of the schema's columns, in their order.
 */
export function describeSql(sql: string, { fields, identifierFieldIds }: Schema): string {
  const rows = fields.map(({ id, required, type, writeDefault = null, doc }) => {
    const byDefault = writeDefault === null ? "NULL" : `CAST(${sqlLiteral(type, writeDefault)} AS VARCHAR)`;
    const texts = [required ? "NO" : "YES", identifierFieldIds.includes(id) ? "PRI" : undefined].map(textSql);
    return `(${[...texts, byDefault, textSql(doc)].join(", ")})`;
  });
  const known = `(VALUES ${rows.join(", ")}) AS k("null", "key", "default", extra)`;
  return `SELECT d.column_name, d.column_type, k."null", k."key"::VARCHAR AS "key", k."default"::VARCHAR AS "default", k.extra::VARCHAR AS extra FROM (DESCRIBE ${sql}) AS d POSITIONAL JOIN ${known}`;
}

function textSql(text: string | undefined): string {
  return text === undefined ? "NULL" : quoteString(text);
}
