import fc from "fast-check";
import { expect, test } from "vitest";
import {
  and,
  binary,
  date,
  decimal,
  defineSchema,
  double,
  type Expression,
  eq,
  expressionToString,
  gt,
  gtEq,
  isIn,
  isNaN as isNan,
  isNull,
  long,
  lt,
  ltEq,
  not,
  notEq,
  notIn,
  notNaN,
  notNull,
  notStartsWith,
  or,
  startsWith,
  string,
  struct,
  type Table,
  timestamp,
} from "../../../lib/lakehouse/iceberg/index.js";
import { runs } from "../../support/runs.js";
import { duckdb, lake } from "../support/statements.js";

// `expressionToString` gives SQL: what it says of rows is what the expression says of them.

const schema = defineSchema({
  k: long(),
  order: string().optional(),
  'a "b"': double().optional(),
  LEFT: date().optional(),
  at: timestamp().optional(),
  price: decimal(9, 2).optional(),
  bytes: binary().optional(),
  select: struct({ from: long().optional() }).optional(),
});

const TEXTS = ["", "a", "50%_x", "50%", "\\", "\\%", "O'Hare", "Zürich", '"', "%"];
const VALUES = {
  order: TEXTS,
  'a "b"': [0, -1.5, 1e300, Number.NaN, Number.POSITIVE_INFINITY, -1e-7],
  LEFT: ["2024-02-29", "1969-12-31"],
  at: ["2024-02-29T00:00:00.000000", "1969-12-31T23:59:59.999999"],
  price: ["12.30", "-0.01", "0.00"],
  bytes: [new Uint8Array(), new Uint8Array([0, 255, 39])],
  "select.from": [1n, -(2n ** 63n), 2n ** 63n - 1n],
} as const;
const names = Object.keys(VALUES) as (keyof typeof VALUES)[];
/** What filters compare with: NaN and infinity they do not. */
const operand = (name: keyof typeof VALUES) =>
  fc.constantFrom(...VALUES[name].filter((value) => typeof value !== "number" || Number.isFinite(value)));

const predicates: fc.Arbitrary<Expression> = fc.constantFrom(...names).chain((name) =>
  fc.oneof(
    fc
      .tuple(fc.constantFrom(eq, notEq, lt, ltEq, gt, gtEq), operand(name))
      .map(([make, value]) => make(name, value)),
    fc
      .tuple(fc.constantFrom(isIn, notIn), fc.array(operand(name), { maxLength: 3 }))
      .map(([make, values]) => make(name, values)),
    fc.constantFrom(isNull(name), notNull(name)),
    fc.constantFrom(isNan('a "b"'), notNaN('a "b"')),
    fc
      .tuple(fc.constantFrom(startsWith, notStartsWith), fc.constantFrom(...TEXTS))
      .map(([make, value]) => make("order", value)),
  ),
);
const expressions: fc.Arbitrary<Expression> = fc.letrec<{ any: Expression }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    predicates,
    fc.tuple(tie("any"), tie("any")).map(([a, b]) => and(a, b)),
    fc.tuple(tie("any"), tie("any")).map(([a, b]) => or(a, b)),
    tie("any").map((child) => not(child)),
  ),
})).any;

test("say in SQL what the expression says", async () => {
  const made = (await lake.createTable("n.filters", { schema })) as unknown as Table;
  const length = Math.max(...names.map((name) => VALUES[name].length));
  const rows = Array.from({ length: length + 1 }, (_, i) => ({
    k: BigInt(i),
    ...Object.fromEntries(
      names.filter((name) => name !== "select.from").map((name) => [name, VALUES[name][i] ?? null]),
    ),
    select: i % 4 === 3 ? null : { from: VALUES["select.from"][i] ?? null },
  }));
  const table = await made.append(rows);
  const keys = async (filter: Parameters<typeof table.scan>[0], where?: string) =>
    (await (await lake.read(table, table.scan(filter), { where })).rows()).map(({ k }) => String(k)).sort();
  await fc.assert(
    fc.asyncProperty(expressions, async (filter) => {
      const where = expressionToString(filter);
      expect(await keys({}, where), where).toEqual(await keys({ filter }));
    }),
    { numRuns: runs(100) },
  );
});

test("put in quotes what DuckDB keeps for itself", async () => {
  const words = await duckdb.runAndReadAll("SELECT keyword_name FROM duckdb_keywords()");
  for (const [word] of words.getRowsJson()) {
    const where = expressionToString(eq(String(word), 1));
    const query = `SELECT 1 FROM t WHERE ${where}`.replaceAll("'", "''");
    const parsed = await duckdb.runAndReadAll(`SELECT json_serialize_sql('${query}')->>'error'`);
    expect(parsed.getRowsJson(), where).toEqual([["false"]]);
  }
});
