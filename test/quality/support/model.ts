import {
  acceptedValues,
  type Check,
  expression,
  length,
  notNull,
  pattern,
  range,
  references,
  rowCount,
  unique,
  type ValueInput,
} from "../../../lib/lakehouse/quality/index.js";
import {
  type Leaf,
  leafOf,
  leavesOf,
  type Model,
  type Row,
} from "../../query/support/random-tables/model.js";
import type { Random } from "../../query/support/random-tables/random.js";
import { anyScalar, isFloating, type Scalar, toInput } from "../../query/support/random-tables/values.js";

/** A check, and how many of the rows fail by a plain reading of them. */
export interface Known {
  readonly check: Check;
  /** @param rows that are looked at. @param all of the table, those among them. */
  readonly count: (rows: readonly Row[], all: readonly Row[]) => { failing: number; rows: number };
}

interface Where {
  readonly sql: string | undefined;
  readonly holds: (row: Row) => boolean;
}

/** A check of any kind that looks at rows, on any columns of the model. */
export function anyCheck(random: Random, { columns }: Model, table: string, name: string): Known {
  const leaves = leavesOf(columns);
  const leaf = random.one(leaves);
  const where = anyWhere(random, leaves);
  const options = { name, ...(where.sql !== undefined && { where: where.sql }) };
  const column = nameOf(leaf);
  const byRow = (check: Check, fails: (value: Exclude<Scalar, null>) => boolean): Known => ({
    check,
    count: (rows) => {
      const meant = rows.filter(where.holds);
      const failing = meant.filter((row) => {
        const value = leafOf(row, leaf);
        return value !== null && fails(value);
      });
      return { failing: failing.length, rows: meant.length };
    },
  });
  const { kind } = leaf.field;
  const value = () => anyScalar(random, kind, 0) as Exclude<Scalar, null>;
  const input = (scalar: Scalar) => toInput(kind, scalar) as ValueInput;
  const isNotANumber = (scalar: Scalar) => isFloating(kind) && Number.isNaN(scalar);
  const choices: (() => Known)[] = [
    () => ({
      check: notNull(column, options),
      count: (rows) => {
        const meant = rows.filter(where.holds);
        return { failing: meant.filter((row) => leafOf(row, leaf) === null).length, rows: meant.length };
      },
    }),
    () => {
      const keys = random.chance(50)
        ? [leaf]
        : [leaf, random.one(leaves)].filter((each, i, all) => all.indexOf(each) === i);
      return {
        check: unique(keys.map(nameOf), options),
        count: (rows, all) => ({
          failing: duplicates(rows, all, keys, where),
          rows: rows.filter(where.holds).length,
        }),
      };
    },
    () => {
      const values = Array.from({ length: 1 + random.below(3) }, value);
      const same = (a: Scalar, b: Scalar) => a === b || (isNotANumber(a) && isNotANumber(b));
      return byRow(
        acceptedValues(column, values.map(input), options),
        (each) => !values.some((known) => same(known, each)),
      );
    },
    () => {
      const bound = () => [value()].filter((each) => !isNotANumber(each) && random.chance(60))[0];
      const [low, high] = [bound(), bound()];
      const exclusive = random.chance(50);
      const bounds = {
        ...(low !== undefined && { min: input(low) }),
        ...(high !== undefined && { max: input(high) }),
      };
      if (Object.keys(bounds).length === 0) return byRow(rowless(column, options), () => false);
      const under = (a: Scalar, b: Scalar) => compare(a, b) < 0 || (exclusive && compare(a, b) === 0);
      return byRow(
        range(column, { ...bounds, exclusive, ...options }),
        (each) =>
          isNotANumber(each) ||
          (low !== undefined && under(each, low)) ||
          (high !== undefined && under(high, each)),
      );
    },
    () => {
      if (kind !== "string") return byRow(rowless(column, options), () => false);
      if (random.chance(50)) {
        const [min, max] = [random.below(3), random.below(40)];
        const size = (each: Scalar) => [...String(each)].length;
        return byRow(
          length(column, { min, max, ...options }),
          (each) => size(each) < min || size(each) > max,
        );
      }
      const [text, not] = [random.one(["a", "^a", "b$", "é", "^$"]), random.chance(50)];
      return byRow(
        pattern(column, text, { not, ...options }),
        (each) => new RegExp(text, "u").test(String(each)) === not,
      );
    },
    () => {
      const others = leaves.filter((each) => each.field.kind === kind);
      const other = random.one(others);
      return {
        check: references(column, table, nameOf(other), options),
        count: (rows, all) => {
          const meant = rows.filter(where.holds);
          const known = new Set(all.map((row) => leafOf(row, other)));
          const failing = meant.filter((row) => leafOf(row, leaf) !== null && !known.has(leafOf(row, leaf)));
          return { failing: failing.length, rows: meant.length };
        },
      };
    },
    () => {
      const min = random.below(8);
      return {
        check: rowCount({ min, of: "new", ...options }),
        count: (rows) => {
          const count = rows.filter(where.holds).length;
          return { failing: count < min ? 1 : 0, rows: count };
        },
      };
    },
  ];
  return random.one(choices)();
}

/** One that says nothing, where the kind of the column has no such check. */
function rowless(column: string, options: { name: string; where?: string }): Check {
  return expression(`${quoted(column)} IS NULL OR TRUE`, options);
}

/** Rows after the first of their key; among new ones, those of a key that was there before. */
function duplicates(rows: readonly Row[], all: readonly Row[], keys: readonly Leaf[], where: Where): number {
  const counted = (from: readonly Row[]) => {
    const counts = new Map<string, number>();
    for (const row of from.filter(where.holds)) {
      const key = keys.map((leaf) => leafOf(row, leaf));
      if (key.includes(null)) continue;
      const text = JSON.stringify(key.map((each) => (Object.is(each, -0) ? 0 : each)).map(String));
      counts.set(text, (counts.get(text) ?? 0) + 1);
    }
    return counts;
  };
  const [came, there] = [counted(rows), counted(all)];
  return [...came].reduce((sum, [key, count]) => sum + Math.min(count, (there.get(key) ?? 0) - 1), 0);
}

function anyWhere(random: Random, leaves: readonly Leaf[]): Where {
  const numbers = leaves.filter(({ field }) => field.kind === "long" || field.kind === "int");
  const leaf = random.chance(30) && numbers.length > 0 ? random.one(numbers) : undefined;
  if (leaf === undefined) return { sql: undefined, holds: () => true };
  const holds = (row: Row) => {
    const value = leafOf(row, leaf);
    return value !== null && Number(value) > 0;
  };
  const [column = "", member] = leaf.path;
  const sql = member === undefined ? quoted(column) : `struct_extract(${quoted(column)}, '${member}')`;
  return { sql: `${sql} > 0 -- as it is`, holds };
}

function compare(a: Scalar, b: Scalar): number {
  if (typeof a === "string" && typeof b === "string") return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return Number(a) - Number(b);
}

function nameOf({ path }: Leaf): string {
  return path.join(".");
}

function quoted(name: string): string {
  return name
    .split(".")
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join(".");
}
