import type { ObjectStore } from "../../../storage/index.js";
import { isDeletionVector } from "../../files/deletes/deletion-vector.js";
import { readManifests } from "../../files/manifest/list.js";
import type { TableMetadata } from "../../model/metadata/types.js";
import { type ScanTask, TableScan } from "./scan.js";

/** How many rows a table has, as far as metadata tells. */
export interface KnownRows {
  /** Rows of the files of which it is certain how many are deleted. */
  readonly rows: bigint;
  /** The other files: some of their rows are deleted, and only reading tells how many. */
  readonly open: readonly ScanTask[];
}

/**
 * Counts the rows of a table's current snapshot without reading any. The `total-records` of a summary are those of the data files, deleted or
 * not (spec, "Snapshot Summary"); what says how many rows a reader finds are the manifests. A deletion vector's entry
 * holds its cardinality; position delete files may name a row twice, and equality deletes may match none or many.
 */
export async function knownRows(store: ObjectStore, metadata: TableMetadata): Promise<KnownRows> {
  const scan = new TableScan(store, metadata);
  if (scan.snapshot === undefined) return { rows: 0n, open: [] };
  const manifests = await readManifests(store, scan.snapshot);
  const live = manifests.filter((each) => each.addedFilesCount !== 0 || each.existingFilesCount !== 0);
  const counts = live.map(({ content, addedRowsCount, existingRowsCount }) =>
    content === "data" && addedRowsCount !== undefined && existingRowsCount !== undefined
      ? addedRowsCount + existingRowsCount
      : undefined,
  );
  if (!counts.includes(undefined))
    return { rows: counts.reduce<bigint>((sum, n) => sum + (n ?? 0n), 0n), open: [] };
  let rows = 0n;
  const open: ScanTask[] = [];
  for (const task of (await scan.planAll()).tasks) {
    const [first, ...others] = task.deleteFiles;
    if (first === undefined) rows += task.dataFile.recordCount;
    else if (others.length === 0 && isDeletionVector(first))
      rows += task.dataFile.recordCount - first.recordCount;
    else open.push(task);
  }
  return { rows, open };
}
