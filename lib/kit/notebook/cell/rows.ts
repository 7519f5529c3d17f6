import { invalidArgument } from "sololakehouse/errors";

export type TableRow = Readonly<Record<string, unknown>>;

/** Rows, or anything that can give them: the result of `lake.sql(…)`. */
export type TableSource = readonly TableRow[] | { rows(): Promise<readonly TableRow[]> };

/** The same, or a promise of it: `lake.sql(…)` as it is, without an `await` of its own. */
export type RowsInput = TableSource | Promise<TableSource>;

/** All rows of a source. */
export async function rowsOf(source: RowsInput): Promise<readonly TableRow[]> {
  const given = await source;
  return "rows" in given && typeof given.rows === "function" ? given.rows() : (given as readonly TableRow[]);
}

/**
 * The one row of a query.
 *
 * @throws LakehouseError `INVALID_ARGUMENT` when it gives none or several.
 * @example const { total } = await one<{ total: bigint }>(lake.sql("select count(*) as total from t"));
 */
export async function one<T extends object = Record<string, unknown>>(source: RowsInput): Promise<T> {
  const rows = await rowsOf(source);
  if (rows.length === 1) return rows[0] as T;
  throw invalidArgument("one", `The query gave ${rows.length} rows.`, "Ask for exactly one row.");
}
