/**
 * Checks as data: plain objects that JSON can hold, so that they are kept with a table, read from files and shown in
 * reports. `builders.ts` makes them.
 *
 * What all of them mean by a value:
 * - NULL passes every check but `notNull`: what is not known is not wrong. A key with a NULL in it is no key.
 * - NaN lies in no range, equals itself (two NaNs are duplicates), and is no NULL.
 * - -0 equals 0.
 * - Text is compared by its characters: case, accents' encodings and trailing blanks count. Its length is in code points.
 * - Names of columns are the table's own, case included; dots lead into structs.
 */

/** A value of a column: text for dates, timestamps (UTC where they name no offset), UUIDs, and numbers beyond 2^53. */
export type CheckValue = string | number | boolean;

/** So many failing rows, or this fraction (0 to 1) of the rows that were looked at, NULLs among them. */
export type Allowance = { readonly rows: number } | { readonly fraction: number };

/** What a failure does: `block` fails the run (and keeps a publication from `main`), `warn` is told. */
export type Severity = "block" | "warn";

/** What every check has. */
export interface CheckBase {
  /** Names it in reports and history, once a table. */
  readonly name: string;
  readonly severity: Severity;
  /** How many may fail before it is a failure. None where not given. */
  readonly allow?: Allowance | undefined;
  /** A block check that lets some through: from how many on it warns. */
  readonly warnOver?: Allowance | undefined;
  /** A SQL predicate: the check is about rows for which it is true. */
  readonly where?: string | undefined;
  readonly description?: string | undefined;
}

export interface NotNullCheck extends CheckBase {
  readonly kind: "notNull";
  readonly column: string;
}

/** Each row of a key after its first fails: `(1, 1, 1)` is two failing rows. */
export interface UniqueCheck extends CheckBase {
  readonly kind: "unique";
  readonly columns: readonly string[];
}

export interface RangeCheck extends CheckBase {
  readonly kind: "range";
  readonly column: string;
  readonly min?: CheckValue | undefined;
  readonly max?: CheckValue | undefined;
  /** The bounds themselves are outside. */
  readonly exclusive?: boolean | undefined;
}

export interface AcceptedValuesCheck extends CheckBase {
  readonly kind: "acceptedValues";
  readonly column: string;
  readonly values: readonly CheckValue[];
}

/** A regular expression of RE2, found anywhere in the text unless `^` and `$` are in it. */
export interface PatternCheck extends CheckBase {
  readonly kind: "pattern";
  readonly column: string;
  readonly pattern: string;
  /** Text that has it fails. */
  readonly not?: boolean | undefined;
}

/** Code points of text, bytes of binary, elements of lists and maps. */
export interface LengthCheck extends CheckBase {
  readonly kind: "length";
  readonly column: string;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

/** The table's own columns, by the schema: `{ id: "long", tags: "list<string>" }`. Reads no rows. */
export interface TypesCheck extends CheckBase {
  readonly kind: "types";
  readonly columns: Readonly<Record<string, string>>;
}

/** Every key without NULL is in another table of the same ref (or in this one, as of a parent's id). */
export interface ReferencesCheck extends CheckBase {
  readonly kind: "references";
  readonly columns: readonly string[];
  readonly table: string;
  readonly to: readonly string[];
}

/** A SQL predicate about a row; where it is NULL the row passes, as with SQL's CHECK. */
export interface ExpressionCheck extends CheckBase {
  readonly kind: "expression";
  readonly expression: string;
}

/** A query that finds what is wrong: each of its rows is a failure. `rows` in it are the rows that are checked. */
export interface SqlCheck extends CheckBase, OfRows {
  readonly kind: "sql";
  readonly sql: string;
}

/** A check of rows as a whole. */
export interface OfRows {
  /** Where only new rows are checked: it is about the whole `table` all the same (the default), or about the `new` rows. */
  readonly of?: "table" | "new" | undefined;
}

export interface RowCountCheck extends CheckBase, OfRows {
  readonly kind: "rowCount";
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  /**
   * Against the mean of the last runs that passed: -0.1 for a tenth fewer, 1 for twice as many. A first run has nothing
   * to compare with, and passes.
   */
  readonly change?:
    | {
        readonly min?: number | undefined;
        readonly max?: number | undefined;
        readonly runs?: number | undefined;
      }
    | undefined;
}

/** The newest time is no older than this. Times in the future do not make a table fresh. */
export interface FreshnessCheck extends CheckBase, OfRows {
  readonly kind: "freshness";
  readonly column: string;
  /** `90s`, `15m`, `24h`, `7d`. */
  readonly within: string;
}

/** A column's values, counted: what drift is measured against. */
export interface Distribution {
  /** Inner bounds of the bins of a number or time, ascending, as text. A value equal to a bound is in the bin above it. */
  readonly bounds?: readonly string[] | undefined;
  /** The commonest values of anything else, as text. What is none of them is counted together. */
  readonly values?: readonly string[] | undefined;
  /** Rows in each bin or of each value, then of other values, NaNs and NULLs: the last three are there always. */
  readonly counts: readonly number[];
}

/**
 * How far a column's values have moved: the population stability index of its bins (deciles of what it is compared with, or
 * its 20 commonest values). 0 is the same; above 0.1 is some, above 0.25 much.
 */
export interface DriftCheck extends CheckBase, OfRows {
  readonly kind: "drift";
  readonly column: string;
  /** The index at which it fails. 0.2 where not given. */
  readonly max?: number | undefined;
  /** The same table on a branch, tag or commit, or a distribution that was taken before. */
  readonly against: string | Distribution;
}

export type Check =
  | NotNullCheck
  | UniqueCheck
  | RangeCheck
  | AcceptedValuesCheck
  | PatternCheck
  | LengthCheck
  | TypesCheck
  | ReferencesCheck
  | ExpressionCheck
  | SqlCheck
  | RowCountCheck
  | FreshnessCheck
  | DriftCheck;

export type CheckKind = Check["kind"];
export type CheckOf<Kind extends CheckKind> = Extract<Check, { readonly kind: Kind }>;
