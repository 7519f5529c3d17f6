/**
 * Stable error codes. A code never changes its meaning once released: programs branch on it.
 */
export type ErrorCode =
  // storage
  | "OBJECT_NOT_FOUND"
  | "PRECONDITION_FAILED"
  | "INVALID_URI"
  | "STORAGE_FAILED"
  // files and formats
  | "CORRUPT_FILE"
  | "UNSUPPORTED_FEATURE"
  | "INVALID_METADATA"
  // tables
  | "SCHEMA_MISMATCH"
  | "INVALID_SCHEMA"
  | "INVALID_EXPRESSION"
  | "INVALID_ARGUMENT"
  | "NO_SUCH_SNAPSHOT"
  // catalog
  | "COMMIT_CONFLICT"
  | "COMMIT_STATE_UNKNOWN"
  | "NO_SUCH_NAMESPACE"
  | "NAMESPACE_EXISTS"
  | "NAMESPACE_NOT_EMPTY"
  | "NO_SUCH_TABLE"
  | "TABLE_EXISTS"
  | "NO_SUCH_VIEW"
  | "VIEW_EXISTS"
  | "NO_SUCH_REF"
  | "REF_EXISTS"
  | "REF_CONFLICT"
  | "NOT_AUTHORIZED"
  | "CATALOG_UNAVAILABLE"
  /** Something was used after it was closed. */
  | "CLOSED"
  /** A change, where there is only reading. */
  | "READ_ONLY"
  /** The lake, or a part of it, lies elsewhere than its tables say. */
  | "LAKE_MOVED"
  // query
  | "INVALID_SQL"
  // configuration and the kit
  | "INVALID_CONFIG"
  | "NOTEBOOK_FAILED"
  | "STALE_OUTPUT"
  | "CONTENT_INVALID";

export interface LakehouseErrorInit {
  readonly code: ErrorCode;
  /** What the error is about: a URI, a table name, a column, a ref. */
  readonly subject: string;
  /** One sentence: what failed and why. The remedy is appended to it. */
  readonly message: string;
  /** One sentence: what to do next. */
  readonly remedy?: string;
  readonly cause?: unknown;
}

/**
 * The one error class of the project. `code` is stable, `subject` names the thing, `message` says what failed
 * and what to do next.
 *
 * @example
 * try { await lake.table("flights.nope") }
 * catch (e) { if (isLakehouseError(e, "NO_SUCH_TABLE")) … }
 */
export class LakehouseError extends Error {
  override readonly name = "LakehouseError";
  readonly code: ErrorCode;
  readonly subject: string;
  readonly remedy: string | undefined;

  constructor(init: LakehouseErrorInit) {
    // A message of several lines ends in a caret below a place in a text.
    const gap = init.message.includes("\n") ? "\n" : " ";
    super(init.remedy ? `${init.message}${gap}${init.remedy}` : init.message, { cause: init.cause });
    this.code = init.code;
    this.subject = init.subject;
    this.remedy = init.remedy;
  }
}

/** True for a LakehouseError, and, where `code` is given, only for one with that code. */
export function isLakehouseError(error: unknown, code?: ErrorCode): error is LakehouseError {
  return error instanceof LakehouseError && (code === undefined || error.code === code);
}

/** What a call on something that was closed ends in. */
export function closed(what: string): LakehouseError {
  return new LakehouseError({
    code: "CLOSED",
    subject: what,
    message: `The ${what} was closed.`,
    remedy: "Open it again, or close it after its last use.",
  });
}

/**
 * The names that are close to one which does not exist, best first: off by a letter in three, or a part of one another.
 * For a hint, which is only one where it is likely to be right: names with little in common are none.
 */
export function nearNames(wanted: string, candidates: Iterable<string>, most = 1): string[] {
  const from = wanted.toLowerCase();
  return [...candidates]
    .map((name) => ({ name, distance: nameDistance(from, name.toLowerCase()) }))
    .filter(({ distance }) => distance !== undefined)
    .sort((a, b) => (a.distance as number) - (b.distance as number) || (a.name < b.name ? -1 : 1))
    .slice(0, most)
    .map(({ name }) => name);
}

/** A part of a name says which is meant from so many letters on. */
const TELLING_PART = 4;

/** `undefined` for names that are not close. */
function nameDistance(a: string, b: string): number | undefined {
  const [shorter, longer] = a.length < b.length ? [a, b] : [b, a];
  if (shorter.length >= TELLING_PART && longer.includes(shorter)) return 1;
  const limit = Math.floor(longer.length / 3);
  if (longer.length - shorter.length > limit) return undefined;
  const distance = editDistance(a, b);
  return distance <= limit ? distance : undefined;
}

/** Insertions, deletions, replacements and exchanges of neighbours that turn one word into the other. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isExchange = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const exchanged = isExchange ? (before[j - 2] as number) + 1 : replaced;
      current.push(
        Math.min(replaced, exchanged, (previous[j] as number) + 1, (current[j - 1] as number) + 1),
      );
    }
    [before, previous] = [previous, current];
  }
  return previous[b.length] as number;
}
