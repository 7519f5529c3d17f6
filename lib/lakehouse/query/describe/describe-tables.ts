import { allTables, branchingOf } from "../../catalog/index.js";
import type { QueryContext } from "../room.js";

/** A line of `slh tables`. */
export interface TableRow {
  readonly table: string;
  /** Null where the table has no snapshot. */
  readonly rows: number | null;
  /** Null where its writer left the count out, too. */
  readonly files: number | null;
  readonly bytes: number | null;
  readonly snapshots: number;
  /** The upkeep that it wants: what `slh maintain` would do. */
  readonly wants: readonly string[];
}

/** @param ref where other than the catalog's own branch. */
export async function describeTables(
  { catalog, countRows, wantedUpkeep }: Pick<QueryContext, "catalog" | "countRows" | "wantedUpkeep">,
  ref: string | undefined,
): Promise<TableRow[]> {
  const here = ref === undefined ? catalog : branchingOf(catalog).on(ref);
  const identifiers = await allTables(here);
  const rows = await Promise.all(
    identifiers.map(async (identifier): Promise<TableRow> => {
      const table = await here.loadTable(identifier);
      const { metadata } = table;
      const { snapshots, currentSnapshotId } = metadata;
      const summary = snapshots.find(({ snapshotId }) => snapshotId === currentSnapshotId)?.summary;
      const total = (key: string) => (summary?.[key] === undefined ? null : Number(summary[key]));
      return {
        table: [...identifier.namespace, identifier.name].join("."),
        rows: summary === undefined ? null : Number(await countRows(table)),
        files: total("total-data-files"),
        bytes: total("total-files-size"),
        snapshots: snapshots.length,
        wants: await wantedUpkeep(table),
      };
    }),
  );
  return rows.sort((a, b) => (a.table < b.table ? -1 : 1));
}
