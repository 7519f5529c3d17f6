import type { TableName } from "../catalog/index.js";

/** A table's name as text. */
export function nameOf(table: TableName): string {
  return typeof table === "string" ? table : [...table.namespace, table.name].join(".");
}
