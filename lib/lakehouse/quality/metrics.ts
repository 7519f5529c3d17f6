import { eventChannel, metric } from "../observability/index.js";

/** Checks of a table that were run, or could not be. */
export interface CheckRun {
  readonly table: string;
  readonly ref: string | undefined;
  readonly scope: "table" | "new" | "batch";
  /** The snapshot that was looked at. */
  readonly snapshot: string | undefined;
  readonly checks: number;
  /** Checks that block, and those that only warn, which have failed. */
  readonly failed: number;
  readonly warned: number;
  /** Their names. */
  readonly failures: string;
  /** `ok`: they ran, whatever they found; or the code of the error. */
  readonly outcome: string;
  readonly milliseconds: number;
}

export const checkRuns = eventChannel<CheckRun>("quality.check", { level: "info" });

/** Rows that were to be published. */
export interface PublicationRun {
  readonly table: string;
  readonly target: string | undefined;
  /** The commit that brought them. */
  readonly hash: string | undefined;
  readonly rejected: number;
  /** `ok`, or the code of the error: CHECK_FAILED where checks let nothing through. */
  readonly outcome: string;
  readonly milliseconds: number;
}

export const publications = eventChannel<PublicationRun>("quality.publish", { level: "info" });

export const metrics = [
  metric(
    checkRuns,
    {
      name: "quality.check.duration",
      kind: "histogram",
      unit: "ms",
      help: "Runs of a table's checks, by how long they took.",
    },
    { value: ({ milliseconds }) => milliseconds, labels: ({ scope, outcome }) => ({ scope, outcome }) },
  ),
  metric(
    checkRuns,
    {
      name: "quality.checks",
      kind: "counter",
      unit: "1",
      help: "Checks that were run.",
    },
    { value: ({ checks }) => checks },
  ),
  metric(
    checkRuns,
    {
      name: "quality.check.failures",
      kind: "counter",
      unit: "1",
      help: "Checks that failed and block what they look at.",
    },
    { value: ({ failed }) => failed },
  ),
  metric(
    checkRuns,
    { name: "quality.check.warnings", kind: "counter", unit: "1", help: "Checks that failed and only warn." },
    { value: ({ warned }) => warned },
  ),
  metric(
    checkRuns,
    {
      name: "quality.check.errors",
      kind: "counter",
      unit: "1",
      help: "Runs of checks that could not be made.",
    },
    { value: ({ outcome }) => (outcome === "ok" || outcome === "ABORTED" ? undefined : 1) },
  ),
  metric(
    publications,
    {
      name: "quality.publish.duration",
      kind: "histogram",
      unit: "ms",
      help: "Publications, by how long it took until they were on their branch, or were refused.",
    },
    { value: ({ milliseconds }) => milliseconds, labels: ({ outcome }) => ({ outcome }) },
  ),
  metric(
    publications,
    {
      name: "quality.publish.failures",
      kind: "counter",
      unit: "1",
      help: "Publications that came to nothing, for whatever reason.",
    },
    { value: ({ outcome }) => (outcome === "ok" || outcome === "ABORTED" ? undefined : 1) },
  ),
  metric(
    publications,
    {
      name: "quality.publish.rejected.rows",
      kind: "counter",
      unit: "1",
      help: "Rows that publications have set aside.",
    },
    { value: ({ rejected }) => rejected },
  ),
];
