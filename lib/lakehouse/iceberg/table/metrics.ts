import { eventChannel, metric } from "../../observability/index.js";
import type { Expression } from "../model/expressions/types.js";
import type { SnapshotId } from "../model/metadata/types.js";

/** A commit to a table that was begun, whatever its end. */
export interface TableCommit {
  readonly table: string;
  /** How often it was put on top of another commit that was faster. */
  readonly retries: number;
  /** `ok`, or the code of the error: COMMIT_CONFLICT where it could not be reconciled. */
  readonly outcome: string;
  readonly milliseconds: number;
}

export const tableCommits = eventChannel<TableCommit>("iceberg.commit");

/** A plan of a scan that was made. */
export interface PlannedScan {
  /** The table's location. */
  readonly table: string;
  readonly snapshotId: SnapshotId | undefined;
  readonly dataFiles: number;
  readonly skippedDataFiles: number;
  readonly deleteFiles: number;
  readonly skippedManifests: number;
  /** Of the files that are read, and of all. */
  readonly bytes: bigint;
  readonly totalBytes: bigint;
  /** By which files were left out. */
  readonly filter: Expression;
  readonly milliseconds: number;
}

export const plannedScans = eventChannel<PlannedScan>("iceberg.plan");

export const metrics = [
  metric(
    tableCommits,
    {
      name: "iceberg.commits",
      kind: "histogram",
      unit: "ms",
      help: "Commits to tables, by how long they took.",
    },
    { value: ({ milliseconds }) => milliseconds, labels: ({ outcome }) => ({ outcome }) },
  ),
  metric(
    tableCommits,
    {
      name: "iceberg.commit.retries",
      kind: "counter",
      unit: "1",
      help: "How often commits were put on top of others that were faster.",
    },
    { value: ({ retries }) => (retries > 0 ? retries : undefined) },
  ),
  metric(
    plannedScans,
    { name: "iceberg.plans", kind: "histogram", unit: "ms", help: "Plans of scans, by how long they took." },
    { value: ({ milliseconds }) => milliseconds },
  ),
  metric(
    plannedScans,
    { name: "iceberg.plan.files", kind: "counter", unit: "1", help: "Data files that plans want read." },
    { value: ({ dataFiles }) => dataFiles },
  ),
  metric(
    plannedScans,
    { name: "iceberg.plan.skipped", kind: "counter", unit: "1", help: "Data files that plans leave out." },
    { value: ({ skippedDataFiles }) => skippedDataFiles },
  ),
];
