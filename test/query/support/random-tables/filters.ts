import {
  alwaysTrue,
  and,
  type Expression,
  eq,
  gt,
  gtEq,
  isIn,
  isNaN as isNotANumber,
  isNull,
  type LiteralInput,
  lt,
  ltEq,
  not,
  notEq,
  notIn,
  notNull,
  or,
  startsWith,
} from "../../../../lib/lakehouse/iceberg/index.js";
import { type Column, type Leaf, leafOf, leavesOf, type Row } from "./model.js";
import type { Random } from "./random.js";
import { anyScalar, compare, isFloating, type Kind, type Scalar, toInput } from "./values.js";

/** A filter, and what it says of a row: null for "unknown", as in SQL. */
export interface Filter {
  readonly expression: Expression;
  readonly test: (row: Row) => boolean | null;
}

const ALL: Filter = { expression: alwaysTrue, test: () => true };

export function anyFilter(random: Random, columns: readonly Column[], depth = 2): Filter {
  if (random.chance(5)) return ALL;
  if (depth === 0 || random.chance(60)) return predicate(random, random.one(leavesOf(columns)));
  const a = anyFilter(random, columns, depth - 1);
  const b = anyFilter(random, columns, depth - 1);
  switch (random.below(3)) {
    case 0:
      return { expression: and(a.expression, b.expression), test: (row) => both(a.test(row), b.test(row)) };
    case 1:
      return {
        expression: or(a.expression, b.expression),
        test: (row) => opposite(both(opposite(a.test(row)), opposite(b.test(row)))),
      };
    default:
      return { expression: not(a.expression), test: (row) => opposite(a.test(row)) };
  }
}

function opposite(value: boolean | null): boolean | null {
  return value === null ? null : !value;
}

function both(a: boolean | null, b: boolean | null): boolean | null {
  if (a === false || b === false) return false;
  return a === null || b === null ? null : true;
}

type Known = Exclude<Scalar, null>;

const COMPARISONS = [
  { make: eq, holds: (order: number) => order === 0 },
  { make: notEq, holds: (order: number) => order !== 0 },
  { make: lt, holds: (order: number) => order < 0 },
  { make: ltEq, holds: (order: number) => order <= 0 },
  { make: gt, holds: (order: number) => order > 0 },
  { make: gtEq, holds: (order: number) => order >= 0 },
] as const;

function predicate(random: Random, leaf: Leaf): Filter {
  const name = leaf.path.join(".");
  const { kind } = leaf.field;
  const of = (expression: Expression, test: (value: Known) => boolean): Filter => ({
    expression,
    test: (row) => {
      const value = leafOf(row, leaf);
      return value === null ? null : test(value);
    },
  });
  switch (random.below(8)) {
    case 0:
      return { expression: isNull(name), test: (row) => leafOf(row, leaf) === null };
    case 1:
      return { expression: notNull(name), test: (row) => leafOf(row, leaf) !== null };
    case 2:
    case 3: {
      const values = random.many(3, () => literal(random, kind));
      const inputs = values.map((value) => toInput(kind, value) as LiteralInput);
      const among = (value: Known) => values.some((each) => compare(value, each) === 0);
      return random.chance(60)
        ? of(isIn(name, inputs), among)
        : of(notIn(name, inputs), (value) => !among(value));
    }
    case 4:
      if (isFloating(kind)) return of(isNotANumber(name), (value) => Number.isNaN(value));
      if (kind === "string") {
        const prefix = random.one(["a", "l", "b"]);
        return of(startsWith(name, prefix), (value) => String(value).startsWith(prefix));
      }
  }
  const value = literal(random, kind);
  const { make, holds } = random.one(COMPARISONS);
  return of(make(name, toInput(kind, value) as LiteralInput), (each) => holds(compare(each, value)));
}

/** NaN is asked for by name. */
function literal(random: Random, kind: Kind): Known {
  const value = anyScalar(random, kind, 0) as Known;
  return Number.isNaN(value) ? 0 : value;
}
