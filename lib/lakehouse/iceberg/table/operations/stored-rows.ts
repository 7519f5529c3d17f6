import { commitConflict } from "../../errors.js";
import { storedSchema } from "../../files/arrow/schema.js";
import { currentSchema } from "../../model/metadata/lookup.js";
import { lineageColumns } from "../../model/metadata/row-lineage.js";
import type { Snapshot, TableMetadata } from "../../model/metadata/types.js";
import type { Schema } from "../../model/types/types.js";
import type { ScanTask } from "../scan/scan.js";
import { liveFiles } from "../snapshot/live-deletes.js";
import type { TableState } from "./file-change.js";

/** What is stored of rows that move: the table's stored columns and, in v3, those of row lineage. */
export function lineageSchema(metadata: TableMetadata): Schema {
  const table = storedSchema(currentSchema(metadata));
  if (metadata.formatVersion < 3) return table;
  return { ...table, fields: [...table.fields, ...lineageColumns(currentSchema(metadata))] };
}

/**
 * Rows that moved store the ids that they were read with. Those of a table that was upgraded to v3 get theirs with the next
 * commit, and what a transaction has added gets others on top of another commit.
 *
 * @param tasks the files that they were read from.
 * @throws LakehouseError COMMIT_CONFLICT where they have other ids now.
 */
export async function requireSameIds(
  tasks: readonly ScanTask[],
  { store, metadata, transaction }: TableState,
  base: TableMetadata,
  parent: Snapshot | undefined,
): Promise<void> {
  const isSameFormat = base.formatVersion === metadata.formatVersion;
  if (base.formatVersion < 3 || (isSameFormat && base.nextRowId === metadata.nextRowId)) return;
  const open = tasks.filter(({ dataFile }) => transaction !== undefined || dataFile.firstRowId === undefined);
  if (open.length === 0) return;
  const live = await liveFiles(store, base, parent, "data");
  const ids = new Map(live.map(({ file }) => [file.filePath, file.firstRowId]));
  const other = open.find(
    ({ dataFile: { filePath, firstRowId } }) => ids.has(filePath) && ids.get(filePath) !== firstRowId,
  );
  if (other === undefined && isSameFormat) return;
  throw commitConflict(
    other?.dataFile.filePath ?? base.location,
    "Rows have got ids since they were read to be written again.",
    "Run the change again on the refreshed table.",
  );
}
