import type { Check } from "../checks/types.js";

/** What became of a check: `fail` is a failure that blocks, `warn` one that is told. */
export type Outcome = "pass" | "warn" | "fail";

/** A value as JSON has it: longs beyond 2^53 and decimals are text, as in the JSON of queries. */
export type JsonRow = Readonly<Record<string, unknown>>;

export interface CheckResult {
  readonly check: Check;
  readonly outcome: Outcome;
  /** Rows that are wrong; of a check of rows as a whole 1 when it fails. */
  readonly failing: number;
  /** Rows that were looked at. */
  readonly rows: number;
  /** A count, an age in seconds or an index of drift, for checks that measure such. */
  readonly measured?: number | undefined;
  /** One sentence. */
  readonly message: string;
  /** Some of the rows that are wrong; for keys the keys, with how often they are there. */
  readonly samples: readonly JsonRow[];
}

/** Which rows a run looked at. */
export type Scope = "table" | "new" | "batch";

/** One run of a table's checks. It is JSON as it is. */
export interface CheckReport {
  /** Names the run in the history. */
  readonly run: string;
  readonly table: string;
  readonly ref?: string | undefined;
  readonly scope: Scope;
  /** The snapshot that was looked at, as text: its number is beyond what JSON can hold. */
  readonly snapshot?: string | undefined;
  /** Of new rows: the snapshot since which they came; none of the first rows of a table. */
  readonly since?: string | undefined;
  /** When it began, ISO 8601. */
  readonly at: string;
  readonly milliseconds: number;
  /** No check that blocks has failed. */
  readonly passed: boolean;
  readonly results: readonly CheckResult[];
}

/** "2 of 12 checks failed on flights.silver: id unique (3 of 120 rows), …". */
export function summary({ table, results }: CheckReport): string {
  const failed = results.filter(({ outcome }) => outcome === "fail");
  const warned = results.filter(({ outcome }) => outcome === "warn");
  const worst = failed.length > 0 ? failed : warned;
  const head =
    failed.length > 0
      ? `${failed.length} of ${results.length} checks failed on ${table}`
      : `${results.length - warned.length} of ${results.length} checks passed on ${table}`;
  const named = worst.slice(0, 3).map(({ check, message }) => `${check.name} (${message})`);
  const more = worst.length > 3 ? [`and ${worst.length - 3} more`] : [];
  return worst.length === 0 ? head : `${head}: ${[...named, ...more].join("; ")}`;
}
