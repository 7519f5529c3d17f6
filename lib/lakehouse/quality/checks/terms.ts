import { invalidArgument } from "../../errors.js";
import type { CheckBase, CheckKind, OfRows } from "./types.js";

/** What checks say of themselves, whoever wrote them: a builder, a program, a file. */
type Terms = Partial<CheckBase> & OfRows & Readonly<Record<string, unknown>>;

/** What the kind of check has to say. */
const OWN: Readonly<Record<CheckKind, (subject: string, terms: Terms) => void>> = {
  notNull: requireColumn,
  unique: requireColumns,
  range: (subject, terms) => {
    requireColumn(subject, terms);
    // Nothing is more or less than these, so that all would pass.
    for (const key of ["min", "max"] as const)
      if (Number.isNaN(terms[key]) || terms[key] === null) throw noNumber(subject, key, terms[key]);
  },
  acceptedValues: requireColumn,
  pattern: requireColumn,
  length: (subject, terms) => {
    requireColumn(subject, terms);
    requireNumbers(subject, terms, ["min", "max"]);
  },
  types: () => {},
  references: requireColumns,
  expression: () => {},
  sql: () => {},
  rowCount: (subject, terms) => {
    requireNumbers(subject, terms, ["min", "max"]);
    if (terms.change === undefined) return;
    const change = (terms.change ?? {}) as Terms;
    requireNumbers(subject, change, ["min", "max"]);
    const { runs = 1 } = change;
    if (!Number.isSafeInteger(runs) || (runs as number) < 1) throw noNumber(subject, "runs", runs);
  },
  freshness: requireColumn,
  drift: (subject, terms) => {
    requireColumn(subject, terms);
    requireNumbers(subject, terms, ["max"]);
  },
};

export function isKind(kind: unknown): kind is CheckKind {
  return typeof kind === "string" && Object.hasOwn(OWN, kind);
}

/**
 * What says what a failure means, and what one is: read wrongly, it would let all of them through.
 *
 * @throws LakehouseError INVALID_ARGUMENT
 */
export function requireTerms(subject: string, kind: CheckKind, terms: Terms): void {
  const { severity, allow, warnOver } = terms;
  if (severity !== "block" && severity !== "warn")
    throw invalidArgument(subject, "The severity of a check is block or warn.");
  if (allow !== undefined) requireAllowance(subject, "allow", allow);
  if (warnOver !== undefined) requireAllowance(subject, "warnOver", warnOver);
  OWN[kind](subject, terms);
}

function requireAllowance(subject: string, key: string, given: unknown): void {
  const { rows, fraction } = (given ?? {}) as { rows?: unknown; fraction?: unknown };
  const isRows = typeof rows === "number" && Number.isInteger(rows) && rows >= 0 && fraction === undefined;
  const isFraction = typeof fraction === "number" && fraction >= 0 && fraction <= 1 && rows === undefined;
  if (isRows || isFraction) return;
  throw invalidArgument(
    subject,
    `${key} is ${JSON.stringify(given)}.`,
    "Write { rows: 10 }, or { fraction: 0.01 } for one in a hundred.",
  );
}

function requireColumn(subject: string, { column }: Terms): void {
  if (typeof column !== "string" || column === "")
    throw invalidArgument(subject, `The column of a check is a text, and not ${JSON.stringify(column)}.`);
}

function requireColumns(subject: string, { columns }: Terms): void {
  const isFit = Array.isArray(columns) && columns.length > 0;
  if (!isFit || columns.some((column) => typeof column !== "string" || column === ""))
    throw invalidArgument(subject, `The columns of a check are names, and not ${JSON.stringify(columns)}.`);
}

function requireNumbers(subject: string, terms: Terms, keys: readonly string[]): void {
  for (const key of keys)
    if (terms[key] !== undefined && !Number.isFinite(terms[key])) throw noNumber(subject, key, terms[key]);
}

function noNumber(subject: string, key: string, given: unknown) {
  return invalidArgument(subject, `${key} is ${String(given)}, which nothing can be compared with.`);
}
