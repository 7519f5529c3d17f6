import { eventChannel, metric } from "../observability/index.js";

/** A backup that was taken, looked through, thinned out or put back; or was not. */
export interface BackupRun {
  readonly what: "take" | "verify" | "prune" | "restore";
  /** Of the backup. */
  readonly backup: string | undefined;
  readonly bytes: number;
  /** Objects of it that are missing or damaged. */
  readonly corrupt: number;
  /** `ok`, or the code of the error. */
  readonly outcome: string;
  readonly milliseconds: number;
}

export const backupRuns = eventChannel<BackupRun>("backup.run", { level: "info" });

const KINDS = (["take", "verify", "prune", "restore"] as const).map((what) => ({ what }));

export const metrics = [
  metric(
    backupRuns,
    {
      name: "backup.run.duration",
      kind: "histogram",
      unit: "ms",
      help: "Work on backups, by what it was and how long it took.",
    },
    { value: ({ milliseconds }) => milliseconds, labels: ({ what, outcome }) => ({ what, outcome }) },
  ),
  metric(
    backupRuns,
    {
      name: "backup.bytes",
      kind: "counter",
      unit: "By",
      help: "Bytes copied to backups, read there, or put back.",
    },
    {
      value: ({ bytes }) => (bytes > 0 ? bytes : undefined),
      labels: ({ what }) => ({ what }),
      initial: KINDS,
    },
  ),
  metric(
    backupRuns,
    { name: "backup.run.failures", kind: "counter", unit: "1", help: "Work on backups that failed." },
    {
      value: ({ outcome }) => (outcome === "ok" || outcome === "ABORTED" ? undefined : 1),
      labels: ({ what }) => ({ what }),
      initial: KINDS,
    },
  ),
  metric(
    backupRuns,
    {
      name: "backup.corrupt.objects",
      kind: "counter",
      unit: "1",
      help: "Objects of backups that were looked through and found missing or damaged.",
    },
    { value: ({ corrupt }) => corrupt },
  ),
];
