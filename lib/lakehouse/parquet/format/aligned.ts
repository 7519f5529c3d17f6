import type * as arrow from "apache-arrow";
import { schemaMismatch } from "../errors.js";

/**
 * A batch whose data lie beside its columns would give a column another's values. Arrow's own `RecordBatch.select` makes such
 * ones, wherever it leaves out a column before the last that it keeps.
 *
 * @throws LakehouseError SCHEMA_MISMATCH
 */
export function requireAligned({ schema: { fields }, data: { children } }: arrow.RecordBatch): void {
  if (children.length === fields.length) return;
  const names = fields.map(({ name }) => name).join(", ");
  throw schemaMismatch(
    names,
    `An Arrow batch has ${fields.length} columns (${names}) and the data of ${children.length}: those are not its own.`,
    "Choose columns with selectAt, or with a table's select: a batch's select leaves data where they were.",
  );
}
