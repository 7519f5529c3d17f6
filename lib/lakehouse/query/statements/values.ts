import type { LakehouseError } from "../../errors.js";
import type { NestedField } from "../../iceberg/index.js";
import { schemaMismatch } from "../../parquet/index.js";
import { duckdbMessage } from "../duckdb/open.js";
import { sqlError } from "../duckdb/sql-error.js";
import type { Use } from "../result/use.js";
import type { Piece } from "../text/compose.js";
import { fittedSql, misfitIn } from "../types/fit.js";
import { sqlLiteral, sqlType } from "../types/sql-types.js";

/*
 * Values of statements become values of columns as in DuckDB, by its own cast: 1.7 is 2 in an integer, '3' is 3. What
 * DuckDB's type holds and Iceberg's does not, an infinite date or 24:00, is refused when it is written (`storedSql`).
 */

/** A value for a column, as the statement says it. A comment at its end does not reach what follows. */
export function castPieces(field: NestedField, value: readonly Piece[]): readonly Piece[] {
  const { type } = field;
  if (type.type !== "variant") return ["CAST((", ...value, `\n) AS ${sqlType(type)})`];
  // Evaluated once, and null where it is null.
  const stored = `CASE WHEN v IS NOT NULL THEN variant_to_parquet_variant(v)::${sqlType(type)} END`;
  return ["list_transform([CAST((", ...value, `\n) AS VARIANT)], lambda v: ${stored})[1]`];
}

/** What a column holds where a statement gives nothing: its default, else null. */
export function defaultSql({ type, writeDefault = null }: NestedField): string {
  return sqlLiteral(type, writeDefault);
}

/**
 * SQL for columns of a query, which are of their fields' types, as they can be written. It is asked for while the rows are
 * taken, when nobody above tells an interrupt from a failure any more.
 *
 * @throws LakehouseError CLOSED, ABORTED once `use` was cut.
 */
export async function storedSql(
  use: Use,
  fields: readonly NestedField[],
  values: readonly string[],
  from: string,
): Promise<readonly string[]> {
  if (fields.length === 0) return [];
  const statement = await use.connection
    .prepare(`SELECT ${values.join(", ")} FROM ${from}`)
    .catch((error: unknown) => {
      throw use.stopped ?? error;
    });
  const stored = fields.map((field, i) => fittedSql(values[i] as string, statement.columnType(i), field));
  statement.destroySync();
  return stored;
}

/** An error of DuckDB in a statement's query, as the user is to see it. */
export function valueError(
  cause: unknown,
  source: string,
  original: (position: number) => number,
): LakehouseError {
  const misfit = misfitIn(duckdbMessage(cause).message);
  if (misfit === undefined) return sqlError(cause, source, original);
  return schemaMismatch(
    misfit.column,
    `Column ${JSON.stringify(misfit.column)} cannot be set: ${misfit.problem}.`,
  );
}
