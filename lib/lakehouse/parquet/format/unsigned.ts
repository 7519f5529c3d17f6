import * as arrow from "apache-arrow";
import { schemaMismatch } from "../errors.js";

/**
 * Arrow field metadata for types that Arrow has no word of its own for: `HUGEINT` and `UHUGEINT`, which travel as
 * 128-bit decimals of scale 0.
 */
export const DUCKDB_TYPE_KEY = "duckdb:type";

/**
 * Refuses integers of 128 bits without a sign that are beyond those with one. They travel as decimals, for which they would
 * be other numbers, below zero.
 *
 * @throws LakehouseError SCHEMA_MISMATCH
 */
export function refuseUnsigned(batch: arrow.RecordBatch): void {
  const { fields } = batch.schema;
  for (const [i, field] of fields.entries()) refuseIn(field, batch.data.children[i], field.name);
}

function refuseIn({ type, metadata }: arrow.Field, data: arrow.Data | undefined, name: string): void {
  if (data === undefined) return;
  const children: readonly arrow.Field[] = type.children ?? [];
  for (const [i, child] of children.entries()) refuseIn(child, data.children[i], `${name}.${child.name}`);
  if (!arrow.DataType.isDecimal(type) || metadata.get(DUCKDB_TYPE_KEY) !== "UHUGEINT") return;
  const words = data.values as Uint32Array;
  for (let row = 0; row < data.length; row++) {
    if ((words[row * 4 + 3] as number) >>> 31 === 0 || !data.getValid(row)) continue;
    throw schemaMismatch(
      name,
      `Column ${JSON.stringify(name)} has a UHUGEINT of 39 digits, which is no decimal(38, 0).`,
      "Cast it to VARCHAR in the query.",
    );
  }
}
