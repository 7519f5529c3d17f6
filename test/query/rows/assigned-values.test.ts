import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type BranchingCatalog, openCatalog } from "../../../lib/lakehouse/catalog/index.js";
import {
  alwaysTrue,
  binary,
  boolean,
  date,
  decimal,
  defineSchema,
  double,
  eq,
  float,
  int,
  list,
  long,
  map,
  string,
  struct,
  type Table,
  time,
  timestamp,
  timestampNs,
  timestamptz,
  unknown,
  uuid,
} from "../../../lib/lakehouse/iceberg/index.js";
import { openQueryEngine, type QueryEngine } from "../../../lib/lakehouse/query/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { runs } from "../../support/runs.js";

// A column takes the value of an expression as it is, or refuses it: it never takes another one.

const schema = defineSchema({
  id: long(),
  bool: boolean().optional(),
  int: int().optional(),
  long: long().optional(),
  float: float().optional(),
  double: double().optional(),
  d3: decimal(3, 1).optional(),
  d38: decimal(38, 10).optional(),
  date: date().optional(),
  time: time().optional(),
  ts: timestamp().optional(),
  tz: timestamptz().optional(),
  ns: timestampNs().optional(),
  string: string().optional(),
  uuid: uuid().optional(),
  bytes: binary().optional(),
  none: unknown(),
  list: list(int().optional()).optional(),
  map: map(string(), date().optional()).optional(),
  struct: struct({ a: int().optional(), b: date().optional() }).optional(),
});
type Column = keyof typeof empty & string;
const empty = Object.fromEntries(schema.fields.map(({ name }) => [name, null])) as Record<string, unknown>;

let directory: string;
let engine: QueryEngine;
let catalog: BranchingCatalog;
let start: Table;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "assigned-"));
  engine = await openQueryEngine({ resolve: async () => start });
  catalog = await openCatalog({ backend: ":memory:", store: new LocalStore(directory, { durable: false }) });
  await catalog.createNamespace("n");
  const made = await catalog.createTable("n.t", { schema, formatVersion: 3 });
  start = (await made.append([{ ...empty, id: 1n } as never])).withEngine(engine);
});

afterAll(async () => {
  await engine.close();
  await catalog.close();
  await rm(directory, { recursive: true });
});

/** What the column has after it was set; `undefined` where the value was refused. The table is as it was then. */
async function assigned(column: Column, sql: string): Promise<unknown> {
  const before = await start.refresh();
  try {
    const after = await before.withEngine(engine).updateRows(alwaysTrue, { [column]: { sql } } as never);
    const [row] = await (await engine.scan(after, after.scan())).rows();
    return row?.[column];
  } catch (error) {
    expect(error).toMatchObject({ code: "SCHEMA_MISMATCH", subject: column });
    expect((await start.refresh()).currentSnapshot?.snapshotId).toBe(before.currentSnapshot?.snapshotId);
    return undefined;
  }
}

const CASES: readonly (readonly [Column, string, unknown])[] = [
  ["int", "1.5", undefined],
  ["int", "2.0", 2],
  ["int", "1.5::DOUBLE", undefined],
  ["int", "2147483648", undefined],
  ["int", "id * 7", 7],
  ["int", "true", undefined],
  ["int", "'1.5'", undefined],
  ["int", "' 12'", undefined],
  ["int", "'12'", 12],
  ["int", "CAST(1.5 AS INTEGER)", 2],
  ["int", "NULL", null],
  ["int", "(SELECT max(x) FROM (VALUES (1), (3)) AS v(x)) -- with a comment", 3],
  ["long", "9223372036854775808::DOUBLE", undefined],
  ["long", "9223372036854775807", 9223372036854775807n],
  ["long", "170141183460469231731687303715884105727", undefined],
  ["float", "0.1", Math.fround(0.1)],
  ["float", "0.1::DOUBLE", undefined],
  ["float", "1e300", undefined],
  ["float", "16777217", undefined],
  ["double", "9007199254740993", undefined],
  ["double", "'NaN'::DOUBLE", Number.NaN],
  ["double", "'1e999'", undefined],
  ["d3", "1.25", undefined],
  ["d3", "1.2", "1.2"],
  ["d3", "1.20", "1.2"],
  ["d3", "'1.25'", undefined],
  ["d3", "'1.20'", "1.2"],
  ["d3", "100", undefined],
  ["d3", "0.1::DOUBLE + 0.2::DOUBLE", undefined],
  ["date", "TIMESTAMP '2024-01-02 03:04:05'", undefined],
  ["date", "TIMESTAMP '2024-01-02 00:00:00'", "2024-01-02"],
  ["date", "'2024-01-02 03:04:05'", undefined],
  ["date", "'2024-01-02'", "2024-01-02"],
  ["date", "'2024-02-30'", undefined],
  ["date", "'infinity'::DATE", undefined],
  ["date", "NULL", null],
  ["date", "19000", undefined],
  ["time", "TIME_NS '10:00:00.123456789'", undefined],
  ["time", "'24:00:00'", undefined],
  ["time", "TIME '24:00:00'", undefined],
  ["time", "'10:00:00.5'", "10:00:00.500000"],
  ["ts", "'2024-01-02 03:04:05.123456789'::TIMESTAMP_NS", undefined],
  ["ts", "'1969-12-31 23:59:59.999999999'::TIMESTAMP_NS", undefined],
  ["ts", "'2024-01-02 03:04:05.1234567'", undefined],
  ["ts", "'2024-01-02T03:04:05.1234560'", "2024-01-02T03:04:05.123456"],
  ["ts", "'2024-01-02T03:04:05+02'", undefined],
  ["ts", "DATE '2024-01-02'", "2024-01-02T00:00:00.000000"],
  ["ts", "'infinity'::TIMESTAMP", undefined],
  ["tz", "'2024-01-02T03:04:05+02'", "2024-01-02T01:04:05.000000+00:00"],
  ["ns", "TIMESTAMP '3000-01-01 00:00:00'", undefined],
  ["ns", "DATE '2024-01-02'", "2024-01-02T00:00:00.000000000"],
  ["bool", "1", undefined],
  ["bool", "'true'", true],
  ["bool", "id = 1", true],
  ["string", "12.50", "12.50"],
  ["string", "DATE '2024-01-02'", "2024-01-02"],
  ["string", "'a'::BLOB", undefined],
  ["bytes", "'abc'", undefined],
  ["bytes", "'\\x00\\xff'::BLOB", new Uint8Array([0, 255])],
  ["uuid", "'not one'", undefined],
  ["uuid", "'F79C3E09-677C-4BBD-A479-3F349CB785E7'", "f79c3e09-677c-4bbd-a479-3f349cb785e7"],
  ["none", "1", undefined],
  ["list", "[1.0, 2.5]", undefined],
  ["list", "[1.0, NULL, 2.0]", [1, null, 2]],
  ["list", "[1, 2]::UTINYINT[2]", [1, 2]],
  ["list", "[]", []],
  ["list", "1", undefined],
  ["map", "MAP {'a': TIMESTAMP '2024-01-02 03:00:00'}", undefined],
  ["map", "MAP {'a': '2024-01-02', 'b': NULL}", new Map([["a", "2024-01-02"], ["b", null]])], // biome-ignore format: a row
  ["struct", "{a: 1.5}", undefined],
  ["struct", "{A: 1.0}", { a: 1, b: null }],
  ["struct", "{a: 1, c: 2}", undefined],
  ["struct", "row(3, DATE '2024-01-02')", { a: 3, b: "2024-01-02" }],
  ["struct", "row(3)", undefined],
];

test.each(CASES)("%s set to %s", async (column, sql, expected) => {
  expect(await assigned(column, sql)).toEqual(expected);
});

test("rows of a query that are appended are as exact, and of the column's own kind", async () => {
  const failures: unknown[] = [];
  // As integers in Arrow, DuckDB's infinities are points in time like any others.
  const finite = CASES.filter(([, sql]) => !sql.includes("infinity"));
  for (const [column, sql, expected] of finite) {
    const result = await engine.sql(`SELECT id + 1 AS id, (${sql}\n) AS "${column}" FROM n.t`);
    const before = await start.refresh();
    const after = await before.append(result.batches()).catch((error: unknown) => error as Error);
    if (after instanceof Error) {
      expect(after).toMatchObject({ code: "SCHEMA_MISMATCH" });
      continue;
    }
    const rows = await (await engine.scan(after.withEngine(engine), after.scan())).rows();
    const stored = rows.find(({ id }) => id === 2n)?.[column];
    if (!isDeepStrictEqual(stored, expected)) failures.push([column, sql, stored]);
    await after.withEngine(engine).deleteRows(eq("id", 2));
  }
  expect(failures).toEqual([]);
});

test("a refusal names the column, the value, its type and the column's", async () => {
  await expect(start.updateRows(alwaysTrue, { int: { sql: "id + 0.5" } } as never)).rejects.toMatchObject({
    code: "SCHEMA_MISMATCH",
    message: expect.stringMatching(
      /Column "int" cannot be set: 1\.5 \(DECIMAL\(\d+,1\)\) is no value of type int/,
    ),
    remedy: expect.stringContaining("CAST"),
  });
});

test("an expression is evaluated once for each row, also where its value is looked at", async () => {
  const sql = "CASE WHEN random() < 0.5 THEN 1.0 ELSE 2.0 END";
  for (let i = 0; i < 6; i++) expect([1, 2]).toContain(await assigned("int", sql));
});

test("a mistake in an expression is shown in the expression", async () => {
  const update = start.updateRows(alwaysTrue, { int: { sql: "id +\n nope" } } as never);
  await expect(update).rejects.toMatchObject({
    code: "INVALID_SQL",
    subject: "id +\n nope",
    message: expect.stringContaining("line 2:  nope"),
  });
});

/** A number with a decimal point, as the digits and how many of them come after it. */
const number = fc.record({
  unscaled: fc.oneof(fc.bigInt(-300n, 300n), fc.bigInt(-(2n ** 70n), 2n ** 70n)),
  scale: fc.integer({ min: 0, max: 9 }),
});
type Numeral = { readonly unscaled: bigint; readonly scale: number };

const NUMERIC = ["int", "long", "float", "double", "d3", "d38"] as const;

function textOf({ unscaled, scale }: Numeral): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  const cut = digits.length - scale;
  return `${unscaled < 0n ? "-" : ""}${digits.slice(0, cut)}${scale === 0 ? "" : `.${digits.slice(cut)}`}`;
}

/** The number in units of 10^-scale, where it is one. */
function rescaled({ unscaled, scale }: Numeral, to: number): bigint | undefined {
  if (to >= scale) return unscaled * 10n ** BigInt(to - scale);
  const divisor = 10n ** BigInt(scale - to);
  return unscaled % divisor === 0n ? unscaled / divisor : undefined;
}

test("any number goes into a column of numbers as it is, or not at all", async () => {
  const property = async (numeral: Numeral, column: (typeof NUMERIC)[number]) => {
    const text = textOf(numeral);
    const stored = await assigned(column, `${text}::DECIMAL(38,${numeral.scale})`);
    if (column === "float" || column === "double") {
      const nearest = column === "float" ? Math.fround(Number(text)) : Number(text);
      const digits = String(numeral.unscaled).replace(/^-|0+$/g, "").length;
      if (stored !== undefined) expect(stored === 0 ? 0 : stored).toBe(nearest === 0 ? 0 : nearest);
      // A float has seven digits and some; a double fifteen. A whole number may be exact beyond, as 2^40 is.
      const isExact = Number.isInteger(nearest) && rescaled(numeral, 0) === BigInt(nearest);
      if (!isExact && digits > (column === "float" ? 9 : 17)) expect(stored).toBeUndefined();
      if (digits <= (column === "float" ? 6 : 15)) expect(stored).toBeDefined();
      return;
    }
    const bits = column === "int" ? 32 : 64;
    if (column === "int" || column === "long") {
      const whole = rescaled(numeral, 0);
      const fits = whole !== undefined && BigInt.asIntN(bits, whole) === whole;
      expect(stored).toBe(fits ? (column === "int" ? Number(whole) : whole) : undefined);
      return;
    }
    const [precision, scale] = column === "d3" ? [3, 1] : [38, 10];
    const units = rescaled(numeral, scale);
    const limit = 10n ** BigInt(precision);
    const fits = units !== undefined && units < limit && units > -limit;
    expect(stored).toBe(fits ? textOf({ unscaled: units, scale }) : undefined);
  };
  await fc.assert(fc.asyncProperty(number, fc.constantFrom(...NUMERIC), property), { numRuns: runs(60) });
});

test("any float goes into a decimal that means it and has no digits of its own, or not at all", async () => {
  const value = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e27, max: 1e27 }),
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map((n) => n / 1_000),
    fc.bigInt(-(2n ** 80n), 2n ** 80n).map(Number),
  );
  const property = async (given: number, isFloat: boolean) => {
    const number = isFloat ? Math.fround(given) : given;
    const type = isFloat ? "FLOAT" : "DOUBLE";
    const digits = isFloat ? 9 : 17;
    const stored = await assigned("d38", `CAST('${number}' AS ${type})`);
    if (Number.isInteger(number)) {
      expect(stored).toBe(`${BigInt(number)}.0000000000`);
      return;
    }
    const meant = (text: string) => (isFloat ? Math.fround(Number(text)) : Number(text));
    const short = Array.from({ length: digits }, (_, n) => number.toPrecision(n + 1)).find(
      (text) => meant(text) === number,
    );
    const [mantissa = "", exponent = "0"] = (short ?? "").split("e");
    const decimals = (mantissa.split(".")[1]?.replace(/0+$/, "").length ?? 0) - Number(exponent);
    // DuckDB's own text may have a digit or two more than the shortest.
    if (decimals <= 8) expect(stored).toBeDefined();
    if (decimals > 10) expect(stored).toBeUndefined();
    if (stored === undefined) return;
    expect(meant(String(stored))).toBe(number);
    expect(
      String(stored)
        .replace(/\D|0+$/g, "")
        .replace(/^0+/, "").length,
    ).toBeLessThanOrEqual(digits);
  };
  await fc.assert(fc.asyncProperty(value, fc.boolean(), property), { numRuns: runs(60) });
});

test("floats and decimals meet exactly, where DuckDB's casts multiply in floats", async () => {
  expect(await assigned("float", "-6878659379.2::DECIMAL(38,1)")).toBeUndefined();
  expect(await assigned("float", "-68786593792::DECIMAL(38,0)")).toBe(-68786593792);
  expect(await assigned("double", "1152921504606847232.1::DECIMAL(38,1)")).toBeUndefined();
  expect(await assigned("d38", "6878659584::FLOAT")).toBe("6878659584.0000000000");
  expect(await assigned("d38", "1152921504606847232::DOUBLE")).toBe("1152921504606847232.0000000000");
  expect(await assigned("d38", "0.1::FLOAT")).toBe("0.1000000000");
  expect(await assigned("d38", "0.02098569::FLOAT")).toBe("0.0209856900");
});

test("any point in time goes into a column of times as it is, or not at all", async () => {
  const second = fc.bigInt(-5_000_000_000n, 5_000_000_000n);
  const unit = fc.constantFrom(1n, 1_000n, 1_000_000_000n, 86_400_000_000_000n);
  const moment = fc.tuple(second, fc.bigInt(0n, 999_999_999n), unit).map(([s, n, to]) => {
    const ns = s * 1_000_000_000n + n;
    return ns - (((ns % to) + to) % to);
  });
  const property = async (ns: bigint, column: "date" | "ts" | "ns", asText: boolean) => {
    const day = ns % 86_400_000_000_000n === 0n;
    const holds = column === "ns" || (column === "ts" ? ns % 1_000n === 0n : day);
    const sql = `make_timestamp_ns(${ns})`;
    const spelled = asText ? `CAST(${day ? `CAST(${sql} AS DATE)` : sql} AS VARCHAR)` : sql;
    const stored = await assigned(column, spelled);
    expect(stored === undefined ? undefined : nanosecondsOf(stored as string)).toBe(holds ? ns : undefined);
  };
  const columns = fc.constantFrom("date" as const, "ts" as const, "ns" as const);
  await fc.assert(fc.asyncProperty(moment, columns, fc.boolean(), property), { numRuns: runs(40) });
});

function nanosecondsOf(text: string): bigint {
  const [, seconds = text, fraction = ""] = /^([^.]*)(?:\.(\d+))?$/.exec(text) ?? [];
  const ms = Date.parse(seconds.length > 10 ? `${seconds}Z` : `${seconds}T00:00:00Z`);
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}

test("an expression names a struct's member, whatever the struct is called", async () => {
  const member = struct({ n: long() });
  const columns = { n: long(), m: long(), rows: member, unnamed_subquery: member };
  const created = await catalog.createTable("n.members", { schema: defineSchema(columns) });
  const line = { n: 1n, m: 0n, rows: { n: 5n }, unnamed_subquery: { n: 7n } };
  const table = (await created.append([line])).withEngine(engine) as unknown as Table;
  const set = { m: { sql: "unnamed_subquery.n" }, n: { sql: "rows.n" } };
  const updated = await table.updateRows(alwaysTrue, set);
  expect(await (await engine.scan(updated, updated.scan())).rows()).toEqual([{ ...line, m: 7n, n: 5n }]);
});
