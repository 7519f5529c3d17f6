/** A number that somebody chose or measured, and that a reader may move. */
export interface Assumption {
  readonly id: string;
  readonly label: string;
  readonly value: number;
  readonly unit: string;
  readonly least: number;
  readonly most: number;
  /** Where it is from. */
  readonly why: string;
}

/** A number that follows. Its formula may use results that stand before it. */
export interface Derived {
  readonly id: string;
  readonly label: string;
  readonly formula: string;
  readonly unit: string;
  /** What it tells an interviewer. */
  readonly says: string;
}

/**
 * What the estimates of the talk begin with: requirements as somebody may state them, rates as they are assumed, and the list
 * prices of S3 Standard in us-east-1 of November 2026. What is measured here is measured by the notebooks, beside these.
 */
export const ASSUMPTIONS = [
  one("rows_a_day", "rows a day", 100e6, "rows/day", 1e4, 1e11, "the requirement: ask for it"),
  one(
    "bytes_a_row",
    "bytes a row, compressed",
    40,
    "bytes/row",
    1,
    2000,
    "assumed; a row of a few narrow columns takes fewer",
  ),
  one("kept", "days kept", 730, "days", 1, 3650, "the requirement: two years"),
  one("tables", "tables that are written to", 50, "tables", 1, 5000, "assumed"),
  one(
    "commits_a_table",
    "commits of a table in a day",
    24,
    "commits/table/day",
    1,
    86_400,
    "the requirement: an hour old at most",
  ),
  one(
    "files_a_commit",
    "files that a commit adds",
    1,
    "files/commit",
    1,
    1000,
    "one partition is written to at a time",
  ),
  one(
    "puts_a_commit",
    "writes to the store for a commit",
    4,
    "requests/commit",
    2,
    100,
    "data, manifest, manifest list, metadata; M10 counts them",
  ),
  one("target_file", "size of a compacted file", 512, "MB/file", 1, 4096, "Iceberg's default"),
  one(
    "questions_a_day",
    "questions a day",
    20_000,
    "questions/day",
    1,
    1e8,
    "assumed: 200 people who ask 100 each",
  ),
  one(
    "share_read",
    "share of all bytes that a question reads",
    0.002,
    "1/question",
    1e-7,
    1,
    "assumed: a day and a half of two years, after pruning",
  ),
  one(
    "requests_a_file",
    "requests for each file that is read",
    2,
    "requests/file",
    1,
    50,
    "assumed: the footer, then what it says. A file that is small comes whole, in one",
  ),
  one("scan_rate", "bytes that a core reads and decodes", 100, "MB/core/second", 1, 5000, "assumed"),
  one("cores", "cores that answer", 16, "cores", 1, 10_000, "assumed: one large machine"),
  one("patience", "time that an answer may take", 5, "seconds/question", 0.1, 600, "the requirement"),
  one(
    "planned",
    "share of the metadata that a question reads",
    0.1,
    "1/question",
    1e-6,
    1,
    "assumed: whole manifests are ruled out by partition",
  ),
  one(
    "entry",
    "metadata of a file",
    200,
    "bytes/file",
    20,
    5000,
    "assumed: a manifest's entry with bounds, compressed",
  ),
  one("plan_rate", "metadata that a planner reads", 10, "MB/second", 0.1, 1000, "assumed"),
  one(
    "commit_time",
    "time of a commit on S3",
    0.2,
    "seconds/commit",
    0.001,
    10,
    "assumed: four round trips of 50 ms, one after the other",
  ),
  one(
    "catalog_rate",
    "commits that the catalog takes",
    100,
    "commits/second",
    1,
    100_000,
    "rounded down from the bench of small appends",
  ),
  one("writers", "writers of the busiest table", 4, "writers", 1, 5000, "the requirement"),
  one("commits_a_writer", "commits of each of them", 1, "commits/writer/min", 0.001, 60, "the requirement"),
  one(
    "gets_rate",
    "reads that the store takes below one prefix",
    5500,
    "requests/second",
    100,
    1e6,
    "as Amazon documents it",
  ),
  one("price_get", "price of 1,000 reads", 0.0004, "dollars/thousand/requests", 0, 1, "list price"),
  one("price_put", "price of 1,000 writes", 0.005, "dollars/thousand/requests", 0, 1, "list price"),
  one("price_stored", "price of a GB for a month", 0.023, "dollars/GB/month", 0, 1, "list price"),
] as const satisfies readonly Assumption[];

/** What follows from them, in the order in which one would say it. */
export const DERIVED = [
  {
    id: "stored",
    label: "stored",
    formula: "rows_a_day * bytes_a_row * kept",
    unit: "TB",
    says: "It decides between one machine and many.",
  },
  {
    id: "ingest",
    label: "arriving, on average",
    formula: "rows_a_day * bytes_a_row",
    unit: "MB/second",
    says: "Peaks are several times that.",
  },
  {
    id: "files_small",
    label: "files, if nothing is compacted",
    formula: "tables * commits_a_table * files_a_commit * kept",
    unit: "files",
    says: "Each is a request to every question that can't rule it out.",
  },
  {
    id: "files",
    label: "files, compacted",
    formula: "stored / target_file",
    unit: "files",
    says: "What is left when files have the size that one wants.",
  },
  {
    id: "metadata",
    label: "metadata of those files",
    formula: "files * entry",
    unit: "MB",
    says: "A planner reads a part of it before the first row.",
  },
  {
    id: "read",
    label: "bytes that a question reads",
    formula: "stored * share_read",
    unit: "GB/question",
    says: "After pruning. It's the number to bring down.",
  },
  {
    id: "answer",
    label: "time to scan them",
    formula: "read / scan_rate / cores",
    unit: "seconds/question",
    says: "Alone on the machine, with all of its cores.",
  },
  {
    id: "requests",
    label: "requests of a question",
    formula: "read / target_file * requests_a_file",
    unit: "requests/question",
    says: "On compacted files. On small ones it can be a hundred times that.",
  },
  {
    id: "busy",
    label: "cores that the questions keep busy",
    formula: "questions_a_day * read / scan_rate",
    unit: "cores",
    says: "Spread over the whole day; a morning's peak is higher.",
  },
  {
    id: "planning",
    label: "time to plan a question",
    formula: "metadata * planned / plan_rate",
    unit: "seconds/question",
    says: "By one process that has none of it in memory.",
  },
  {
    id: "commits",
    label: "commits, all tables together",
    formula: "tables * commits_a_table + writers * commits_a_writer",
    unit: "commits/second",
    says: "What the catalog has to take.",
  },
  {
    id: "bill_stored",
    label: "bill for storage",
    formula: "stored * price_stored",
    unit: "dollars/month",
    says: "The most predictable line.",
  },
  {
    id: "bill_reads",
    label: "bill for requests that read",
    formula: "questions_a_day * requests * price_get",
    unit: "dollars/month",
    says: "It goes with the number of files, not with their size.",
  },
  {
    id: "bill_writes",
    label: "bill for requests that write",
    formula: "commits * puts_a_commit * price_put",
    unit: "dollars/month",
    says: "It goes with freshness.",
  },
  {
    id: "bill",
    label: "bill of the store, in all",
    formula: "bill_stored + bill_reads + bill_writes",
    unit: "dollars/month",
    says: "Without machines, and without traffic that leaves the region.",
  },
  {
    id: "load_scan",
    label: "load of the cores",
    formula: "busy / cores",
    unit: "",
    says: "Above 1, questions queue however quick each one is.",
  },
  {
    id: "load_answer",
    label: "load of one question",
    formula: "answer / patience",
    unit: "",
    says: "Above 1, a question is too slow even alone.",
  },
  {
    id: "load_plan",
    label: "load of the planner",
    formula: "planning / patience",
    unit: "",
    says: "Above 1, planning alone takes longer than anybody waits.",
  },
  {
    id: "load_prefix",
    label: "load of the store",
    formula: "questions_a_day * requests / gets_rate",
    unit: "",
    says: "Above 1, the store asks readers to slow down.",
  },
  {
    id: "load_pointer",
    label: "load of the busiest table's pointer",
    formula: "writers * commits_a_writer * commit_time",
    unit: "",
    says: "Above 1, its writers can't all commit as often as they want.",
  },
  {
    id: "load_catalog",
    label: "load of the catalog",
    formula: "commits / catalog_rate",
    unit: "",
    says: "Above 1, commits to all tables wait.",
  },
] as const satisfies readonly Derived[];

export type AssumptionId = (typeof ASSUMPTIONS)[number]["id"];
export type DerivedId = (typeof DERIVED)[number]["id"];

/** Values that take the place of an assumption's own, in its unit. */
export type Moved = Readonly<Partial<Record<AssumptionId, number>>>;

/** "Now it is 1 PB and 500 writers": what the interviewer moves. */
export const PETABYTE: Moved = {
  rows_a_day: 34e9,
  tables: 500,
  commits_a_table: 96,
  questions_a_day: 200_000,
  writers: 500,
};

/** A part that has a limit: its load, what takes its place beyond that, and what stays as it is. */
export interface Limit {
  readonly load: DerivedId;
  readonly part: string;
  readonly replaced: string;
  readonly stays: string;
}

export const LIMITS: readonly Limit[] = [
  {
    load: "load_scan",
    part: "DuckDB on one machine",
    replaced: "Trino or Spark on many machines, over the same tables",
    stays: "the tables, the catalog, and DuckDB for whoever asks about one partition",
  },
  {
    load: "load_answer",
    part: "one question, alone",
    replaced: "finer partitions, a sort order, tables made in advance; then more cores",
    stays: "the question",
  },
  {
    load: "load_plan",
    part: "the planner",
    replaced: "manifests rewritten by partition, and manifests kept in memory",
    stays: "the format's tree: list, manifests, files",
  },
  {
    load: "load_prefix",
    part: "the store, below one prefix",
    replaced: "larger files, a cache beside the engine, and paths that spread over prefixes",
    stays: "the objects, which never change",
  },
  {
    load: "load_pointer",
    part: "the pointer of one table",
    replaced: "the log in front: many producers, one committer for each table",
    stays: "compare-and-set, once for each commit",
  },
  {
    load: "load_catalog",
    part: "the catalog on SQLite",
    replaced: "the same catalog on etcd, or a Nessie server",
    stays: "commits, branches, and what clients call",
  },
];

function one<Id extends string>(
  id: Id,
  label: string,
  value: number,
  unit: string,
  least: number,
  most: number,
  why: string,
): Assumption & { readonly id: Id } {
  return { id, label, value, unit, least, most, why };
}
