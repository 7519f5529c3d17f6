import { eventChannel, metric } from "../observability/index.js";

/** A query that was answered, or refused. */
export interface AnsweredQuery {
  /** `sql`: a text; `scan` and `changes`: the rows of a table. */
  readonly kind: "sql" | "scan" | "changes";
  /** Data files that it reads, and those that its plans leave out. */
  readonly dataFiles: number;
  readonly skippedDataFiles: number;
  /** `ok`, or the code of the error. */
  readonly outcome: string;
  /** Until the first rows can be taken. */
  readonly milliseconds: number;
}

export const queries = eventChannel<AnsweredQuery>("query");

export const metrics = [
  metric(
    queries,
    {
      name: "query.duration",
      kind: "histogram",
      unit: "ms",
      help: "Queries, by the time until their first rows.",
    },
    { value: ({ milliseconds }) => milliseconds, labels: ({ kind, outcome }) => ({ kind, outcome }) },
  ),
  metric(
    queries,
    { name: "query.failures", kind: "counter", unit: "1", help: "Queries that were refused or failed." },
    { value: ({ outcome }) => (outcome === "ok" || outcome === "ABORTED" ? undefined : 1) },
  ),
  metric(
    queries,
    {
      name: "query.skipped.files",
      kind: "counter",
      unit: "1",
      help: "Data files of queried tables that no query had to read.",
    },
    { value: ({ skippedDataFiles }) => (skippedDataFiles > 0 ? skippedDataFiles : undefined) },
  ),
  metric(
    queries,
    { name: "query.files", kind: "counter", unit: "1", help: "Data files that queries read." },
    { value: ({ dataFiles }) => (dataFiles > 0 ? dataFiles : undefined) },
  ),
];
