import { eventChannel, metric } from "../../observability/index.js";
import type { Expression } from "../model/expressions/types.js";
import type { SnapshotId } from "../model/metadata/types.js";

/** A commit to a table that was begun, whatever its end. */
export interface TableCommit {
  /** The table's location. */
  readonly table: string;
  /** The last snapshot that it added, and what that is, such as `append`; undefined where it added none. */
  readonly snapshotId: SnapshotId | undefined;
  readonly operation: string | undefined;
  /** How often it was put on top of another commit that was faster. */
  readonly retries: number;
  /** `ok`, or the code of the error: COMMIT_CONFLICT where it could not be reconciled. */
  readonly outcome: string;
  readonly milliseconds: number;
}

export const tableCommits = eventChannel<TableCommit>("iceberg.commit", { level: "info" });

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
      name: "iceberg.commit.duration",
      kind: "histogram",
      unit: "ms",
      help: "Commits to tables, by how long they took.",
    },
    { value: ({ milliseconds }) => milliseconds, labels: ({ outcome }) => ({ outcome }) },
  ),
  metric(
    tableCommits,
    {
      name: "iceberg.commit.conflicts",
      kind: "counter",
      unit: "1",
      help: "Commits that were refused because others had changed the same: COMMIT_CONFLICT.",
    },
    { value: ({ outcome }) => (outcome === "COMMIT_CONFLICT" ? 1 : undefined) },
  ),
  metric(
    tableCommits,
    {
      name: "iceberg.commit.failures",
      kind: "counter",
      unit: "1",
      help: "Commits that failed otherwise than by a conflict.",
    },
    {
      value: ({ outcome }) => (["ok", "COMMIT_CONFLICT", "ABORTED"].includes(outcome) ? undefined : 1),
    },
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
    {
      name: "iceberg.plan.duration",
      kind: "histogram",
      unit: "ms",
      help: "Plans of scans, by how long they took.",
    },
    { value: ({ milliseconds }) => milliseconds },
  ),
  metric(
    plannedScans,
    { name: "iceberg.plan.files", kind: "counter", unit: "1", help: "Data files that plans want read." },
    { value: ({ dataFiles }) => dataFiles },
  ),
  metric(
    plannedScans,
    {
      name: "iceberg.plan.skipped.files",
      kind: "counter",
      unit: "1",
      help: "Data files that plans leave out.",
    },
    { value: ({ skippedDataFiles }) => skippedDataFiles },
  ),
  metric(
    plannedScans,
    {
      name: "iceberg.plan.bytes",
      kind: "counter",
      unit: "By",
      help: "Bytes of the files that plans want read.",
    },
    { value: ({ bytes }) => Number(bytes) },
  ),
  metric(
    plannedScans,
    {
      name: "iceberg.plan.skipped.bytes",
      kind: "counter",
      unit: "By",
      help: "Bytes of the files that plans leave out.",
    },
    { value: ({ bytes, totalBytes }) => Number(totalBytes - bytes) },
  ),
  metric(
    plannedScans,
    {
      name: "iceberg.plan.delete.files",
      kind: "counter",
      unit: "1",
      help: "Delete files that plans want applied.",
    },
    { value: ({ deleteFiles }) => deleteFiles },
  ),
];
