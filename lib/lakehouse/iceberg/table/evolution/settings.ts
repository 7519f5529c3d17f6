import { invalidArgument } from "../../../errors.js";
import { currentSchema, defaultSortOrder } from "../../model/metadata/lookup.js";
import { RESERVED_PROPERTIES } from "../../model/metadata/new.js";
import type {
  FormatVersion,
  PartitionStatisticsFile,
  SnapshotId,
  StatisticsFile,
  TableMetadata,
} from "../../model/metadata/types.js";
import { buildSortOrder, sameSortOrder } from "../../model/partitioning/sort-order.js";
import type { SortFieldInit } from "../../model/partitioning/types.js";
import type { PendingUpdate, Proposal } from "../snapshot/pending.js";
import { requirementsFor } from "../updates/requirements.js";
import type { TableUpdate } from "../updates/types.js";

function proposal(base: TableMetadata, updates: readonly TableUpdate[]): Proposal {
  return { requirements: updates.length === 0 ? [] : requirementsFor(base, updates), updates };
}

/** New data is sorted so from now on; no fields: not at all. Throws `INVALID_ARGUMENT` when proposed. */
export function replaceSortOrder(fields: readonly SortFieldInit[]): PendingUpdate {
  return {
    propose(base) {
      const sortOrder = buildSortOrder(currentSchema(base), fields);
      if (sameSortOrder(sortOrder, defaultSortOrder(base))) return proposal(base, []);
      return proposal(base, [
        { action: "add-sort-order", sortOrder },
        { action: "set-default-sort-order", sortOrderId: -1 },
      ]);
    },
  };
}

export interface PropertyChanges {
  readonly set?: Readonly<Record<string, string>>;
  readonly remove?: readonly string[];
}

/** Sets and removes table properties. Those that metadata has fields for are refused with `INVALID_ARGUMENT`. */
export function updateProperties({ set = {}, remove = [] }: PropertyChanges): PendingUpdate {
  for (const key of [...Object.keys(set), ...remove]) {
    if (RESERVED_PROPERTIES.has(key)) {
      throw invalidArgument(
        key,
        `"${key}" is no property to set: the table's metadata has a field for it.`,
        key === "format-version" ? "Upgrade the format version instead." : undefined,
      );
    }
  }
  const updates: TableUpdate[] = [];
  if (Object.keys(set).length > 0) updates.push({ action: "set-properties", updates: set });
  if (remove.length > 0) updates.push({ action: "remove-properties", removals: remove });
  return { propose: (base) => proposal(base, updates) };
}

/** Moves the table to a later format version; there is no way back. */
export function upgradeFormatVersion(formatVersion: FormatVersion): PendingUpdate {
  return {
    propose: (base) =>
      proposal(
        base,
        base.formatVersion === formatVersion ? [] : [{ action: "upgrade-format-version", formatVersion }],
      ),
  };
}

/** New files go below another location; files that are there stay where they are. */
export function updateLocation(location: string): PendingUpdate {
  return { propose: (base) => proposal(base, [{ action: "set-location", location }]) };
}

/** Statistics to record for snapshots, in place of those that they had, and snapshots whose statistics go. */
export interface StatisticsChanges {
  readonly set?: readonly StatisticsFile[];
  readonly remove?: readonly SnapshotId[];
}

/** Records Puffin files of statistics (spec, "Table Statistics"). Readers may use them; none needs them. */
export function updateStatistics({ set = [], remove = [] }: StatisticsChanges): PendingUpdate {
  const updates: TableUpdate[] = [
    ...remove.map((snapshotId): TableUpdate => ({ action: "remove-statistics", snapshotId })),
    ...set.map((statistics): TableUpdate => ({ action: "set-statistics", statistics })),
  ];
  return { propose: (base) => proposal(base, updates) };
}

export interface PartitionStatisticsChanges {
  readonly set?: readonly PartitionStatisticsFile[];
  readonly remove?: readonly SnapshotId[];
}

/** Records files of statistics by partition (spec, "Partition Statistics"). */
export function updatePartitionStatistics(changes: PartitionStatisticsChanges): PendingUpdate {
  const { set = [], remove = [] } = changes;
  const updates: TableUpdate[] = [
    ...remove.map((snapshotId): TableUpdate => ({ action: "remove-partition-statistics", snapshotId })),
    ...set.map(
      (partitionStatistics): TableUpdate => ({ action: "set-partition-statistics", partitionStatistics }),
    ),
  ];
  return { propose: (base) => proposal(base, updates) };
}
