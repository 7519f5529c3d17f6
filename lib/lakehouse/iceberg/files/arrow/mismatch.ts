import type * as arrow from "apache-arrow";
import { schemaMismatch } from "../../../parquet/index.js";

import { describeValue } from "../../model/values/canonical.js";

/** Where a value came from: the row, counted from 0 over all the data of the call, and the column by full name. */
export interface Place {
  readonly row: number;
  readonly column: string;
}

/**
 * The row, counted over all the data of the call, that a value of a chunk belongs to. `undefined` for what lies in a null
 * struct or list: whatever bytes are there, no row has them.
 */
export type RowOf = (index: number) => number | undefined;

/** Converts a chunk of a column. */
export type Convert = (data: arrow.Data, rowOf: RowOf) => arrow.Data;

/** Throws `SCHEMA_MISMATCH` naming row, column, what was expected and what was found. */
export function mismatch(place: Place, expected: string, found: unknown): never {
  throw schemaMismatch(
    place.column,
    `Row ${place.row}, column "${place.column}": expected ${expected}, found ${describeValue(found)}.`,
  );
}

/** Throws `SCHEMA_MISMATCH` for a whole column. */
export function columnMismatch(column: string, expected: string, found: string, remedy?: string): never {
  throw schemaMismatch(column, `Column "${column}": expected ${expected}, found ${found}.`, remedy);
}
