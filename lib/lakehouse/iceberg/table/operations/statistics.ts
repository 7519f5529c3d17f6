import { statisticsFile } from "../../files/puffin/statistics.js";
import type { WrittenPuffin } from "../../files/puffin/writer.js";
import type { SnapshotId } from "../../model/metadata/types.js";
import type { TableUpdate } from "../updates/types.js";

/** The update that makes a table know the statistics of a snapshot, in place of those that it had for it. */
export function setStatistics(written: WrittenPuffin, snapshotId: SnapshotId): TableUpdate {
  return { action: "set-statistics", statistics: statisticsFile(written, snapshotId) };
}
