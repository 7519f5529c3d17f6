import { storedSchema } from "../../files/arrow/schema.js";
import { currentSchema } from "../../model/metadata/lookup.js";
import { lineageColumns } from "../../model/metadata/row-lineage.js";
import type { TableMetadata } from "../../model/metadata/types.js";
import type { Schema } from "../../model/types/types.js";

/** What is stored of rows that move: the table's stored columns and, in v3, those of row lineage. */
export function lineageSchema(metadata: TableMetadata): Schema {
  const table = storedSchema(currentSchema(metadata));
  if (metadata.formatVersion < 3) return table;
  return { ...table, fields: [...table.fields, ...lineageColumns(currentSchema(metadata))] };
}
