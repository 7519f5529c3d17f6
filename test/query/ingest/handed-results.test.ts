import fc from "fast-check";
import {
  binary,
  boolean,
  type Column,
  date,
  decimal,
  defineSchema,
  double,
  eq,
  fixed,
  float,
  int,
  list,
  long,
  map,
  type QueryResult,
  string,
  struct,
  time,
  timestamp,
  timestampNs,
  timestamptz,
  uuid,
} from "sololakehouse";
import { describe, expect, test } from "vitest";
import { conformingBatches, type IngestOptions, type Schema } from "../../../lib/lakehouse/iceberg/index.js";
import { dataBatches } from "../../../lib/lakehouse/query/ingest/data.js";
import { batchRows } from "../../../lib/lakehouse/query/result/batch-rows.js";
import { runs } from "../../support/runs.js";
import { lake, newName } from "../support/files.js";

/*
 * A result that is handed to a writing call is taken in its batches. Nobody may see that: its rows, one by one, are the model.
 */

const POOL = {
  boolean: ["true", "false"],
  tinyint: ["-128", "7"],
  smallint: ["-32768", "300"],
  integer: ["-2147483648", "2147483647", "0"],
  bigint: ["-9223372036854775808", "9223372036854775807", "5", "2147483648"],
  utinyint: ["255"],
  usmallint: ["65535"],
  uinteger: ["4294967295", "1"],
  ubigint: ["18446744073709551615", "3"],
  hugeint: ["170141183460469231731687303715884105727", "-12", "99999999999999999999999999999999999999"],
  uhugeint: ["340282366920938463463374607431768211455", "4"],
  float: ["'nan'", "'inf'", "'-0.0'", "1e-45", "3.4028235e38", "0.1"],
  double: ["'nan'", "'-inf'", "'-0.0'", "5e-324", "1e300", "0.1", "16777217", "3"],
  "decimal(4,2)": ["12.30", "-99.99", "0"],
  "decimal(9,2)": ["1234567.89"],
  "decimal(18,0)": ["123456789012345678", "7"],
  "decimal(38,2)": ["123456789012345678901234567890123456.78", "-0.01"],
  date: [
    "'2001-01-31'",
    "'0001-01-01'",
    "'9999-12-31'",
    "'infinity'",
    "'-infinity'",
    "'294247-01-10'",
    "'0044-03-15 (BC)'",
  ],
  time: ["'22:31:08.5'", "'00:00:00'", "'24:00:00'"],
  timestamp: [
    "'2001-01-31 22:31:08.000001'",
    "'1969-12-31 23:59:59.999999'",
    "'infinity'",
    "'0044-03-15 (BC) 12:00:00'",
    "'294246-01-01'",
  ],
  timestamp_s: ["'2001-01-31 22:31:08'", "'infinity'"],
  timestamp_ms: ["'2001-01-31 22:31:08.123'"],
  timestamp_ns: [
    "'2001-01-31 22:31:08.123456789'",
    "'2001-01-31 22:31:08.123456'",
    "'infinity'",
    "'1677-09-22'",
  ],
  timestamptz: ["'2001-01-31 22:31:08.5+02'", "'-infinity'", "'0001-01-01 00:00:00+00'"],
  interval: ["'1 month 2 days'"],
  varchar: [
    "''",
    "'🙂 ü'",
    "'2001-01-31'",
    "'2001-01-31T22:31:08'",
    "'12.30'",
    "'f79c3e09-677c-4bbd-a479-3f349cb785e7'",
    "chr(65279) || 'bom'",
  ],
  blob: ["''", "'\\x00\\xFFab'", "'0123456789abcdef'"],
  uuid: ["'f79c3e09-677c-4bbd-a479-3f349cb785e7'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"],
  "varchar[]": ["[]", "['a', NULL]", "['a', 'b']"],
  "integer[2]": ["[1, 2]", "[NULL, 3]"],
  "date[]": ["['infinity'::DATE]", "['2001-01-31'::DATE, NULL]"],
  "map(varchar, bigint)": ["MAP {}", "MAP {'a': 1, 'b': NULL}"],
  "map(double, bigint)": ["MAP {0.0: 1}", "MAP {1.5: 1, 2.5: 2}"],
  "struct(x bigint, y varchar)": ["{'x': 1, 'y': 'a'}", "{'x': NULL, 'y': NULL}"],
  "struct(y varchar, x integer)": ["{'y': 'a', 'x': 1}"],
  "struct(x bigint)": ["{'x': 1}"],
  "struct(x bigint, Y varchar)": ["{'x': 1, 'Y': 'a'}"],
} as const;

const TARGETS: readonly Column<unknown, boolean>[] = [
  boolean(),
  int(),
  long(),
  float(),
  double(),
  decimal(4, 2),
  decimal(20, 0),
  decimal(38, 0),
  decimal(38, 2),
  date(),
  time(),
  timestamp(),
  timestampNs(),
  timestamptz(),
  string(),
  uuid(),
  fixed(16),
  binary(),
  list(string().optional()),
  list(int()),
  list(date().optional()),
  map(string(), long().optional()),
  map(double(), long()),
  struct({ x: long().optional(), y: string().optional() }),
  struct({ x: long(), y: string().optional().default("filled") }),
];

const types = Object.keys(POOL) as (keyof typeof POOL)[];

const castOf = (type: string, value: string) => `CAST(${value} AS ${type})`;

/** What becomes of data: the columns and values that would be stored, or the error. */
async function stored(schema: Schema, data: unknown, options?: IngestOptions): Promise<unknown> {
  try {
    const rows: unknown[] = [];
    let columns: string | undefined;
    const given = data as AsyncIterable<never>;
    const batches = options ? dataBatches(given, schema, options) : conformingBatches(schema, given);
    for await (const batch of batches) {
      columns = JSON.stringify(batch.schema.fields.map((each) => [String(each), [...each.metadata]]));
      rows.push(...batchRows(batch.schema, batch));
    }
    return { columns, rows };
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === undefined) throw error;
    return { code, message };
  }
}

/** Hands a query's result over, and its rows one by one. */
async function both(
  schema: Schema,
  result: QueryResult,
  options?: IngestOptions,
): Promise<{ handed: unknown; rows: unknown }> {
  const rows = await result.rows();
  async function* each() {
    yield* rows;
  }
  return {
    handed: await stored(schema, result, options),
    rows: await stored(schema, each(), options),
  };
}

describe("a result that is handed over", () => {
  test("has each value of each type become what its row's would, or the same error", async () => {
    let fitting = 0;
    for (const type of types) {
      const values = POOL[type].map((value) => castOf(type, value));
      for (const each of [...values.map((value) => [value]), ["NULL"], [...values, "NULL"]]) {
        const rows = each.map((value) => `SELECT ${value}::${type} AS a`).join(" UNION ALL ");
        const result = await lake.sql(rows);
        for (const target of TARGETS) {
          for (const column of [target, target.optional()]) {
            const { handed, rows } = await both(defineSchema({ a: column }), result);
            expect(handed, `${each} of ${type}`).toEqual(rows);
            if (handed !== null && typeof handed === "object" && "rows" in handed) fitting++;
          }
        }
      }
    }
    expect(fitting).toBeGreaterThan(500);
  });

  test("has its columns found by their names, and the others filled, as those of rows are", async () => {
    const names = fc.constantFrom("a", "A", "b", "__proto__", "toString");
    const columns = fc.uniqueArray(fc.record({ name: names, type: fc.constantFrom(...types) }), {
      minLength: 1,
      maxLength: 3,
      selector: ({ name }) => name,
    });
    const picks = fc.array(fc.array(fc.nat(20), { minLength: 3, maxLength: 3 }), { maxLength: 5 });
    const fields = fc.uniqueArray(
      fc.record({ name: names, target: fc.constantFrom(...TARGETS), isOptional: fc.boolean() }),
      { minLength: 1, maxLength: 4, selector: ({ name }) => name },
    );
    await fc.assert(
      fc.asyncProperty(columns, picks, fields, async (given, rows, wanted) => {
        const typed = given.map(({ name, type }) => `NULL::${type} AS "${name}"`).join(", ");
        const lines = rows.map((row) =>
          given
            .map(({ type }, i) => {
              const pool = POOL[type];
              const at = (row[i] as number) % (pool.length + 1);
              return `${at === pool.length ? "NULL" : castOf(type, pool[at] as string)}::${type}`;
            })
            .join(", "),
        );
        const all = [`(SELECT ${typed} LIMIT 0)`, ...lines.map((line) => `SELECT ${line}`)].join(
          " UNION ALL ",
        );
        const result = await lake.sql(all);
        const schema = defineSchema(
          Object.fromEntries(
            wanted.map(({ name, target, isOptional }) => [name, isOptional ? target.optional() : target]),
          ),
        );
        for (const options of [undefined, { extraFields: "ignore" }] as const) {
          const { handed, rows: byRow } = await both(schema, result, options);
          expect(handed).toEqual(byRow);
        }
      }),
      { numRuns: runs(150) },
    );
  });

  test.each([
    "SELECT 1 AS more, i AS a, -i AS b FROM range(3) t(i)",
    "SELECT -i AS b, 'x' AS more, i AS a, 2 AS most FROM range(3) t(i)",
    "SELECT 1 AS more, NULL::BIGINT AS a, 2 AS b",
    "SELECT 1 AS more, 99999999999 AS b, 1 AS a",
    "SELECT 1 AS more",
    "SELECT 1 AS more LIMIT 0",
  ])("has other columns than the table's left out from wherever they stand: %s", async (query) => {
    const schema = defineSchema({ a: long(), b: int().optional() });
    const { handed, rows } = await both(schema, await lake.sql(query), { extraFields: "ignore" });
    expect(handed).toEqual(rows);
  });

  test("is the same where it is a table's scan, which has bytes of a length", async () => {
    const bytes = (length: number) => new Uint8Array(length).fill(7);
    const schema = defineSchema({ f8: fixed(8), f16: fixed(16), u: uuid(), l: list(fixed(8)) });
    const id = "f79c3e09-677c-4bbd-a479-3f349cb785e7";
    const row = { f8: bytes(8), f16: bytes(16), u: id, l: [bytes(8)] };
    const table = await (await lake.createTable(newName(), { schema })).append([row]);
    for (const name of ["f8", "f16", "u", "l"] as const) {
      const result = await lake.read(table, table.scan({ select: [name] }));
      for (const target of [fixed(8), fixed(16), uuid(), binary(), string(), list(fixed(8)), list(uuid())]) {
        const { handed, rows } = await both(defineSchema({ [name]: target as Column<unknown> }), result);
        expect(handed).toEqual(rows);
      }
    }
  });

  test("is counted on over its batches in errors", async () => {
    const result = await lake.sql(
      "SELECT i AS a, CASE WHEN i = 150000 THEN NULL ELSE i END AS b FROM range(200000) t(i) ORDER BY i",
    );
    const { handed, rows } = await both(defineSchema({ b: int(), a: long() }), result);
    expect(handed).toEqual(rows);
    expect(handed).toMatchObject({ code: "SCHEMA_MISMATCH", message: expect.stringContaining("Row 150000") });
  });

  test("makes a table with the types of its query, and can be handed to each call that writes", async () => {
    const name = newName();
    const query =
      "SELECT DATE '2001-01-31' AS day, 12.30::DECIMAL(4,2) AS price, 'x' AS note, 5::BIGINT AS id";
    const made = await lake.createTableAs(name, lake.sql(query));
    const same = await lake.createTableAs(newName(), query);
    expect(made.schema.fields).toEqual(same.schema.fields);
    let table = await made.append(await lake.sql(query));
    table = await table.appendFrom(lake.sql(`${query}, 1 AS more`), { extraFields: "ignore" });
    table = await table.append(lake.sql("SELECT 6 AS id"));
    table = await table.upsert(await lake.sql("SELECT 6 AS id, 'new' AS note"), { on: ["id"] });
    table = await table.overwrite(lake.sql("SELECT 7 AS id"), { where: eq("id", 5n) });
    expect(await table.rows()).toHaveLength(2);
    expect(await lake.sql(`SELECT id, note, price FROM ${name} ORDER BY id`).rows()).toEqual([
      { id: 6n, note: "new", price: null },
      { id: 7n, note: null, price: null },
    ]);
    const read = await lake.sql(query);
    await table.append(read);
    await expect(table.append(read)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
