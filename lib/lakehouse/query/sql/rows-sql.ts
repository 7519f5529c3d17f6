import { quoteIdentifier, quoteString } from "../text/tokens.js";

/** `undefined` is null; a record is a map of text. */
export type Cell = string | number | bigint | boolean | Date | undefined | Readonly<Record<string, string>>;
export type Column = readonly [name: string, type: string];

/** A SELECT of these rows. */
export function rowsSql(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  const empty = columns.map(([column, type]) => `NULL::${type} AS ${quoteIdentifier(column)}`).join(", ");
  if (rows.length === 0) return `SELECT ${empty} WHERE false`;
  const values = rows.map(
    (row) => `(${row.map((cell, i) => cellSql(cell, columns[i]?.[1] ?? "VARCHAR")).join(", ")})`,
  );
  const names = columns.map(([column]) => quoteIdentifier(column)).join(", ");
  return `SELECT * FROM (VALUES ${values.join(", ")}) AS m(${names})`;
}

function cellSql(cell: Cell, type: string): string {
  if (cell === undefined) return `NULL::${type}`;
  if (cell instanceof Date) return `CAST(${quoteString(cell.toISOString())} AS ${type})`;
  if (typeof cell !== "object") return `CAST(${quoteString(String(cell))} AS ${type})`;
  const entries = Object.entries(cell).map(([key, value]) => `${quoteString(key)}: ${quoteString(value)}`);
  return `CAST(MAP {${entries.join(", ")}} AS ${type})`;
}
