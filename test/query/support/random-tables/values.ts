import {
  type Column as ColumnOf,
  date,
  decimal,
  double,
  float,
  type IcebergType,
  int,
  long,
  string,
  timestamp,
} from "../../../../lib/lakehouse/iceberg/index.js";
import type { Random } from "./random.js";

/** Decimals of scale 2 are held as hundredths, times as microseconds: so that values compare as they are. */
export type Scalar = number | string | null;
export type Kind =
  | "long"
  | "int"
  | "decimal4"
  | "decimal9"
  | "date"
  | "timestamp"
  | "float"
  | "double"
  | "string";

const DAY = 86_400_000_000;
const LONG_TEXT = "long text, alike at its start: ";

/** Few values of each kind, so that keys meet; wider kinds have all of the narrower one's. */
const VALUES: Readonly<Record<Kind, readonly Exclude<Scalar, null>[]>> = {
  long: [-1, 0, 1, 2, 3, 2 ** 40],
  int: [-1, 0, 1, 2, 3],
  decimal4: [-250, 0, 125, 9999],
  decimal9: [-250, 0, 125, 9999, 1234567],
  date: [-1, 0, 19_000, 19_001].map((days) => days * DAY),
  timestamp: [-1, 0, 19_000, 19_000.5, 19_001].map((days) => days * DAY),
  float: [-2.25, 0, 1.5, Number.NaN],
  double: [-2.25, 0, 1.5, 1e100, Number.NaN],
  string: ["", "a", "ab", "b", "ba", "é", `${LONG_TEXT}1`, `${LONG_TEXT}2`],
};

/** What a kind can be promoted to. */
export const WIDER: Partial<Readonly<Record<Kind, Kind>>> = {
  int: "long",
  decimal4: "decimal9",
  date: "timestamp",
  float: "double",
};

const COLUMNS: Readonly<Record<Kind, () => ColumnOf<unknown, boolean>>> = {
  long,
  int,
  decimal4: () => decimal(4, 2),
  decimal9: () => decimal(9, 2),
  date,
  timestamp,
  float,
  double,
  string,
};

export function columnOf(kind: Kind): ReturnType<(typeof COLUMNS)[Kind]> {
  return COLUMNS[kind]();
}

export function typeOf(kind: Kind): IcebergType {
  return columnOf(kind).type;
}

export function isFloating(kind: Kind): boolean {
  return kind === "float" || kind === "double";
}

export function anyScalar(random: Random, kind: Kind, nulls = 20): Scalar {
  return random.chance(nulls) ? null : random.one(VALUES[kind]);
}

/** The value in the form in which a program writes it. */
export function toInput(kind: Kind, value: Scalar): unknown {
  if (value === null || typeof value === "string") return value;
  switch (kind) {
    case "long":
      return BigInt(value);
    case "decimal4":
    case "decimal9":
      return (value / 100).toFixed(2);
    case "date":
      return new Date(value / 1000).toISOString().slice(0, 10);
    case "timestamp":
      return new Date(value / 1000).toISOString().slice(0, -1);
    default:
      return value;
  }
}

/** The value of what a query gave. */
export function fromOutput(kind: Kind, value: unknown): Scalar {
  if (value === null || value === undefined) return null;
  switch (kind) {
    case "decimal4":
    case "decimal9":
      return Math.round(Number(value) * 100);
    case "date":
    case "timestamp": {
      const text = String(value).replace(" ", "T");
      return Date.parse(text.length === 10 ? `${text}T00:00:00Z` : `${text}Z`) * 1000;
    }
    case "string":
      return String(value);
    default:
      return Number(value);
  }
}

/** Below 0 when `a` is less. NaN is above every number, and equal to itself. */
export function compare(a: Exclude<Scalar, null>, b: Exclude<Scalar, null>): number {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return 0;
  if (Number.isNaN(a)) return 1;
  if (Number.isNaN(b)) return -1;
  // By bytes of UTF-8, which for the characters here is the order of JavaScript.
  return a < b ? -1 : 1;
}
