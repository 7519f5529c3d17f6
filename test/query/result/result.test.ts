import { inspect } from "node:util";
import * as arrow from "apache-arrow";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openQueryEngine, type QueryEngine } from "../../../lib/lakehouse/query/index.js";
import { runs } from "../../support/runs.js";

let engine: QueryEngine;
beforeAll(async () => {
  engine = await openQueryEngine({ resolve: async () => undefined });
});
afterAll(() => engine.close());

const one = async (expression: string) =>
  (await (await engine.sql(`SELECT ${expression} AS x`)).rows())[0]?.x;

describe("a value of a result", () => {
  test.each([
    ["true", true],
    ["(-128)::TINYINT", -128],
    ["65535::USMALLINT", 65535],
    ["1.5::FLOAT", 1.5],
    ["'-Infinity'::DOUBLE", Number.NEGATIVE_INFINITY],
    ["9223372036854775807", 9223372036854775807n],
    ["18446744073709551615::UBIGINT", 18446744073709551615n],
    ["(-170141183460469231731687303715884105728)::HUGEINT", -170141183460469231731687303715884105728n],
    ["340282366920938463463374607431768211455::UHUGEINT", 340282366920938463463374607431768211455n],
    ["1.50::DECIMAL(3,2)", "1.50"],
    ["-0.005::DECIMAL(9,3)", "-0.005"],
    ["-123456789012345.678::DECIMAL(18,3)", "-123456789012345.678"],
    ["99999999999999999999999999999999999999::DECIMAL(38,0)", "99999999999999999999999999999999999999"],
    ["'é' || repeat('x', 20)", `é${"x".repeat(20)}`],
    ["''", ""],
    ["'\\x00\\xFF'::BLOB", new Uint8Array([0, 255])],
    ["UUID '00112233-4455-6677-8899-aabbccddeeff'", "00112233-4455-6677-8899-aabbccddeeff"],
    ["UUID 'ffeeddcc-bbaa-9988-7766-554433221100'", "ffeeddcc-bbaa-9988-7766-554433221100"],
    ["DATE '0001-01-01'", "0001-01-01"],
    ["DATE '2024-02-29'", "2024-02-29"],
    ["DATE '12024-02-29'", "12024-02-29"],
    ["TIME '23:59:59.000001'", "23:59:59.000001"],
    ["TIMESTAMP '1899-12-31 23:59:59.999999'", "1899-12-31T23:59:59.999999"],
    ["TIMESTAMPTZ '2024-03-01 13:33:20+02'", "2024-03-01T11:33:20.000000+00:00"],
    ["TIMESTAMP_NS '2024-03-01 13:33:20.123456789'", "2024-03-01T13:33:20.123456789"],
    ["TIMESTAMP_MS '2024-03-01 13:33:20.123'", "2024-03-01T13:33:20.123"],
    ["TIMESTAMP 'infinity'", "infinity"],
    ["TIMESTAMPTZ '-infinity'", "-infinity"],
    ["[DATE 'infinity', DATE '5881580-07-10']", ["infinity", "5881580-07-10"]],
    ["INTERVAL '14 months 2 days -3.5 seconds'", "P14M2DT-3.500000S"],
    ["[1, NULL, 3]", [1, null, 3]],
    ["[]::INTEGER[]", []],
    ["[1, 2]::INTEGER[2]", [1, 2]],
    ["{'a': 1, 'b': [{'c': 'x'}]}", { a: 1, b: [{ c: "x" }] }],
    [
      "MAP {'k': [1], 'l': NULL}",
      new Map([
        ["k", [1]],
        ["l", null],
      ]),
    ],
    ["'x'::ENUM('x', 'y')", "x"],
    ["['x'::ENUM('x', 'y')]", ["x"]],
    ["'101'::BIT", "101"],
    ["TIMETZ '12:00:00+01'", "12:00:00+01"],
    ["NULL", null],
  ])("of %s is exact", async (expression, expected) => {
    expect(await one(expression)).toEqual(expected);
  });

  test("survives nulls at any place, over many chunks, in flat and nested columns", async () => {
    const result = await engine.sql(`
      SELECT i, CASE WHEN i % 3 = 0 THEN NULL ELSE 'text number ' || i END AS s, CASE WHEN i % 5 = 0 THEN NULL ELSE
        [i, NULL] END AS l, CASE WHEN i % 7 = 0 THEN NULL ELSE {'a': CASE WHEN i % 2 = 0 THEN i END} END AS t, i > 3 AS b
      FROM range(20000) r(i) WHERE i % 11 <> 0`);
    const rows = await result.rows();
    const expected = Array.from({ length: 20000 }, (_, i) => i).filter((i) => i % 11 !== 0);
    expect(rows).toEqual(
      expected.map((i) => ({
        i: BigInt(i),
        s: i % 3 === 0 ? null : `text number ${i}`,
        l: i % 5 === 0 ? null : [BigInt(i), null],
        t: i % 7 === 0 ? null : { a: i % 2 === 0 ? BigInt(i) : null },
        b: i > 3,
      })),
    );
    expect((await result.toArrow()).numRows).toBe(expected.length);
  });

  test("has every member of a row without names, by its place, however deep", async () => {
    interface Row extends ReadonlyArray<number | null | Row> {}
    const { row } = fc.letrec<{ row: Row }>((tie) => ({
      row: fc.array(fc.oneof({ maxDepth: 3 }, fc.option(fc.nat(9)), tie("row")), {
        minLength: 1,
        maxLength: 3,
      }),
    }));
    const sqlOf = (value: Row[number]): string =>
      Array.isArray(value) ? `row(${value.map(sqlOf).join(", ")})` : `${value as number | null}::INTEGER`;
    const memberOf = (value: Row[number]): unknown =>
      Array.isArray(value) ? Object.fromEntries(value.map((each, i) => [i + 1, memberOf(each)])) : value;
    await fc.assert(
      fc.asyncProperty(row, async (value) => {
        const expected = memberOf(value);
        expect(await one(sqlOf(value))).toEqual(expected);
        const result = await engine.sql(`SELECT [${sqlOf(value)}, NULL] AS x, ${sqlOf(value)} AS y`);
        expect(JSON.parse(await result.format("ndjson"))).toEqual({ x: [expected, null], y: expected });
      }),
      { numRuns: runs(30), examples: [[[1, 2]], [[[1, 2], 3]]] },
    );
  });

  test("is the same as DuckDB's own text of it, for any date and decimal", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: -2_000_000, max: 2_000_000 }),
        fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n }),
        async (days, unscaled) => {
          const [row] = await (
            await engine.sql(`SELECT DATE '1970-01-01' + (${days}) AS d, strftime(d, '%Y-%m-%d') AS dt,
            ((${unscaled})::DECIMAL(38,0) / 1)::HUGEINT::DECIMAL(38,4) AS n, n::VARCHAR AS nt`)
          ).rows();
          expect(row?.n).toBe(row?.nt);
          if (typeof row?.dt === "string" && /^\d{4}-/.test(row.dt)) expect(row.d).toBe(row.dt);
        },
      ),
      { numRuns: runs(30) },
    );
  });
});

describe("a result", () => {
  test("streams, once, and can be let go early", async () => {
    const result = await engine.sql("SELECT i FROM range(500000) t(i)");
    let rows = 0;
    for await (const batch of result.batches()) {
      expect(batch).toBeInstanceOf(arrow.RecordBatch);
      rows += batch.numRows;
      if (rows > 100_000) break;
    }
    await expect(result.rows()).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    const whole = await engine.sql("SELECT i FROM range(500000) t(i)");
    expect((await whole.toArrow()).numRows).toBe(500_000);
    expect((await whole.rows())[499_999]).toEqual({ i: 499_999n });
  });

  test("fails with the database's words when a row cannot be computed", async () => {
    const result = await engine
      .sql("SELECT CASE WHEN i = 400000 THEN error('row ' || i) ELSE i END AS x FROM range(500000) t(i)")
      .catch((error: unknown) => error);
    const error =
      result instanceof Error
        ? result
        : await (result as { rows(): Promise<unknown> }).rows().catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "INVALID_SQL", message: expect.stringContaining("row 400000") });
  });

  test("prints as a table with numbers to the right and a note of what is left out", async () => {
    const sql =
      "SELECT i AS n, 'é' || i AS name, TIMESTAMP '2024-03-01 12:00:00' AS at, NULL AS nothing FROM range(98, 1101) t(i)";
    expect(await (await engine.sql(sql)).format("table", { maxRows: 3 })).toBe(
      [
        "  n  name  at                   nothing",
        "───  ────  ───────────────────  ───────",
        " 98  é98   2024-03-01 12:00:00     NULL",
        " 99  é99   2024-03-01 12:00:00     NULL",
        "100  é100  2024-03-01 12:00:00     NULL",
        "(1,003 rows, the first 3 shown)",
        "",
      ].join("\n"),
    );
  });

  test("prints in pieces what it prints as a whole, in any format, with any number of rows", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("table", "json", "ndjson", "csv" as const),
        fc.constantFrom(0, 1, 39, 40, 41, 1023, 1024, 8191, 8192, 8193, 20_000),
        fc.option(fc.constantFrom(1, 1000, 5000, Number.POSITIVE_INFINITY), { nil: undefined }),
        async (format, count, maxRows) => {
          const sql = `SELECT i, 'row ' || i AS s, CASE WHEN i % 3 = 0 THEN 1.5 END AS x FROM range(${count}) t(i)`;
          const pieces: string[] = [];
          for await (const piece of (await engine.sql(sql)).text(format, { maxRows })) pieces.push(piece);
          const whole = await (await engine.sql(sql)).format(format, { maxRows });
          expect(pieces.join("")).toBe(whole);
          const lines = whole.split("\n").length - 1;
          const shown = Math.min(count, maxRows ?? 40);
          expect(lines).toBe({ table: shown + 3, json: count + 2, ndjson: count, csv: count + 1 }[format]);
          if (format === "json") expect(JSON.parse(whole)).toHaveLength(count);
        },
      ),
      { numRuns: runs(20) },
    );
  });

  test("gives its first rows before the last are computed", async () => {
    for (const format of ["table", "json", "ndjson", "csv"] as const) {
      // The last row fails, so what came before did not wait for it.
      const result = await engine.sql(
        "SELECT CASE WHEN i = 499999 THEN error('the last row') ELSE i END AS x FROM range(500000) t(i)",
      );
      let text = "";
      const read = async () => {
        for await (const piece of result.text(format)) text += piece;
      };
      await expect(read()).rejects.toMatchObject({ message: expect.stringContaining("the last row") });
      expect(text).toMatch(/\b39\b/);
    }
  });

  test("fits a terminal: cells are cut, then columns left out, and nothing in it moves the cursor", async () => {
    const columns = Array.from(
      { length: 30 },
      (_, i) => `repeat('${String.fromCharCode(97 + (i % 26))}', 70) AS "c${i}"`,
    );
    const wide = await engine.sql(`SELECT ${columns.join(", ")}`);
    for (const width of [12, 20, 80, 200]) {
      const lines = (await wide.format("table", { width })).trimEnd().split("\n");
      for (const line of lines.slice(0, -1)) expect(line.length).toBeLessThanOrEqual(width);
      expect(lines[0]).toMatch(/^c0/);
      expect(lines.at(-1)).toMatch(/^\(1 row, \d+ of 30 columns shown\)$/);
    }
    const two = await engine.sql("SELECT repeat('x', 70) AS a, '日本語日本語' AS b");
    expect(await two.format("table", { width: 30 })).toBe(
      `a                 b\n${"─".repeat(16)}  ${"─".repeat(12)}\n${"x".repeat(15)}…  日本語日本語\n(1 row)\n`,
    );
    const hostile = await engine.sql(
      `SELECT chr(27) || '[31mred' || chr(7) || chr(155) || chr(8238) AS "a\u001b]0;t\u0007"`,
    );
    const text = await hostile.format("table");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(text).toContain("\\u001b[31mred\\u0007\\u009b\\u202e");
  });

  test("prints as JSON and CSV without loss", async () => {
    const sql = `SELECT 9007199254740993 AS big, 5::BIGINT AS small, 1.10 AS dec, 'a,"b"' AS s, '' AS empty, NULL AS nil,
      '\\xAB'::BLOB AS bytes, MAP {'k': 1} AS m, 'NaN'::DOUBLE AS nan`;
    const result = await engine.sql(sql);
    expect(await result.format("ndjson")).toBe(
      '{"big":"9007199254740993","small":5,"dec":"1.10","s":"a,\\"b\\"","empty":"","nil":null,"bytes":"ab","m":[["k",1]],"nan":"NaN"}\n',
    );
    expect(JSON.parse(await result.format("json"))).toHaveLength(1);
    expect(await result.format("csv")).toBe(
      'big,small,dec,s,empty,nil,bytes,m,nan\n9007199254740993,5,1.10,"a,""b""","",,ab,"[[""k"",1]]",NaN\n',
    );
  });
});

describe("a result in a console or as a notebook cell's last line", () => {
  test("shows its first rows, and is still there to be read", async () => {
    const result = await engine.sql("SELECT n, 'row ' || n AS name FROM range(2) AS t(n)");
    expect(inspect(result)).toBe("n  name\n─  ─────\n0  row 0\n1  row 1\n(2 rows)");
    expect(inspect({ result })).toContain("(2 rows)");
    expect(await result.rows()).toHaveLength(2);
    expect(inspect(result)).toContain("(2 rows)");
    const none = await engine.sql("SELECT 1 AS n WHERE false");
    expect(inspect(none)).toBe("n\n─\n(0 rows)");
  });

  test("says that there are more, also where it has not read how many", async () => {
    expect(inspect(await engine.sql("SELECT * FROM range(100)"))).toContain("(100 rows, the first 40 shown)");
    const many = await engine.sql("SELECT * FROM range(1000000)");
    expect(inspect(many)).toMatch(/39\n\(the first 40 rows\)$/);
    many.close();
  });
});
