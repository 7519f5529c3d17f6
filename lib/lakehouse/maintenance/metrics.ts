import { eventChannel, metric } from "../observability/index.js";

/** A step of a table's upkeep. */
export interface UpkeepStep {
  readonly table: string;
  readonly step: string;
  readonly why: string;
  /** What was done; undefined where it failed. */
  readonly done: string | undefined;
  /** `ok`, or the code of the error. */
  readonly outcome: string;
  readonly milliseconds: number;
}

export const upkeepSteps = eventChannel<UpkeepStep>("maintenance.step", { level: "info" });

/** A compaction of a table, by its policy or because somebody asked. */
export interface CompactionRun {
  readonly table: string;
  readonly filesBefore: number;
  readonly filesAfter: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Groups of files that others changed again and again: they are as they were. */
  readonly conflicts: number;
  /** `ok`, or the code of the error. */
  readonly outcome: string;
  readonly milliseconds: number;
}

export const compactions = eventChannel<CompactionRun>("maintenance.compaction", { level: "info" });

export const metrics = [
  metric(
    upkeepSteps,
    {
      name: "maintenance.step.duration",
      kind: "histogram",
      unit: "ms",
      help: "Steps of tables' upkeep, by how long they took.",
    },
    { value: ({ milliseconds }) => milliseconds, labels: ({ step, outcome }) => ({ step, outcome }) },
  ),
  metric(
    upkeepSteps,
    {
      name: "maintenance.step.failures",
      kind: "counter",
      unit: "1",
      help: "Steps of tables' upkeep that failed: the table is as it was.",
    },
    { value: ({ outcome }) => (outcome === "ok" || outcome === "ABORTED" ? undefined : 1) },
  ),
  metric(
    compactions,
    {
      name: "maintenance.compaction.duration",
      kind: "histogram",
      unit: "ms",
      help: "Compactions of tables, by how long they took.",
    },
    { value: ({ milliseconds }) => milliseconds, labels: ({ outcome }) => ({ outcome }) },
  ),
  metric(
    compactions,
    {
      name: "maintenance.compaction.files",
      kind: "counter",
      unit: "1",
      help: "Files that compactions have replaced.",
    },
    { value: ({ filesBefore }) => filesBefore },
  ),
  metric(
    compactions,
    {
      name: "maintenance.compaction.read",
      kind: "counter",
      unit: "By",
      help: "Bytes of files that compactions have replaced.",
    },
    { value: ({ bytesBefore }) => bytesBefore },
  ),
];
