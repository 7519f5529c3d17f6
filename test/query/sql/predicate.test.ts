import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isLakehouseError } from "../../../lib/lakehouse/errors.js";
import {
  and,
  boolean,
  date,
  decimal,
  defineSchema,
  double,
  type Expression,
  eq,
  gt,
  gtEq,
  identity,
  int,
  isIn,
  isNaN as isNotANumber,
  isNull,
  long,
  lt,
  ltEq,
  notEq,
  notIn,
  notNull,
  notStartsWith,
  or,
  type Schema,
  startsWith,
  string,
  struct,
  type Table,
  timestamp,
} from "../../../lib/lakehouse/iceberg/index.js";
import { type Lakehouse, openLakehouse } from "../../../lib/lakehouse/index.js";
import { parseStatement } from "../../../lib/lakehouse/query/sql/parse.js";
import { predicateFilter } from "../../../lib/lakehouse/query/sql/pushdown.js";
import { toByteString } from "../../../lib/lakehouse/query/text/tokens.js";
import { runs } from "../../support/runs.js";

let dir: string;
let lake: Lakehouse;
let connection: DuckDBConnection;
/** Eight files of two rows, `n` from 0 to 15 in their order, with a null and a NaN in each column that has such. */
let table: Table;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "predicate-"));
  lake = await openLakehouse({ root: dir, profile: "embedded" });
  connection = await (await DuckDBInstance.create()).connect();
  const schema = defineSchema({
    part: int(),
    n: long().optional(),
    x: double().optional(),
    name: string().optional(),
    ok: boolean().optional(),
    place: struct({ city: string().optional() }).optional(),
  });
  await lake.createTable("t.t", { schema, partitionSpec: [identity("part")] });
  const cities = ["Bern", "Basel", undefined];
  const rows = Array.from({ length: 16 }, (_, i) => ({
    part: i >> 1,
    n: i === 7 ? null : BigInt(i),
    x: i === 4 ? Number.NaN : i === 9 ? null : i / 2,
    name: i === 3 ? null : `n${i % 5}%`,
    ok: i === 5 ? null : i % 4 < 2,
    place: i === 11 ? null : { city: cities[i % 3] ?? null },
  }));
  table = (await (await lake.table("t.t")).append(rows)) as Table;
});
afterAll(async () => {
  connection.closeSync();
  await lake.close();
  await rm(dir, { recursive: true });
});

async function rowsWhere(where: string, limit?: number): Promise<{ found: bigint[]; skipped: number }> {
  const result = await lake.read(table, table.scan({ limit }), { where });
  const found = (await result.rows()).map(({ part, n }) => (n as bigint | null) ?? BigInt(-Number(part)));
  return { found: found.sort((a, b) => Number(a - b)), skipped: result.tables[0]?.skippedDataFiles ?? 0 };
}

describe("a predicate is pruned by", () => {
  const schema = defineSchema({
    n: long(),
    i: int(),
    x: double(),
    d: decimal(20, 3),
    name: string().optional(),
    day: date(),
    moment: timestamp(),
    ok: boolean(),
    "a b": struct({ 'c"d': boolean() }),
    place: struct({ city: string() }),
  }) as unknown as Schema;

  const filterOf = async (sql: string): Promise<Expression | undefined> => {
    const text = toByteString(`SELECT * FROM t WHERE (${sql}\n)`);
    return predicateFilter(await parseStatement(connection, text, text, (at) => at), schema.fields);
  };

  test.each<[string, Expression]>([
    ["n = 5", eq("n", 5n)],
    ["5 < n", gt("n", 5n)],
    ["N <> -5 or i != 1", or(notEq("n", -5n), notEq("i", 1))],
    ["n = 1 and i = 2 or n = 3", or(and(eq("n", 1n), eq("i", 2)), eq("n", 3n))],
    ["n = 1 AND (i = 2 OR n = 3)", and(eq("n", 1n), or(eq("i", 2), eq("n", 3n)))],
    ["NOT n = 1", notEq("n", 1n)],
    ["NOT (n < 1 OR NOT i >= 2)", and(gtEq("n", 1n), gtEq("i", 2))],
    ["NOT (n > 1 AND i <= 2)", or(ltEq("n", 1n), gt("i", 2))],
    ["name in ('it''s', 'x')", isIn("name", ["it's", "x"])],
    ["name NOT IN ('x')", notIn("name", ["x"])],
    ["NOT name IN ('x')", notIn("name", ["x"])],
    ["name IS NULL", isNull("name")],
    ["name is not null", notNull("name")],
    ["NOT (name is null)", notNull("name")],
    ["isnan(x)", isNotANumber("x")],
    ["x < 0.5", lt("x", 0.5)],
    ["n BETWEEN 1 AND 2 AND i = 3", and(and(gtEq("n", 1n), ltEq("n", 2n)), eq("i", 3))],
    ["name LIKE 'AT%'", startsWith("name", "AT")],
    ["name NOT LIKE 'AT%'", notStartsWith("name", "AT")],
    ["starts_with(name, 'AT%')", startsWith("name", "AT%")],
    ["name LIKE 'ATL'", eq("name", "ATL")],
    ["day = DATE '2001-01-31'", eq("day", "2001-01-31")],
    ["moment >= TIMESTAMP '2001-01-31 10:00:00'", gtEq("moment", "2001-01-31T10:00:00")],
    ["n = 9223372036854775807", eq("n", 9223372036854775807n)],
    ["d = 0.123", eq("d", "0.123")],
    ['place.city = \'Bern\' and "a b"."c""d"', and(eq("place.city", "Bern"), eq('a b.c"d', true))],
    ['ok and not "a b"."c""d"', and(eq("ok", true), eq('a b.c"d', false))],
    ["n = 1 and n % 2 = 0 -- that", eq("n", 1n)],
  ])("%s", async (sql, expression) => {
    expect(await filterOf(sql)).toEqual(expression);
  });

  test.each([
    "n % 2 = 0",
    "n = 1 or random() < 0.5",
    "n = i",
    "1 = 1",
    "n = NULL",
    "n IN (1, NULL)",
    "n IS DISTINCT FROM 5",
    "name LIKE '%x'",
    "name LIKE 'a_b%'",
    "name LIKE 'a\\%%'",
    "name ILIKE 'at%'",
    // For DuckDB NaN is greater than all numbers.
    "x > 0.5",
    "NOT x < 0.5",
    "x <> 1",
    "n = 5.5",
    "NOT (n BETWEEN 1 AND 2)",
    "place IS NULL",
    "place.nosuch = 1",
    "n IN (SELECT 5)",
    "true",
  ])("nothing of %s", async (sql) => {
    expect(await filterOf(sql)).toBeUndefined();
  });
});

describe("rows by a predicate", () => {
  test("are read from files that can have them alone", async () => {
    expect(await rowsWhere("n >= 12 and n % 2 = 0")).toEqual({ found: [12n, 14n], skipped: 6 });
    expect(await rowsWhere("place.city = 'Basel' and not (n > 3)")).toMatchObject({ found: [1n] });
  });

  test("are as many as the scan's limit, which counts them and not what files have", async () => {
    expect((await rowsWhere("n % 5 = 4", 2)).found).toHaveLength(2);
    expect((await rowsWhere("n >= 13", 2)).found).toHaveLength(2);
  });

  test("are those of the scan's own filter that it is true for", async () => {
    const scan = table.scan({ filter: gt("n", 3), select: ["n"] });
    const result = await lake.read(table, scan, { where: "name = 'n0%' or part = 0" });
    expect((await result.rows()).map(({ n }) => Number(n)).sort((a, b) => a - b)).toEqual([5, 10, 15]);
  });

  test.each([
    ["n =", /syntax error/],
    ["nosuch = 5", /nosuch/],
    ["n = 5; drop", /;/],
    ["n = 5 n", /syntax error/],
    ["'abc", /unterminated/],
    ["", /syntax error/],
    ["n IN ()", /syntax error/],
    ["n BETWEEN SYMMETRIC 2 AND 1", /DuckDB has no BETWEEN SYMMETRIC\.\nline 1: .*\n {18}\^/],
    ["(n = 5", /syntax error/],
    [`${"(".repeat(5000)}n = 1`, /./],
  ])("%s is refused", async (sql, message) => {
    await expect(rowsWhere(sql)).rejects.toMatchObject({
      code: "INVALID_SQL",
      message: expect.stringMatching(message),
    });
  });

  test("are those of a struct's member, whatever the struct is called", async () => {
    const member = struct({ n: long() });
    const names = ["rows", "unnamed_subquery", "t", "t1"];
    const columns = Object.fromEntries(names.map((name) => [name, member]));
    await lake.createTable("t.t1", { schema: defineSchema({ n: long(), ...columns }) });
    for (const n of [1n, 2n]) {
      const values = Object.fromEntries(names.map((name) => [name, { n: -n }]));
      await (await lake.table("t.t1")).append([{ n, ...values }]);
    }
    const structs = await lake.table("t.t1");
    for (const name of names) {
      const read = async (where: string) =>
        (await (await lake.read(structs, structs.scan({ select: ["n"] }), { where })).rows()).map(
          ({ n }) => n,
        );
      expect(await read(`${name}.n = -2`)).toEqual([2n]);
      expect(await read(`${name}.n = 2`)).toEqual([]);
    }
  });

  test("name a column in full where namespace, table and a struct are called alike", async () => {
    const schema = defineSchema({ n: long(), s: struct({ n: long() }) });
    await lake.createTable("s.s", { schema });
    for (const n of [1n, 2n]) await (await lake.table("s.s")).append([{ n, s: { n: -n } }]);
    const found = async (where: string) =>
      (await (await lake.sql(`select n from s.s where ${where}`)).rows()).map(({ n }) => n);
    expect(await found("s.s.n = 2")).toEqual([2n]);
    expect(await found("s.s.s.n = -2")).toEqual([2n]);
    expect(await found("s.n = 2")).toEqual([2n]);
  });

  test("are the same whether files were left out or not, for any predicate", async () => {
    const leaf = fc.constantFrom(
      ...["n < 5", "6 <= n", "n = 9", "n <> 9", "n in (1, 8)", "n not in (2, 3)", "n between 3 and 6"],
      ...["x < 2", "x >= 3.5", "x = 1", "x <> 4", "isnan(x)", "not isnan(x)", "x in (1, 2.5)"],
      ...["name like 'n1%'", "name not like 'n1%'", "name like 'n2'", "name = 'n3%'", "name is null"],
      ...[
        "ok",
        "ok = false",
        "part = 3",
        "part > 5",
        "place.city = 'Bern'",
        "place.city is null",
        "n % 3 = 0",
      ],
    );
    const { predicate } = fc.letrec<{ predicate: string }>((tie) => ({
      predicate: fc.oneof(
        { depthSize: "small" },
        leaf,
        tie("predicate").map((one) => `NOT (${one})`),
        fc
          .tuple(tie("predicate"), fc.constantFrom("AND", "OR"), tie("predicate"))
          .map(([left, word, right]) => `(${left} ${word} ${right})`),
      ),
    }));
    let skipped = 0;
    await fc.assert(
      fc.asyncProperty(predicate, async (where) => {
        const all = await lake.sql(`select part, n from (select * from t.t) where ${where}`);
        const rows = (await all.rows()).map(({ part, n }) => (n as bigint | null) ?? BigInt(-Number(part)));
        const read = await rowsWhere(where);
        skipped += read.skipped;
        expect(read.found).toEqual(rows.sort((a, b) => Number(a - b)));
      }),
      { numRuns: runs(60) },
    );
    expect(skipped).toBeGreaterThan(0);
  });

  test("and a PIVOT without values is told to name them", async () => {
    const pivot = lake.sql("select * from (pivot (select part, n from t.t) on part using count(*))");
    await expect(pivot).rejects.toMatchObject({
      code: "INVALID_SQL",
      message: expect.stringContaining("ON city IN ('Bern', 'Basel')"),
    });
    const named =
      "select * from (pivot (select part, ok from t.t) on part in (1, 2) using count(*) group by ok)";
    expect((await (await lake.sql(named)).rows()).length).toBeGreaterThan(0);
  });

  test("any text is one, or refused", async () => {
    const words = fc.constantFrom(
      ...[
        "n",
        "x",
        "AND",
        "OR",
        "NOT",
        "IN",
        "(",
        ")",
        ",",
        "=",
        "<",
        "'x'",
        "1",
        "-",
        "1.5e3",
        "IS",
        "NULL",
      ],
      ...["LIKE", "'x%'", "BETWEEN", '"name"', ".", "x'0'", "DATE", ";", "--", "$$"],
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(words, { maxLength: 12 }).map((each) => each.join(" ")),
    );
    await fc.assert(
      fc.asyncProperty(text, async (where) => {
        try {
          await rowsWhere(where);
        } catch (error) {
          if (!isLakehouseError(error)) throw error;
          expect(error.code).toBe("INVALID_SQL");
        }
      }),
      { numRuns: runs(150) },
    );
  });
});
